// Feedback: what has been said about answers, what it would train, taking the newest back, and a round of alignment.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { FeedbackSummary, Session } from '../serve/contract.js';
import { type Connection, problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { Fact, ProblemNote, useSaving } from './parts.js';
import { RoundView } from './round.js';
import type { Words } from './words.js';

interface FeedbackViewProps {
  connection: Connection;
  session: Session;
  words: Words;
  model: string;
  /** The models have changed. */
  onModels: () => Promise<void>;
  onModel: (id: string) => void;
  onProblem: (problem: Problem) => void;
}

export function FeedbackView(props: FeedbackViewProps) {
  const { connection, words, onProblem } = props;
  const [summary, setSummary] = useState<FeedbackSummary>();
  const [problem, setProblem] = useState<Problem>();
  const report = useCallback(
    (found: Problem | undefined) => {
      setProblem(found);
      if (found !== undefined) onProblem(found);
    },
    [onProblem],
  );
  const read = useCallback(async (): Promise<void> => {
    setSummary(await connection.get<FeedbackSummary>('/api/feedback'));
  }, [connection]);
  useEffect(() => {
    read().then(
      () => report(undefined),
      (error) => report(problemOf(error)),
    );
  }, [read, report]);
  const { feedback } = words;
  return (
    <div class="feedback">
      <h1>{feedback.title}</h1>
      <p class="lead">{feedback.lead}</p>
      {problem && <ProblemNote {...{ problem, words }} />}
      {summary !== undefined && <Summary {...{ connection, summary, words, report }} onChange={read} />}
      {summary !== undefined && <RoundView {...props} canStart={summary.wouldTrain.enough} onFinished={read} />}
    </div>
  );
}

interface SummaryProps {
  connection: Connection;
  summary: FeedbackSummary;
  words: Words;
  report: (problem: Problem | undefined) => void;
  onChange: () => Promise<void>;
}

function Summary({ connection, summary, words, report, onChange }: SummaryProps) {
  const saving = useSaving(report);
  const [isWithdrawn, setWithdrawn] = useState(false);
  const { feedback } = words;
  const { good, bad, edited, preferred, pairs, file, wouldTrain, last } = summary;
  const undo = (id: string): Promise<void> =>
    saving.run(async () => {
      await connection.post('/api/feedback/undo', { id });
      await onChange();
      setWithdrawn(true);
    });
  const counts = { good, bad, edited, preferred, pairs };
  return (
    <section>
      {good + bad + edited + preferred === 0 && (
        <div class="card">
          <b>{feedback.none}</b>
          <p>{feedback.noneNext}</p>
        </div>
      )}
      <dl class="facts">
        {Object.entries(counts).map(([name, count]) => (
          <Fact key={name} name={feedback[name as keyof typeof counts]}>
            {formatCount(count)}
          </Fact>
        ))}
      </dl>
      <p>
        {feedback.would(wouldTrain.pairs, wouldTrain.labels)}
        {!wouldTrain.enough && ` ${feedback.notYet(wouldTrain.why ?? '')}`}
      </p>
      <p class="soft path">
        {feedback.file} <code>{file}</code>
      </p>
      <p class="actions" role="status">
        {last !== undefined && (
          <>
            <span>
              {feedback.last(Object.hasOwn(feedback.kinds, last.kind) ? feedback.kinds[last.kind] : last.kind)}
            </span>
            <button type="button" disabled={saving.isBusy} onClick={() => undo(last.id)}>
              {feedback.undoLast}
            </button>
          </>
        )}
        {isWithdrawn && <span class="soft">{feedback.withdrawn}</span>}
      </p>
    </section>
  );
}
