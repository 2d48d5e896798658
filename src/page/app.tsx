// The page of `mossctl serve`: the frame around its three views. It opens the session, speaks two languages, and says so when the
// server is gone, until it is back.
import { render } from 'preact';
import { useCallback, useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import type { Session } from '../serve/contract.js';
import { ChatView } from './chat.js';
import { ChatStore } from './chat-store.js';
import { connect, problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { FeedbackView } from './feedback.js';
import { ProblemNote } from './parts.js';
import { useRoute, type View, views } from './route.js';
import { WatchView } from './watch.js';
import { firstWords, otherWords, type Words } from './words.js';

const retryMilliseconds = 3000;
const connection = connect();

function App() {
  const [words, setWords] = useState<Words>(firstWords);
  connection.language = words.code;
  const [view, run] = useRoute();
  const [session, setSession] = useState<Session>();
  const [problem, setProblem] = useState<Problem>();
  const [model, setModel] = useState<string>();
  const [, changed] = useReducer((count: number) => count + 1, 0);
  const chat = useMemo(() => new ChatStore(connection, () => changed(undefined)), []);

  const open = useCallback(async (): Promise<void> => {
    try {
      const opened = await connection.session();
      chat.models = opened.models;
      setSession(opened);
      setProblem(undefined);
    } catch (error) {
      setProblem(problemOf(error));
    }
  }, [chat]);

  useEffect(() => void open(), [open]);
  useEffect(() => {
    if (problem === undefined) return;
    const timer = setInterval(open, retryMilliseconds);
    return () => clearInterval(timer);
  }, [problem, open]);
  useEffect(() => {
    document.documentElement.lang = words.code === 'zh' ? 'zh-CN' : 'en';
    document.title = `${words.views[view]} · mossctl`;
  }, [words, view]);

  useEffect(() => {
    if (view !== 'chat') scrollTo({ top: 0 });
  }, [view]);

  const lost = useCallback((found: Problem) => found.isLost && setProblem(found), []);
  const isEmpty = session?.models.length === 0;
  // A run that is followed saves its first model some time; then it can be asked.
  useEffect(() => {
    if (!isEmpty && session?.follows !== true) return;
    const timer = setInterval(open, retryMilliseconds);
    return () => clearInterval(timer);
  }, [isEmpty, session?.follows, open]);
  const chosen = session?.models.some(({ id }) => id === model) ? model : session?.default;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        {words.skip}
      </button>
      <header class="top">
        <span class="brand">mossctl</span>
        <nav aria-label="mossctl">
          {views.map((each) => (
            <ViewLink key={each} view={each} current={view} words={words} />
          ))}
        </nav>
        <button
          type="button"
          class="quiet"
          lang={words.code === 'en' ? 'zh-CN' : 'en'}
          onClick={() => setWords(otherWords(words))}
        >
          {words.otherLanguage}
        </button>
      </header>
      {problem !== undefined && <ProblemNote problem={problem} words={words} onRetry={open} />}
      <main id="content" tabIndex={-1}>
        {session === undefined || chosen === undefined ? (
          problem === undefined && <p class="soft center">{words.loading}</p>
        ) : (
          <>
            {view === 'chat' && isEmpty && (
              <section class="narrow">
                <h1>{words.chat.noModel}</h1>
                <p class="soft">{words.chat.noModelNext}</p>
                <a href="#/watch">{words.views.watch}</a>
              </section>
            )}
            {view === 'chat' && !isEmpty && (
              <ChatView {...{ chat, session, words }} model={chosen} onModel={setModel} onProblem={lost} />
            )}
            {view === 'watch' && <WatchView {...{ connection, words, run }} onProblem={lost} />}
            {view === 'feedback' && (
              <FeedbackView
                {...{ connection, session, words }}
                model={chosen}
                onModels={open}
                onProblem={lost}
                onModel={setModel}
                onErased={(id) => chat.forget(id)}
              />
            )}
          </>
        )}
      </main>
    </>
  );
}

function ViewLink({ view, current, words }: { view: View; current: View; words: Words }) {
  return (
    <a class="view" href={`#/${view}`} {...(view === current && { 'aria-current': 'page' as const })}>
      {words.views[view]}
    </a>
  );
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
