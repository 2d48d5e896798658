// A row of a file of questions, checked in full: what it says for itself, what the first row says for all of them, and what
// follows where neither says anything. Every fault of a row is found at once.
import { nearest } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import { detectLanguage } from '../../data/clean.js';
import { lastNumber } from '../checks.js';
import { wantedCalls } from '../reference.js';
import { fromConversation, issueText } from './conversation-row.js';
import {
  defaultMaxNewTokens,
  type Example,
  gapMark,
  isJudgedWithoutTools,
  type Mode,
  type Question,
  type QuestionRow,
  rowFields,
  rowSchema,
  type ScoreName,
  type Settings,
} from './question.js';
import { patternFault } from './regex.js';

/** What a person typed: it counts before what the file says. */
export interface QuestionFlags {
  shots?: number;
  cot?: Settings['cot'];
  maxNewTokens?: number;
  /** Whether tools may be called; default: where a row lists some. */
  tools?: boolean;
}

export interface RowPlace {
  where: string;
  /** Of a row without an `id`. */
  name: string;
  /** Family of a row without a `kind`. */
  kind: string;
}

/** A question, or an example for others; `faults` where it is neither. */
export type QuestionReading = { question: Question; isExample: boolean } | { faults: string[] };

export function readQuestion(
  value: unknown,
  place: RowPlace,
  settings: Settings,
  flags: QuestionFlags,
): QuestionReading {
  if (!isRecord(value)) return { faults: ['a row is an object with a question'] };
  const conversation = 'question' in value || 'text' in value ? undefined : fromConversation(value, place.name);
  if (conversation !== undefined && 'faults' in conversation) return conversation;
  const own = conversation?.fields ?? value;
  const template = stringOf(own.template) ?? settings.template;
  const named = namesIn(template ?? '');
  const faults = Object.keys(own).flatMap((key) => unknownFault(key, named));
  const parsed = rowSchema.safeParse(own);
  if (!parsed.success) {
    return { faults: [...faults, ...parsed.error.issues.map((issue) => issueText(issue))] };
  }
  const row = { ...settings, ...withoutUndefined(parsed.data) } as QuestionRow;
  const fields = fieldsOf(own, named);
  for (const field of named)
    if (fields[field] === undefined && field !== 'answer')
      faults.push(`the template names {${field}}, which the row lacks`);
  const judged = judgementOf(row, conversation?.row);
  if ('faults' in judged) return { faults: [...faults, ...judged.faults] };
  const withTools = flags.tools ?? conversation?.row.tools !== undefined;
  const modes = modesOf(row, judged.scores, parsed.data, { ...flags, tools: withTools }, faults);
  const written = modes.find((mode) => mode !== 'direct') ?? 'direct';
  const examples = row.examples?.map(({ question, ...rest }): Example => ({ fields: { question }, ...rest })) ?? [];
  const { contrast, side, group } = parsed.data;
  if ((contrast === undefined) !== (side === undefined) || (contrast !== undefined && group === undefined))
    faults.push('one of a pair says all three: contrast (what differs), side (which it is) and group (of which pair)');
  if (parsed.data.text !== undefined && (parsed.data.shots ?? 0) > 0)
    faults.push('a sentence with a gap takes no examples');
  if (faults.length > 0) return { faults };
  const shown = row.text ?? row.question ?? fields[named[0]] ?? '';
  const isGap = row.text !== undefined;
  return {
    isExample: row.example === true,
    question: {
      id: row.id ?? place.name,
      where: place.where,
      kind: row.kind ?? place.kind,
      language: row.language ?? detectLanguage(shown),
      group: row.group,
      ...(row.tags !== undefined && { tags: row.tags }),
      ...(contrast !== undefined && side !== undefined && { contrast: { name: contrast, side } }),
      system: row.system,
      before: conversation?.before ?? [],
      fields,
      gap: row.text,
      ...judged,
      modes,
      examples,
      shots: isGap ? 0 : (flags.shots ?? row.shots ?? examples.length),
      steps: row.steps,
      template,
      ask: isGap ? 'text' : row.ask,
      maxNewTokens: flags.maxNewTokens ?? row.maxNewTokens ?? defaultMaxNewTokens[written],
      ...(conversation !== undefined && { row: conversation.row }),
    },
  };
}

type Judgement = Pick<Question, 'scores' | 'answers' | 'pattern' | 'choices' | 'right'>;

