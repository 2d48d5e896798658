// Small pieces that every view uses: a problem in words, a list of facts.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
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

/** Day and time, as the reader's language writes them. */
export function dateFormat({ code }: Words): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(code === 'zh' ? 'zh-CN' : 'en', { dateStyle: 'medium', timeStyle: 'short' });
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

interface DeleteButtonProps {
  words: Words;
  /** What is deleted, for who cannot see where the button stands. */
  label: string;
  ask: string;
  isBusy?: boolean;
  onDelete: () => void;
}

/** Asks once more in its own place, where Escape or the second button keeps what there is. */
export function DeleteButton({ words, label, ask, isBusy = false, onDelete }: DeleteButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  const wasAsking = useRef(false);
  useLayoutEffect(() => {
    if (isAsking !== wasAsking.current) first.current?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (!isAsking)
    return (
      <button
        type="button"
        class="quiet icon"
        ref={first}
        title={words.delete}
        aria-label={label}
        onClick={() => setAsking(true)}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5" />
        </svg>
      </button>
    );
  const keep = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    setAsking(false);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape is heard for the buttons in it
    <span class="asking" onKeyDown={keep}>
      <span>{ask}</span>
      <button type="button" class="danger" ref={first} aria-label={label} aria-disabled={isBusy} onClick={onDelete}>
        {words.delete}
      </button>
      <button type="button" class="quiet" onClick={() => setAsking(false)}>
        {words.keep}
      </button>
    </span>
  );
}

/** A page that is not from this machine itself may have no clipboard: then there is no button. */
export function CopyButton({ words, text }: { words: Words; text: string }) {
  const [isCopied, setCopied] = useState(false);
  if (navigator.clipboard === undefined) return null;
  return (
    <button
      type="button"
      class="quiet"
      onClick={() =>
        void navigator.clipboard.writeText(text).then(
          () => setCopied(true),
          () => setCopied(false),
        )
      }
    >
      {isCopied ? words.chat.copied : words.chat.copy}
    </button>
  );
}
