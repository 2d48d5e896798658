// Small pieces that every view uses: a problem in words, a list of facts.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import type { Words } from './words.js';

interface ProblemNoteProps {
  problem: Problem;
  words: Words;
  onRetry?: () => void;
  /** What the button says. */
  retryWords?: string;
}

/** What went wrong, what to do, and a way to try again. */
export function ProblemNote({ problem, words, onRetry, retryWords = words.tryAgain }: ProblemNoteProps) {
  const { what, next } = problem.isLost ? words.lost : problem;
  return (
    <div class="problem" role="alert">
      <p>
        <b>{what || words.failed}</b> {next}
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {retryWords}
        </button>
      )}
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/**
 * One thing is saved at a time; what went wrong is reported, and taken back at the next try. A button that stays is marked by
 * `aria-disabled`: one that is disabled loses the focus.
 */
export function useSaving(report: (problem: Problem | undefined) => void) {
  const [isBusy, setBusy] = useState(false);
  const isRunning = useRef(false);
  const run = async (save: () => Promise<void>): Promise<void> => {
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    try {
      await save();
      report(undefined);
    } catch (error) {
      report(problemOf(error));
    }
    isRunning.current = false;
    setBusy(false);
  };
  return { isBusy, run };
}
