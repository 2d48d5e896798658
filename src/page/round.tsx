// A round of alignment from the feedback: started here, followed while it trains, and ended by the gate, in its own words. A round
// that was promoted can be undone.
import { useEffect, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { GateFigure, RoundEnd, RoundEvent, RoundId, RoundUndone, Session } from '../serve/contract.js';
import { modelName } from './chat-setup.js';
import { type Connection, problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { ProblemNote, useSaving } from './parts.js';
import { ResultsTable } from './results-table.js';
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

/** The round of this tab: it is followed again after the page was loaded anew. */
const storageKey = 'mossctl-round';
const retryMilliseconds = 3000;

export function RoundView({
  connection,
  session,
  words,
  model,
  canStart,
  onFinished,
  onModels,
  onModel,
}: RoundViewProps) {
  const [round, setRound] = useState(() => sessionStorage.getItem(storageKey) ?? undefined);
  const [from, setFrom] = useState(model);
  const [progress, setProgress] = useState<RoundProgress>();
  const [ended, setEnded] = useState<RoundEnd>();
  const [problem, setProblem] = useState<Problem>();
  const [undone, setUndone] = useState<RoundUndone>();
  const saving = useSaving(setProblem);
  const { feedback } = words;
  const isRunning = round !== undefined && ended === undefined && problem === undefined;

  useEffect(() => {
    if (round === undefined) return;
    const controller = new AbortController();
    const { signal } = controller;
    /** Until its end, over connections that break. */
    const follow = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          for await (const event of connection.stream<RoundEvent>(`/api/rounds/${round}`, signal)) {
            setProblem(undefined);
            if (event.type === 'progress') setProgress(event);
            else if (event.type === 'error') return setProblem(event);
            else {
              setEnded(event);
              await Promise.all([onModels(), onFinished()]);
              return;
            }
          }
        } catch (error) {
          const found = problemOf(error);
          setProblem(found);
          if (!found.isLost) return sessionStorage.removeItem(storageKey); // such as a round of another server
        }
        await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
      }
    };
    void follow();
    return () => controller.abort();
  }, [connection, round, onModels, onFinished]);

  const start = (): Promise<void> =>
    saving.run(async () => {
      const { id } = await connection.post<RoundId>('/api/rounds', { model: from });
      setEnded(undefined);
      setUndone(undefined);
      setProgress(undefined);
      sessionStorage.setItem(storageKey, id);
      setRound(id);
    });
  const undo = (): Promise<void> =>
    saving.run(async () => {
      const went = await connection.post<RoundUndone>(`/api/rounds/${round}/undo`, {});
      setUndone(went);
      onModel(went.default);
      await onModels();
    });
  const tryIt = (): void => {
    if (ended?.model !== undefined) onModel(ended.model);
    location.hash = '#/chat';
  };
  return (
    <section>
      <h2>{feedback.round}</h2>
      <p>{feedback.roundIs}</p>
      <div class="actions">
        <label class="inline">
          <span>{feedback.model}</span>
          <select value={from} disabled={isRunning} onChange={(event) => setFrom(event.currentTarget.value)}>
            {session.models.map((each) => (
              <option key={each.id} value={each.id}>
                {modelName(words, each, session.models)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" disabled={!canStart || isRunning || saving.isBusy} onClick={start}>
          {saving.isBusy ? feedback.starting : feedback.start}
        </button>
      </div>
      {isRunning && <Progress {...{ progress, words }} />}
      {problem && <ProblemNote problem={{ ...problem, what: problem.what || feedback.failed }} words={words} />}
      {ended !== undefined && (
        <div class="card" role="status">
          <h3>{ended.promoted ? feedback.promoted : feedback.refused}</h3>
          <p class="why">{ended.why}</p>
          {ended.why.includes('α') && <p class="soft">{feedback.alpha}</p>}
          <Gate {...{ ended, words }} />
          {ended.model !== undefined && undone === undefined && (
            <p class="actions">
              <button type="button" class="primary" onClick={tryIt}>
                {feedback.tryIt}
              </button>
              <span class="soft">
                {feedback.servedAs} <code>{ended.model}</code>
              </span>
              <button type="button" disabled={saving.isBusy} onClick={undo}>
                {feedback.undoRound}
              </button>
            </p>
          )}
          {undone !== undefined && <p>{feedback.undone(undone.default, undone.checkpoint)}</p>}
        </div>
      )}
    </section>
  );
}

function Progress({ progress, words }: { progress: RoundProgress | undefined; words: Words }) {
  const { label = words.feedback.starting, done, total, text } = progress ?? {};
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

function Gate({ ended, words }: { ended: RoundEnd; words: Words }) {
  const { before, after, gain } = words.feedback;
  const named = (column: string, figures: readonly GateFigure[] = []) => figures.map((each) => ({ ...each, column }));
  const gains = named(gain, ended.gains).map((each) => ({ ...each, isGain: true }));
  const figures = [...named(before, ended.before), ...named(after, ended.after), ...gains];
  return figures.length === 0 ? null : <ResultsTable {...{ figures, words }} needsGain />;
}
