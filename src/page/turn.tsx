// One turn: the question, which can be edited and asked again, and its answer, or two of them side by side to choose from.
import { useRef, useState } from 'preact/hooks';
import type { Session } from '../serve/contract.js';
import { AnswerView } from './answer.js';
import { secondName } from './chat-setup.js';
import type { ChatSetup, ChatStore } from './chat-store.js';
import { Choice } from './choice.js';
import { isSendKey } from './composer.js';
import { isRunning, type Problem, type Turn } from './conversation.js';
import { EditingForm } from './editing-form.js';
import type { Words } from './words.js';

interface TurnViewProps {
  turn: Turn;
  chat: ChatStore;
  session: Session;
  words: Words;
  /** What an edited question is asked with. */
  setup: ChatSetup;
  /** Turns after this one. */
  later: number;
  onProblem: (problem: Problem) => void;
  onStartOver: (question: string) => void;
}

export function TurnView({ turn, chat, session, words, setup, later, onProblem, onStartOver }: TurnViewProps) {
  const isLast = later === 0;
  const isPair = turn.answers.length > 1;
  return (
    <section class={isPair ? 'turn pair' : 'turn'}>
      <Question {...{ turn, words, later }} onAsk={(question) => chat.askFrom(turn, question, setup)} />
      <div class="answers">
        {turn.answers.map((answer, index) => (
          <AnswerView
            key={answer.key}
            {...{ answer, turn, chat, session, words, isLast, isPair, onProblem, onStartOver }}
            index={index as 0 | 1}
          />
        ))}
      </div>
      {isPair && <Choice {...{ turn, chat, words, onProblem }} />}
      {!isPair && isLast && !isRunning(turn.answers[0]) && turn.answers[0].state !== 'failed' && (
        <SecondAnswer {...{ turn, chat, session, words }} />
      )}
    </section>
  );
}

interface QuestionProps {
  turn: Turn;
  words: Words;
  later: number;
  onAsk: (question: string) => void;
}

function Question({ turn, words: { chat, cancel }, later, onAsk }: QuestionProps) {
  const [draft, setDraft] = useState<string>();
  const opener = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setDraft(undefined);
    requestAnimationFrame(() => opener.current?.focus());
  };
  if (draft === undefined)
    return (
      <div class="question">
        <p class="said" dir="auto">
          <span class="hidden">{chat.you}: </span>
          {turn.question}
        </p>
        <button type="button" class="quiet" ref={opener} onClick={() => setDraft(turn.question)}>
          {chat.edit}
        </button>
      </div>
    );
  return (
    <EditingForm
      text={draft}
      label={chat.editQuestion}
      save={chat.askFromHere}
      cancel={cancel}
      isSaveKey={isSendKey}
      onChange={setDraft}
      onSave={() => onAsk(draft)}
      onClose={close}
    >
      {later > 0 && <span class="soft">{chat.dropsLater(later)}</span>}
    </EditingForm>
  );
}

interface SecondAnswerProps {
  turn: Turn;
  chat: ChatStore;
  session: Session;
  words: Words;
}

function SecondAnswer({ turn, chat, session: { models }, words }: SecondAnswerProps) {
  const { model } = turn.answers[0];
  return (
    <div class="second">
      <span class="soft">{words.chat.secondAnswer}:</span>
      {models.map((each) => (
        <button type="button" class="quiet" key={each.id} onClick={() => chat.addSecond(turn, each.id)}>
          {secondName(words, each, model, models)}
        </button>
      ))}
    </div>
  );
}
