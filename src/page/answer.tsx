// One answer: text, thoughts and tool calls in the order they came, how fast they did, and what can be said about it. All of it
// is text to the browser, whatever a model writes.
import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { Session } from '../serve/contract.js';
import { modelName } from './chat-setup.js';
import type { ChatStore } from './chat-store.js';
import { BetterButton } from './choice.js';
import {
  type Answer,
  answerText,
  type CallPart,
  isRunning,
  type Part,
  type Problem,
  type Turn,
  type Verdict,
} from './conversation.js';
import { EditingForm } from './editing-form.js';
import { CopyButton, ProblemNote, useSaving } from './parts.js';
import { Said } from './said.js';
import type { Words } from './words.js';

interface AnswerViewProps {
  answer: Answer;
  index: 0 | 1;
  turn: Turn;
  chat: ChatStore;
  session: Session;
  words: Words;
  isLast: boolean;
  isPair: boolean;
  onProblem: (problem: Problem) => void;
  /** Begins a new conversation, with this question in the box. */
  onStartOver: (question: string) => void;
}

const maxArgumentLine = 70;

export function AnswerView(props: AnswerViewProps) {
  const { answer, index, turn, chat, session, words, isPair, isLast, onProblem, onStartOver } = props;
  const served = session.models.find(({ id }) => id === answer.model);
  const isSameModel = turn.answers.every(({ model }) => model === answer.model);
  const isContinued = isPair && turn.chosen === index;
  const isPreferred = turn.preference?.better === index;
  const name = served === undefined ? answer.model : modelName(words, served, session.models);
  // How to get it back is said above the conversation.
  const isFull = answer.problem?.code === 'context_length_exceeded';
  const full = isFull && served !== undefined ? words.chat.full(served.contextLength) : answer.problem;
  const problem = answer.problem?.isLost ? { what: words.chat.lost } : full;
  const isSilent = answer.parts.length === 0 && (answer.state === 'done' || answer.state === 'stopped');
  return (
    <article class={isContinued ? 'answer continued' : 'answer'} aria-busy={isRunning(answer)} aria-label={name}>
      <header>
        <b>{name}</b>
        {isPair && isSameModel && <span class="soft">{`${words.chat.seed} ${answer.seed}`}</span>}
        {isPreferred && <span class="badge">{words.chat.preferred}</span>}
        {isContinued && <span class="soft">{words.chat.continues}</span>}
      </header>
      {answer.parts.map((part, at) => (
        <PartView key={at} {...{ part, words }} isRunning={isRunning(answer)} />
      ))}
      {answer.state === 'waiting' && <p class="soft waiting">{words.chat.waiting}</p>}
      {isSilent && <p class="soft">{words.chat.empty}</p>}
      {answer.state === 'stopped' && <p class="soft">{words.chat.finish.aborted}</p>}
      {answer.finish !== undefined && words.chat.finish[answer.finish] !== '' && (
        <p class="soft">{words.chat.finish[answer.finish]}</p>
      )}
      {problem && (
        <ProblemNote
          problem={problem}
          words={words}
          {...(isLast && { onRetry: () => (isFull ? onStartOver(turn.question) : chat.regenerate(turn, answer)) })}
          {...(isFull && { retryWords: words.chat.clear })}
        />
      )}
      {!isRunning(answer) && answer.state !== 'failed' && !isSilent && <Actions {...props} />}
      {isPair && <BetterButton {...{ turn, chat, words, onProblem }} better={index} />}
    </article>
  );
}

function PartView({ part, words, isRunning }: { part: Part; words: Words; isRunning: boolean }) {
  if (part.type === 'text') return <Said text={part.text} words={words} />;
  if (part.type === 'thought')
    return (
      <details class="thought">
        <summary>{words.chat.thought}</summary>
        <div class="said" dir="auto">
          {part.text}
        </div>
      </details>
    );
  return <CallView {...{ part, words, isRunning }} />;
}

interface CallViewProps {
  part: CallPart;
  words: Words;
  isRunning: boolean;
}

/** A tool call unfolded: its name, what it was given, what came of it. */
function CallView({ part, words, isRunning }: CallViewProps) {
  const { call, unreadable, argument, result, failedResult, running } = words.chat;
  const title = part.written === undefined ? `${call} ${part.name}` : unreadable;
  const asked = part.written ?? (part.arguments === undefined ? '' : argumentText(part.arguments));
  return (
    <details class={part.result?.failed ? 'call failed' : 'call'} open>
      <summary>{title}</summary>
      <dl>
        {asked !== '' && (
          <>
            <dt>{argument}</dt>
            <dd>
              <pre>{asked}</pre>
            </dd>
          </>
        )}
        {part.result !== undefined && (
          <>
            <dt>{part.result.failed ? failedResult : result}</dt>
            <dd>
              <pre>{part.result.text}</pre>
            </dd>
          </>
        )}
      </dl>
      {part.result === undefined && isRunning && <p class="soft">{running}</p>}
    </details>
  );
}

