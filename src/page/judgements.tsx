// What has been said about answers, one line each, to be opened, filtered and erased: the newest first, older ones on demand.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { formatCount } from '../base/format.js';
import type { Excerpt, JudgementEntry, JudgementList } from '../serve/contract.js';
import type { Connection } from './connection.js';
import { problemOf } from './connection.js';
import type { Problem } from './conversation.js';
import { DeleteButton, dateFormat, useSaving } from './parts.js';
import type { Words } from './words.js';

type Kind = keyof JudgementList['counts'];

interface JudgementsProps {
  connection: Connection;
  words: Words;
  /** Changes whenever a judgement came or went elsewhere. */
  version: number;
  report: (problem: Problem | undefined) => void;
  onChange: () => Promise<void>;
  onErased: (id: string) => void;
}

export function Judgements({ connection, words, version, report, onChange, onErased }: JudgementsProps) {
  const [kind, setKind] = useState<Kind>();
  const [list, setList] = useState<JudgementList>();
  const [isDeleted, setDeleted] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const saving = useSaving(report);
  const { feedback } = words;
  const read = useCallback(
    (before?: string): Promise<JudgementList> => {
      const query = new URLSearchParams({ ...(kind && { kind }), ...(before !== undefined && { before }) });
      return connection.get<JudgementList>(`/api/feedback/judgements?${query}`);
    },
    [connection, kind],
  );
  useEffect(() => {
    let isCurrent = true;
    read().then(
      (found) => isCurrent && setList(found),
      (error) => isCurrent && report(problemOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [read, report, version]);
  if (list === undefined || list.all === 0) return null;
  const { judgements, counts, all, more = 0 } = list;
  const older = (): Promise<void> =>
    saving.run(async () => {
      const next = await read(judgements.at(-1)?.id);
      setList({ ...next, judgements: [...judgements, ...next.judgements] });
    });
  const erase = (id: string): Promise<void> =>
    saving.run(async () => {
      await connection.post('/api/feedback/delete', { id });
      onErased(id);
      setDeleted(true);
      setList({ ...list, judgements: judgements.filter((each) => each.id !== id) });
      heading.current?.focus();
      await onChange();
    });
  const kinds: (Kind | undefined)[] = [undefined, 'good', 'bad', 'edited', 'preferred', 'neither'];
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        {feedback.said}
      </h2>
      <fieldset class="segments">
        <legend class="hidden">{feedback.show}</legend>
        {kinds.map((each) => (
          <label key={each ?? ''}>
            <input type="radio" name="kind" checked={each === kind} onChange={() => setKind(each)} />
            <span class="choice-name">
              {each === undefined ? feedback.all : feedback[each]}{' '}
              <small>{formatCount(each === undefined ? all : counts[each])}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {judgements.length === 0 && <p class="soft">{feedback.noneOfKind}</p>}
      <ul class="judgements">
        {judgements.map((judgement) => (
          <li key={judgement.id} class="card">
            <Entry {...{ judgement, words }} />
            <DeleteButton
              words={words}
              label={feedback.erase(judgement.question.text.slice(0, 60))}
              ask={feedback.eraseAsk}
              isBusy={saving.isBusy}
              onDelete={() => erase(judgement.id)}
            />
          </li>
        ))}
      </ul>
      {more > 0 && (
        <button type="button" aria-disabled={saving.isBusy} onClick={older}>
          {feedback.older(more)}
        </button>
      )}
      <p class="soft" role="status">
        {isDeleted && feedback.erased}
      </p>
    </section>
  );
}

function Entry({ judgement, words }: { judgement: JudgementEntry; words: Words }) {
  const { at, annotator, verdict, turn, question, answers, edited } = judgement;
  const { feedback } = words;
  const better = verdict === 'first' ? 0 : verdict === 'second' ? 1 : undefined;
  const turns = turn > 1 ? [feedback.turn(turn)] : [];
  return (
    <details>
      <summary>
        <span class={`badge ${verdict}`}>{feedback.verdicts[verdict]}</span>
        <b dir="auto">{question.text || words.watch.nothing}</b>
      </summary>
      <p class="soft">{[dateFormat(words).format(new Date(at)), annotator, ...turns].join(' · ')}</p>
      <dl class="judged">
        <dt>{feedback.asked}</dt>
        <dd>
          <Cut {...{ words }} part={question} />
        </dd>
        {answers.map(({ name, said }, i) => (
          <>
            <dt key={`name ${i}`}>
              {name ?? feedback.answer}
              {i === better && <span class="badge">{words.chat.preferred}</span>}
            </dt>
            <dd key={i}>
              <Cut {...{ words }} part={said} />
            </dd>
          </>
        ))}
        {edited && (
          <>
            <dt>{feedback.edited}</dt>
            <dd class="corrected">
              <Cut {...{ words }} part={edited} />
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}

function Cut({ part: { text, omitted }, words }: { part: Excerpt; words: Words }) {
  return (
    <span class="said" dir="auto">
      {text || words.watch.nothing}
      {omitted !== undefined && <span class="soft"> {words.feedback.omitted(omitted)}</span>}
    </span>
  );
}