/** How a row is judged, and that it can be. */
function judgementOf(row: QuestionRow, conversation: Question['row']): Judgement | { faults: string[] } {
  const faults: string[] = [];
  const { choices, regex, flags = '' } = row;
  const answers = row.answer === undefined ? [] : [row.answer].flat();
  const scores = row.score ?? [defaultScore(row)];
  const right = choices === undefined ? undefined : rightChoice(choices, answers);
  if (row.text !== undefined) {
    if (row.question !== undefined) faults.push('a row has a question, or a text with a gap, not both');
    if (row.text.split(gapMark).length !== 2) faults.push(`a text has one gap, written ${gapMark}`);
    if (choices === undefined) faults.push('a text with a gap needs choices that fill it');
  }
  for (const score of scores) {
    if (score === 'choice') {
      if (choices === undefined) faults.push('multiple choice needs choices');
      else if (right === undefined)
        faults.push('the answer is none of the choices: write it as there, or its place from 0');
    } else if (row.text !== undefined) faults.push(`a text with a gap is judged by choice, not by ${score}`);
    else if (score === 'regex') {
      const fault = regex === undefined ? 'regex needs a pattern: "regex": "…"' : patternFault(regex, flags);
      if (fault !== undefined) faults.push(fault);
    } else if (score === 'calls') {
      if (conversation === undefined || wantedCalls(conversation) === undefined)
        faults.push('calls are judged of a conversation that lists tools, with an answer');
    } else if (score === 'world') {
      if (conversation?.check?.type !== 'world') faults.push('the world is judged by a check of the type world');
    } else if (score === 'constraints') {
      if (conversation?.check?.type !== 'constraints') faults.push('constraints are those of a check of that type');
    } else if (score !== 'refusal' && score !== 'overRefusal' && answers.filter((each) => each !== '').length === 0) {
      faults.push('an answer is missing');
    } else if (score === 'number' && answers.some((each) => lastNumber(each) === undefined)) {
      faults.push('the answer is no number');
    }
  }
  if (scores.includes('refusal') && scores.includes('overRefusal'))
    faults.push('an answer declines rightly (refusal) or wrongly (overRefusal), not both');
  if (faults.length > 0) return { faults: [...new Set(faults)] };
  const chosen = choices === undefined || right === undefined ? answers : [choices[right]];
  return { scores, answers: chosen, choices, right, ...(regex !== undefined && { pattern: { source: regex, flags } }) };
}

function defaultScore({ choices, regex, answer }: QuestionRow): ScoreName {
  if (choices !== undefined) return 'choice';
  if (regex !== undefined) return 'regex';
  return typeof answer === 'string' && /^-?\d+(\.\d+)?$/.test(answer) ? 'number' : 'exact';
}

function rightChoice(choices: readonly string[], answers: readonly string[]): number | undefined {
  if (answers.length !== 1) return undefined;
  const named = choices.indexOf(answers[0]);
  if (named >= 0) return named;
  const place = /^\d{1,2}$/.test(answers[0]) ? Number(answers[0]) : choices.length;
  return place < choices.length ? place : undefined;
}

/** Only what is generated can be thought out in steps. */
function modesOf(
  row: QuestionRow,
  scores: readonly ScoreName[],
  written: QuestionRow,
  flags: QuestionFlags,
  faults: string[],
): Mode[] {
  const isGenerated = scores.some((score) => score !== 'choice' && score !== 'likelihood');
  if (!isGenerated && written.cot) faults.push('steps (cot) are for answers that are generated');
  if (!isGenerated) return ['direct'];
  const withTools: Mode[] = flags.tools ? ['tools'] : [];
  if (!scores.some(isJudgedWithoutTools)) {
    if (!flags.tools) faults.push(`it is judged by its calls (score ${scores.join(', ')}), and no tools are given`);
    return withTools;
  }
  const cot = flags.cot ?? row.cot ?? false;
  const own: Mode[] = cot === 'both' ? ['direct', 'steps'] : [cot ? 'steps' : 'direct'];
  return [...own, ...withTools];
}

/** What a template may name: everything in a row that is a text or a number. */
function fieldsOf(row: Record<string, unknown>, named: readonly string[]): Record<string, string> {
  const fields = Object.entries(row).filter(([key, value]) => {
    return (key === 'question' || named.includes(key)) && ['string', 'number'].includes(typeof value);
  });
  return Object.fromEntries(fields.map(([key, value]) => [key, String(value)]));
}

/** The names in braces; '{answer}' is no field of the row. */
export function namesIn(template: string): string[] {
  return [...new Set([...template.matchAll(/\{([\p{L}_][\p{L}\p{N}_]{0,63})\}/gu)].map(([, name]) => name))];
}

function unknownFault(key: string, named: readonly string[]): string[] {
  if (Object.hasOwn(rowFields, key) || named.includes(key)) return [];
  const close = nearest(key, Object.keys(rowFields));
  return [
    `the field ${JSON.stringify(key.slice(0, 60))} is not known${close === undefined ? '' : `: did you mean ${close}?`}`,
  ];
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;
}
