// Which of two answers is better: a button under each, and below both that neither is; saved as one comparison.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatStore } from './chat-store.js';
import { areSame, type Preference, type Problem, type Turn } from './conversation.js';
import { ProblemNote, useSaving } from './parts.js';
import type { Words } from './words.js';

interface ChoiceProps {
  turn: Turn;
  chat: ChatStore;
  words: Words;
  onProblem: (problem: Problem) => void;
}

/** Under an answer. */
export function BetterButton({ better, ...props }: ChoiceProps & { better: 0 | 1 }) {
  const { button, problem } = useChoice(props);
  if (props.turn.preference !== undefined || areSame(props.turn)) return null;
  return (
    <p class="better">
      {button(better, props.words.chat.isBetter)}
      {problem && <ProblemNote problem={problem} words={props.words} />}
    </p>
  );
}

/** Below both answers. */
export function Choice(props: ChoiceProps) {
  const { button, problem, saving } = useChoice(props);
  const { turn, chat, words } = props;
  const { preference } = turn;
  const buttons = useRef<HTMLDivElement>(null);
  const isFirst = useRef(true);
  const isChosen = preference !== undefined;
  // The button that was pressed is gone with this change: the focus is given to what stands in its place.
  useLayoutEffect(() => {
    if (!isFirst.current && document.activeElement === document.body) buttons.current?.querySelector('button')?.focus();
    isFirst.current = false;
  }, [isChosen]);
  if (preference === undefined && areSame(turn))
    return (
      <p class="choice soft" role="status">
        {words.chat.same}
      </p>
    );
  return (
    <div class="choice" role="status" ref={buttons}>
      {preference === undefined ? (
        <>
          {button('tie', words.chat.tie)}
          {button('both bad', words.chat.bothBad)}
        </>
      ) : (
        <p class="saved">
          {words.chat.preference[typeof preference.better === 'number' ? 'chosen' : preference.better]}{' '}
          <button
            type="button"
            class="quiet"
            aria-disabled={saving.isBusy}
            onClick={() => saving.run(() => chat.withdraw(turn))}
          >
            {words.chat.undo}
          </button>
        </p>
      )}
      {problem && <ProblemNote {...{ problem, words }} />}
    </div>
  );
}

function useChoice({ turn, chat, onProblem }: ChoiceProps) {
  const [problem, setProblem] = useState<Problem>();
  const saving = useSaving((found) => {
    setProblem(found);
    if (found !== undefined) onProblem(found);
  });
  const isReady = turn.answers.every(
    ({ state, messages }) => (state === 'done' || state === 'stopped') && messages.length > 0,
  );
  const button = (better: Preference, label: string) => (
    <button
      type="button"
      disabled={!isReady}
      aria-disabled={saving.isBusy}
      onClick={() => saving.run(() => chat.prefer(turn, better))}
    >
      {label}
    </button>
  );
  return { button, problem, saving };
}
