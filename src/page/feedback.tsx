// Feedback: what has been said about answers, what it would train and what it lacks, and rounds of alignment.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { FeedbackSummary, Session } from '../serve/contract.js';
import { type Connection, problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { Judgements } from './judgements.js';
import { Fact, ProblemNote } from './parts.js';
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
  /** A judgement was erased. */
  onErased: (id: string) => void;
}

export function FeedbackView(props: FeedbackViewProps) {
  const { connection, words, onProblem } = props;
  const [summary, setSummary] = useState<FeedbackSummary>();
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const report = useCallback(
    (found: Problem | undefined) => {
      setProblem(found);
      if (found !== undefined) onProblem(found);
    },
    [onProblem],
  );
  // `words`: what the server says of it is said in another language.
  const read = useCallback(async (): Promise<void> => {
    setSummary(await connection.get<FeedbackSummary>('/api/feedback'));
    setVersion((count) => count + 1);
  }, [connection, words]);
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
      {summary === undefined && problem === undefined && <p class="soft">{words.loading}</p>}
      {summary !== undefined && (
        <>
          <Summary {...{ summary, words }} />
          <RoundView {...props} canStart={summary.wouldTrain.enough} onFinished={read} />
          <Judgements {...{ connection, words, version, report }} onChange={read} onErased={props.onErased} />
        </>
      )}
    </div>
  );
}

function Summary({ summary, words: { feedback } }: { summary: FeedbackSummary; words: Words }) {
  const { good, bad, edited, preferred, pairs, file, wouldTrain } = summary;
  const counts = { good, bad, edited, preferred, pairs };
  const { enough, needed, why, learnt, heldOut } = wouldTrain;
  const has = learnt + heldOut;
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
      {enough ? (
        <p>
          {feedback.would(wouldTrain.pairs, wouldTrain.labels)} {feedback.how(wouldTrain)}
        </p>
      ) : (
        <>
          <p>
            <b>{needed === undefined ? feedback.notYet : feedback.needed(needed)}</b>
          </p>
          {needed !== undefined && <progress aria-label={feedback.needed(needed)} max={has + needed} value={has} />}
          {why !== undefined && has > 0 && <p class="soft">{feedback.why(why)}</p>}
        </>
      )}
      <p class="soft">{feedback.terms}</p>
      <p class="soft path">
        {feedback.file} <code>{file}</code>
      </p>
    </section>
  );
}
