// Conversations of a family: a few examples, each a question and its answer, and then the question. What is asked of families that
// were learnt has wordings and operands that nothing learnt has.
import { Random } from '../../src/base/random.js';
import type { Conversation } from '../../src/data/types.js';
import { type RuleTask, requestOf } from '../../src/stages/self-instruct/rules/rule.js';
import { answerMarks, answerOf, readRuleBook, rules } from '../../src/stages/self-instruct/rules/table.js';
import { type TaskLanguage, taskLanguages } from '../../src/stages/self-instruct/teacher.js';
import type { Message } from '../../src/tokenizer/message.js';
import { partFor } from '../../src/tools/wordings.js';
import { type Cell, type Design, familiesOf } from './design.js';

export interface Question extends Conversation {
  family: string;
  language: TaskLanguage;
  shots: number;
  isSeen: boolean;
  result: string;
  /** Results of other questions of the family. */
  wrong: string[];
}

const book = readRuleBook();

interface Place {
  family: string;
  language: TaskLanguage;
  style: Cell['style'];
  shots: number;
  /** Which wordings and operands; undefined: any, of families that nobody has learnt. */
  isHeldOut: boolean | undefined;
}

interface Asked {
  messages: Message[];
  task: RuleTask;
}

/** Undefined where a family has no operands on that side. */
function ask({ family, language, style, shots, isHeldOut }: Place, random: Random): Asked | undefined {
  const source = book.source(language, random);
  const lines = book.wordings[family][language];
  const wording = random.choose(isHeldOut === undefined ? lines : partFor(lines, isHeldOut));
  const task = rules[family].make(source, isHeldOut);
  if (task === undefined) return undefined;
  const key = (each: RuleTask): string => each.operands.join('|');
  const known = new Set([key(task)]);
  const examples: RuleTask[] = [];
  for (let tries = 0; examples.length < shots && tries < 200; tries++) {
    const example = rules[family].make(source, isHeldOut && false);
    if (example === undefined || known.has(key(example))) continue;
    known.add(key(example));
    examples.push(example);
  }
  if (examples.length < shots) return undefined;
  const messages = [...examples, task].flatMap((each): Message[] => [
    { role: 'user', content: requestOf(wording, each, random) },
    { role: 'assistant', content: answerOf(each, language, style === 'worked') },
  ]);
  return { messages, task };
}

/** What a cell learns from: its families, both languages and all numbers of examples in turn. */
export function trainingRows(cell: Cell, design: Design): Conversation[] {
  const { learnt } = familiesOf(cell, design);
  const random = Random.stream(cell.seed, 'unseen training');
  const rows: Conversation[] = [];
  for (let i = 0; rows.length < design.rows; i++) {
    const place: Place = {
      family: learnt[i % learnt.length],
      language: random.choose(taskLanguages),
      style: cell.style,
      shots: random.choose(design.shots),
      isHeldOut: false,
    };
    const asked = ask(place, random);
    if (asked === undefined) continue;
    rows.push({ id: `row-${i}`, messages: asked.messages, kind: place.family, language: place.language });
  }
  return rows;
}

/** What a cell is asked: the same for all cells of a seed, but for its own families. */
export function questionsOf(cell: Cell, design: Design): Question[] {
  const { seen, unseen } = familiesOf(cell, design);
  const asked = [
    ...seen.map((family) => ({ family, isSeen: true })),
    ...unseen.map((family) => ({ family, isSeen: false })),
  ];
  return asked.flatMap(({ family, isSeen }) =>
    taskLanguages.flatMap((language) =>
      design.shots.flatMap((shots) => {
        const random = Random.stream(cell.seed, `unseen questions ${family} ${language} ${shots}`);
        const place = { family, language, style: cell.style, shots, isHeldOut: isSeen ? true : undefined };
        const results = Array.from(
          { length: 60 },
          () => rules[family].make(book.source(language, random))?.result ?? '',
        );
        return Array.from({ length: design.questions }, (_, i): Question[] => {
          const found = ask(place, random);
          if (found === undefined) return [];
          const { result } = found.task;
          const wrong = [...new Set(random.shuffle([...results]))].filter((other) => other !== result).slice(0, 3);
          return [
            {
              ...{ family, language, shots, isSeen, result, wrong },
              id: `${family}-${language}-${shots}-${i}`,
              messages: found.messages,
              check: { type: 'equals', answer: result },
            },
          ];
        }).flat();
      }),
    ),
  );
}

/** What an answer says the result is. */
export function resultOf(text: string, language: TaskLanguage, style: Cell['style']): string {
  if (style === 'direct') return text;
  const mark = answerMarks[language].trim();
  return text.includes(mark) ? text.slice(text.lastIndexOf(mark) + mark.length).trim() : '';
}

/** The commonest result of a family: what somebody would be right with who knows its results and not how to apply it. */
export function commonestShare(family: string, language: TaskLanguage): number {
  const random = Random.stream(0, `commonest ${family} ${language}`);
  const counts = new Map<string, number>();
  const draws = 100;
  for (let i = 0; i < draws; i++) {
    const result = rules[family].make(book.source(language, random))?.result ?? '';
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  return Math.max(...counts.values()) / draws;
}
