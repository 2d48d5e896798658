// Answers side by side, as a person reads them: each question with what every model said to it, what it called before, and
// whether that is right.
import type { AnsweredQuestion } from '../../report/questions-page.js';
import { callText } from './chat-tokens.js';
import type { AnswerRecord } from './evaluate.js';
import { isRightBy } from './score.js';

/** Each question once, with the answers of all columns: a model that calls nothing has none with tools. */
export function answeredQuestions(columns: readonly { records: readonly AnswerRecord[] }[]): AnsweredQuestion[] {
  const keyOf = ({ mode, id }: AnswerRecord): string => `${mode} ${id}`;
  const own = columns.map(({ records }) => new Map(records.map((record) => [keyOf(record), record])));
  const asked = new Map(columns.flatMap(({ records }) => records.map((record) => [keyOf(record), record] as const)));
  return [...asked].map(([key, { id, mode, prompt, right }]) => ({
    ...{ id, mode, question: prompt, right: right.join(' / ') },
    answers: own.map((records) => {
      const record = records.get(key);
      return record === undefined ? { text: '(not asked)' } : shownAnswer(record);
    }),
  }));
}

function shownAnswer({
  answer = '',
  calls = [],
  candidates,
  scores,
}: AnswerRecord): AnsweredQuestion['answers'][number] {
  const isRight = isRightBy(scores);
  if (candidates === undefined) {
    const called = calls.map(
      ({ call, written, result: { content } }) => `${call ? callText(call) : written} → ${content}`,
    );
    return { text: [...called, answer].filter((text) => text !== '').join('\n'), isRight };
  }
  const likeliest = [...candidates].sort((a, b) => b.logProbability - a.logProbability)[0];
  return { text: `${likeliest.text} (${likeliest.logProbability.toFixed(2)} nats)`, isRight };
}