/** In one line where it fits. */
function argumentText(given: Record<string, unknown>): string {
  const short = JSON.stringify(given);
  return short.length <= maxArgumentLine ? short : JSON.stringify(given, null, 2);
}

/** Judge, correct, copy, ask again. */
function Actions({ answer, turn, chat, session, words, isLast, onProblem }: AnswerViewProps) {
  const served = session.models.some(({ id }) => id === answer.model);
  const [problem, setProblem] = useState<Problem>();
  const [correction, setCorrection] = useState<string>();
  const opener = useRef<HTMLButtonElement>(null);
  const thumbs = { good: useRef<HTMLButtonElement>(null), bad: useRef<HTMLButtonElement>(null) };
  const saving = useSaving((found) => {
    setProblem(found);
    if (found !== undefined) onProblem(found);
  });
  const kind = answer.verdict?.kind;
  const judge = (verdict: Verdict, edited?: string): Promise<void> =>
    saving.run(async () => {
      if (kind === verdict && edited === undefined) return chat.withdraw(answer);
      await chat.judge(turn, answer, verdict, edited);
      if (edited !== undefined) closeCorrection();
    });
  const closeCorrection = (): void => {
    setCorrection(undefined);
    setProblem(undefined);
    opener.current?.focus();
  };
  const saveCorrection = (edited: string): void => {
    if (edited.trim() === answerText(answer).trim()) setProblem({ what: words.chat.unchanged });
    else void judge('edit', edited);
  };
  /** The button goes with the judgement: the focus returns to where that was given. */
  const withdraw = (): Promise<void> =>
    saving.run(async () => {
      await chat.withdraw(answer);
      (kind === 'good' || kind === 'bad' ? thumbs[kind] : opener).current?.focus();
    });
  const { good, bad, correct, regenerate, saved, undo } = words.chat;
  const thumb = (verdict: 'good' | 'bad', label: string) => (
    <button
      type="button"
      ref={thumbs[verdict]}
      class="quiet icon"
      aria-label={label}
      title={label}
      aria-pressed={kind === verdict}
      aria-disabled={saving.isBusy}
      onClick={() => judge(verdict)}
    >
      <svg viewBox="0 0 24 24" class={verdict} aria-hidden="true">
        <path d="M7 11v9H3v-9h4l4-8c1.7 0 2.5 1.2 2.5 2.7V9H19a2 2 0 0 1 2 2.3l-1.2 7A2 2 0 0 1 17.8 20H7" />
      </svg>
    </button>
  );
  return (
    <footer>
      {answer.verdict?.edited !== undefined && (
        <div class="corrected said" dir="auto">
          {answer.verdict.edited}
        </div>
      )}
      <div class="actions">
        {thumb('good', good)}
        {thumb('bad', bad)}
        <button
          type="button"
          class="quiet"
          ref={opener}
          onClick={() => setCorrection(answer.verdict?.edited ?? answerText(answer))}
        >
          {correct}
        </button>
        <CopyButton words={words} text={answerText(answer)} />
        {isLast && served && (
          <button type="button" class="quiet" onClick={() => chat.regenerate(turn, answer)}>
            {regenerate}
          </button>
        )}
        <Figures {...{ answer, words }} />
      </div>
      {kind !== undefined && (
        <p class="saved" role="status">
          {saved[kind]}{' '}
          <button type="button" class="quiet" aria-disabled={saving.isBusy} onClick={withdraw}>
            {undo}
          </button>
        </p>
      )}
      {correction !== undefined && (
        <EditingForm
          text={correction}
          label={words.chat.correction}
          save={words.chat.save}
          cancel={words.cancel}
          isBusy={saving.isBusy}
          isSaveKey={({ key, ctrlKey, metaKey }) => key === 'Enter' && (ctrlKey || metaKey)}
          onChange={setCorrection}
          onSave={() => saveCorrection(correction)}
          onClose={closeCorrection}
        />
      )}
      {problem && <ProblemNote {...{ problem, words }} />}
    </footer>
  );
}

/** How soon its first token was on the screen, and how many tokens a second came in all. */
function Figures({ answer, words }: { answer: Answer; words: Words }) {
  const { firstToken, total, outputTokens } = answer;
  if (firstToken === undefined || total === undefined || outputTokens === undefined) return null;
  const speed = outputTokens / (Math.max(total, firstToken) / 1000);
  const first = `${Math.round(firstToken)} ms`;
  return <span class="soft figures">{words.chat.figures(first, formatCount(outputTokens), formatCount(speed))}</span>;
}
