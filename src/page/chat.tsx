// Chat: the models above, the conversation, and a box to write in that stays in reach. It follows a streaming answer as long as
// the reader is at its end.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ServedModel, Session } from '../serve/contract.js';
import { ModelBar } from './chat-setup.js';
import type { ChatSettings, ChatSetup, ChatStore } from './chat-store.js';
import { Composer } from './composer.js';
import type { Problem } from './conversation.js';
import { ConversationList } from './conversation-list.js';
import { ProblemNote } from './parts.js';
import { TurnView } from './turn.js';
import type { Words } from './words.js';

interface ChatViewProps {
  chat: ChatStore;
  session: Session;
  words: Words;
  /** The id of the model that is asked. */
  model: string;
  onModel: (id: string) => void;
  onProblem: (problem: Problem) => void;
}

/** How close to the end counts as being there, in pixels. */
const nearEnd = 120;

export function ChatView({ chat, session, words, model, onModel, onProblem }: ChatViewProps) {
  const [settings, setSettings] = useState(chat.settings);
  const set = (changed: ChatSettings): void => {
    chat.settings = changed;
    setSettings(changed);
  };
  const box = useRef<HTMLTextAreaElement>(null);
  useFollow(chat);
  useEffect(() => {
    const stop = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.isComposing) chat.stop();
    };
    addEventListener('keydown', stop);
    return () => removeEventListener('keydown', stop);
  }, [chat]);

  const lost = chat.turns.at(-1)?.answers.find(({ problem }) => problem?.isLost)?.problem;
  useEffect(() => {
    if (lost !== undefined) onProblem(lost);
  }, [lost, onProblem]);

  const served = session.models.find(({ id }) => id === model) ?? session.models[0];
  const second = session.models.some(({ id }) => id === settings.second) ? settings.second : undefined;
  const { sampling, seed, maxNewTokens } = settings;
  const setup: ChatSetup = {
    ...{ model, sampling, tools: settings.tools && served.tools.length > 0 },
    ...(seed !== undefined && { seed }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    ...(second !== undefined && { second }),
  };
  const ask = (question: string): void => {
    chat.ask(question, setup);
    box.current?.focus({ preventScroll: true });
    scrollToEnd();
  };
  const startOver = (question: string): void => {
    chat.draft = question;
    chat.clear();
    box.current?.focus();
  };
  /** The model that answered last is asked again, where it is served still. */
  const opened = (): void => {
    const last = chat.turns.at(-1);
    const asked = last?.answers[last.chosen]?.model;
    if (session.models.some(({ id }) => id === asked) && asked !== undefined) onModel(asked);
    box.current?.focus({ preventScroll: true });
    scrollToEnd();
  };
  return (
    <div class="chat-page">
      <ConversationList {...{ chat, words }} onNew={() => startOver(chat.draft)} onOpen={opened} />
      <div class="chat">
        <ModelBar {...{ session, words, model, onModel, settings }} onSettings={set} />
        {chat.turns.length === 0 ? (
          <Suggestions served={served} words={words} onAsk={ask} />
        ) : (
          <div class="turns" role="log" aria-label={words.views.chat}>
            {chat.turns.map((turn, index) => (
              <TurnView
                key={turn.key}
                {...{ turn, chat, session, words, setup, onProblem }}
                onStartOver={startOver}
                later={chat.turns.length - 1 - index}
              />
            ))}
          </div>
        )}
        {chat.notKept !== undefined && (
          <ProblemNote problem={{ what: words.chat.notKept[chat.notKept] }} words={words} />
        )}
        <Composer
          {...{ chat, words, box }}
          isBase={served.isBase}
          onAsk={ask}
          onStartOver={() => startOver(chat.draft)}
        />
      </div>
    </div>
  );
}

function Suggestions({ served, words, onAsk }: { served: ServedModel; words: Words; onAsk: (text: string) => void }) {
  const { title, lead, leadBase, tries, triesBase, triesTools } = words.chat;
  const tools = served.tools.length > 0 ? triesTools : [];
  const shown = served.isBase ? triesBase : [...tries.slice(0, 2), ...tools, ...tries.slice(2)];
  return (
    <section class="empty">
      <h1>{title}</h1>
      <p class="soft">{served.isBase ? leadBase : lead}</p>
      <ul class="tries">
        {shown.slice(0, 6).map((text) => (
          <li key={text}>
            <button type="button" onClick={() => onAsk(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Keeps the end of a growing answer in view, unless the reader has scrolled away from it. */
function useFollow(chat: ChatStore): void {
  const isAtEnd = useRef(true);
  const wasRunning = useRef(false);
  useEffect(() => {
    const scrolled = (): void => {
      const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
      isAtEnd.current = scrollHeight - clientHeight - scrollTop < nearEnd;
    };
    if (chat.turns.length > 0) scrollToEnd(); // another view was looked at meanwhile
    addEventListener('scroll', scrolled, { passive: true });
    return () => removeEventListener('scroll', scrolled);
  }, [chat]);
  useLayoutEffect(() => {
    if (isAtEnd.current && (chat.isRunning || wasRunning.current)) scrollToEnd();
    wasRunning.current = chat.isRunning;
  });
}

function scrollToEnd(): void {
  requestAnimationFrame(() => scrollTo({ top: document.documentElement.scrollHeight }));
}
