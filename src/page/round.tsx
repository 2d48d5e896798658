// A round of alignment from the feedback: started here, followed while it trains, and ended by the gate, in its own words. Those
// before it stay in reach, whichever browser or server they began in; one that was promoted can be undone.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { RoundEvent, RoundId, RoundList, RoundUndone, Session } from '../serve/contract.js';
import { modelName } from './chat-setup.js';
import { type Connection, problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { ProblemNote, useSaving } from './parts.js';
import { RoundOutcome } from './round-outcome.js';
import type { Words } from './words.js';

type RoundProgress = Extract<RoundEvent, { type: 'progress' }>;

interface RoundViewProps {
  connection: Connection;
  session: Session;
  words: Words;
  model: string;
  /** There is enough to train on. */
  canStart: boolean;
  onFinished: () => Promise<void>;
  onModels: () => Promise<void>;
  onModel: (id: string) => void;
}

const retryMilliseconds = 3000;

export function RoundView(props: RoundViewProps) {
  const { connection, session, words, model, canStart, onFinished, onModels, onModel } = props;
  const [list, setList] = useState<RoundList>();
  const [from, setFrom] = useState(model);
  const [progress, setProgress] = useState<RoundProgress>();
  const [problem, setProblem] = useState<Problem>();
  const [undone, setUndone] = useState<RoundUndone>();
  const saving = useSaving(setProblem);
  const { feedback } = words;
  const running = list?.rounds.find(({ state }) => state === 'running')?.id;

  // `words`: what the gate said is said in another language.
  const read = useCallback(async (): Promise<void> => {
    setList(await connection.get<RoundList>('/api/rounds'));
  }, [connection, words]);
  useEffect(() => {
    read().catch((error) => setProblem(problemOf(error)));
  }, [read]);

  useEffect(() => {
    if (running === undefined) return;
    const controller = new AbortController();
    const { signal } = controller;
    /** Until its end, over connections that break. */
    const follow = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          for await (const event of connection.stream<RoundEvent>(`/api/rounds/${running}`, signal)) {
            setProblem(undefined);
            if (event.type === 'progress') setProgress(event);
            else if (event.type === 'error') return setProblem(event);
            else {
              await Promise.all([onModels(), onFinished(), read()]);
              return;
            }
          }
        } catch (error) {
          const found = problemOf(error);
          setProblem(found);
          if (!found.isLost) return;
        }
        await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
      }
    };
    void follow();
    return () => controller.abort();
  }, [connection, running, onModels, onFinished, read]);

  const start = (): Promise<void> =>
    saving.run(async () => {
      await connection.post<RoundId>('/api/rounds', { model: from });
      setUndone(undefined);
      setProgress(undefined);
      await read();
    });
  const undo = (id: string): Promise<void> =>
    saving.run(async () => {
      const went = await connection.post<RoundUndone>(`/api/rounds/${id}/undo`, {});
      setUndone(went);
      onModel(went.default);
      await Promise.all([onModels(), read()]);
    });
  const tryIt = (id: string): void => {
    onModel(id);
    location.hash = '#/chat';
  };
  const [newest, ...earlier] = list?.rounds.filter(({ state }) => state !== 'running') ?? [];
  const outcome = { words, isBusy: saving.isBusy, onTry: tryIt, onUndo: undo };
  return (
    <section>
      <h2>{feedback.round}</h2>
      <p>{feedback.roundIs}</p>
      <div class="actions">
        <label class="inline">
          <span>{feedback.model}</span>
          <select
            value={from}
            disabled={running !== undefined}
            onChange={(event) => setFrom(event.currentTarget.value)}
          >
            {session.models.map((each) => (
              <option key={each.id} value={each.id}>
                {modelName(words, each, session.models)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="primary"
          disabled={!canStart || session.models.length === 0 || running !== undefined || saving.isBusy}
          onClick={start}
        >
          {saving.isBusy ? feedback.starting : feedback.start}
        </button>
        {!canStart && <span class="soft">{feedback.notYet}</span>}
      </div>
      {running !== undefined && problem === undefined && <Progress {...{ progress, words }} />}
      {problem && <ProblemNote problem={{ ...problem, what: problem.what || feedback.failed }} words={words} />}
      {undone !== undefined && <p role="status">{feedback.undone(undone.default, undone.checkpoint)}</p>}
      {newest !== undefined && (
        <div class="card" role="status">
          <RoundOutcome {...outcome} round={newest} />
        </div>
      )}
      {earlier.length > 0 && (
        <details class="settings">
          <summary>{feedback.earlierRounds(earlier.length + (list?.more ?? 0))}</summary>
          {earlier.map((round) => (
            <div key={round.id} class="card">
              <RoundOutcome {...outcome} round={round} />
            </div>
          ))}
          {list?.more !== undefined && <p class="soft">{feedback.moreRounds(list.more)}</p>}
        </details>
      )}
    </section>
  );
}

function Progress({ progress, words }: { progress: RoundProgress | undefined; words: Words }) {
  const { label: said = words.feedback.starting, done, total, text } = progress ?? {};
  const label = said === 'step' ? words.watch.step : said;
  const isMeasured = done !== undefined && total !== undefined && total > 0;
  return (
    <div class="card progress" role="status">
      <p>
        <b>{label}</b> {isMeasured && <span class="soft">{`${formatCount(done)} / ${formatCount(total)}`}</span>}
      </p>
      <progress aria-label={label} max={isMeasured ? total : undefined} value={isMeasured ? done : undefined} />
      {text !== undefined && <p class="soft">{text}</p>}
    </div>
  );
}
