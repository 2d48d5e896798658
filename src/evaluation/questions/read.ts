// Files of questions: rows of any format, natural-instructions' task files (SuperNI), seed tasks, conversations, and the sets
// that come with mossctl by name. Each row that cannot be asked is an error with its line, all of them at once.
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Fault, UserError } from '../../base/errors.js';
import { digestOf, exists } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { isRecord } from '../../base/objects.js';
import { Random } from '../../base/random.js';
import { maxFaults, type Row, readRows, shortened } from '../../data/rows.js';
import { filesAt } from '../../data/sources/files.js';
import { contrastFaults } from '../safety/contrasts.js';
import { memoryQuestions } from './memory.js';
import { packagedSet, packagedSets } from './packaged.js';
import { type Example, type Mode, type Question, type Settings, settingsSchema } from './question.js';
import { type QuestionFlags, readQuestion } from './row.js';
import { instanceRows, naturalInstructions } from './third-party.js';

export interface QuestionSet {
  /** Of its files: `seed-article`, or `a+b`. */
  name: string;
  questions: Question[];
  digest: string;
  examplesOf(question: Question, mode: Mode): readonly Example[];
}

export interface ReadOptions extends QuestionFlags {
  /** Which examples are drawn for a question follows from it. */
  seed: number;
  /** Hears of what was decided about a file. */
  notice?: (text: string) => void;
}

/** @throws UserError that names file and line of every row that cannot be asked. */
export async function readQuestions(names: readonly string[], options: ReadOptions): Promise<QuestionSet> {
  const faults: Fault[] = [];
  const questions: Question[] = [];
  const pool: Question[] = [];
  const setNames: string[] = [];
  for (const name of names) {
    const file = await readFileOf(name, options, faults);
    setNames.push(file.name);
    questions.push(...file.questions);
    pool.push(...file.examples);
  }
  faults.push(...repeatedIds(questions));
  if (faults.length === 0) faults.push(...contrastFaults(questions));
  const drawing = new Drawing(questions, pool, options.seed);
  if (faults.length === 0) faults.push(...questions.flatMap((question) => drawing.faultsOf(question)));
  if (faults.length > 0) throw new UserError(shortened(faults, names[0]));
  if (questions.length === 0) {
    const next = 'Add rows such as {"question": "12+3=?", "answer": 15}';
    throw new UserError({ what: 'there is no question to ask', where: names.join(', '), next });
  }
  const digest = digestOf({ questions: questions.map(({ where: _, ...rest }) => rest), pool, seed: options.seed });
  return {
    name: setNames.join('+'),
    questions,
    digest,
    examplesOf: (question, mode) => drawing.examplesOf(question, mode),
  };
}

interface QuestionFile {
  name: string;
  questions: Question[];
  examples: Question[];
}

async function readFileOf(path: string, options: ReadOptions, faults: Fault[]): Promise<QuestionFile> {
  const file: QuestionFile = { name: nameOf(path), questions: [], examples: [] };
  if (path === 'memory' && !(await exists(path))) return { ...file, questions: memoryQuestions(options) };
  let settings: Settings = {};
  const take = (value: unknown, where: string, name: string, kind = settings.name ?? file.name): void => {
    const read = readQuestion(value, { where, name, kind }, settings, options);
    if ('faults' in read) faults.push(...read.faults.map((what) => ({ what, where, next: rowHelp })));
    else (read.isExample ? file.examples : file.questions).push(read.question);
  };
  for (const each of await filesAt(await pathOf(path))) {
    const task = await naturalInstructions(each.path);
    if (task !== undefined) {
      settings = task.settings;
      for (const [i, row] of task.rows.entries())
        take(row, `${each.path}, instance ${i + 1}`, `${nameOf(each.name)}:${i + 1}`, nameOf(each.name));
      continue;
    }
    settings = {};
    for await (const row of readRows(each.path, options.notice)) {
      const own = settingsOf(row, faults);
      if (own !== undefined) {
        if (file.questions.length + file.examples.length > 0)
          faults.push({ what: 'settings stand in the first row', where: row.where });
        settings = own;
        file.name = own.name ?? file.name;
        continue;
      }
      for (const { value, name } of instanceRows(row)) take(value, row.where, name);
      if (faults.length >= maxFaults) return file;
    }
  }
  return file;
}

const rowHelp = 'A row is such as {"question": "12+3=?", "answer": 15} (docs/evaluation.md)';

function settingsOf({ value, where }: Row, faults: Fault[]): Settings | undefined {
  if (!isRecord(value) || !isRecord(value.settings)) return undefined;
  const parsed = settingsSchema.safeParse(value.settings);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    faults.push({ what: `settings: ${[path.join('.'), message].filter(Boolean).join(': ')}`, where, next: rowHelp });
  }
  return {};
}

/** A file, or the name of a set that comes with mossctl. */
async function pathOf(path: string): Promise<string> {
  const packaged = packagedSet(path);
  if (packaged === undefined || (await exists(path))) {
    if ((await exists(path)) || /[*?{]/.test(path)) return path;
    throw new UserError({
      what: 'there is no such file of questions',
      where: path,
      next: `Give a file of rows, or one of ${packagedSets().join(', ')}`,
    });
  }
  return packaged;
}

/** `my-questions` of `x/my-questions.jsonl.gz`. */
function nameOf(path: string): string {
  const name = basename(path).replace(/(?:\.(?:jsonl?|ndjson|csv|tsv|parquet|arrow))?(?:\.(?:gz|zst))?$/i, '');
  return name.replace(/[^\p{L}\p{N}_-]+/gu, '-').slice(0, 40) || 'questions';
}

function repeatedIds(questions: readonly Question[]): Fault[] {
  const places = new Map<string, string>();
  return questions.flatMap(({ id, where }) => {
    const before = places.get(id);
    places.set(id, where);
    return before === undefined ? [] : [{ what: `the id ${JSON.stringify(id)} is used at ${before} already`, where }];
  });
}

/** Which examples are shown: those that a row gives, else rows marked as examples, else other rows, of its family. */
class Drawing {
  readonly #byKind = new Map<string, Question[]>();
  readonly #seed: number;

  constructor(questions: readonly Question[], marked: readonly Question[], seed: number) {
    this.#seed = seed;
    const kinds = new Set(marked.map(({ kind }) => kind));
    for (const each of [...marked, ...questions.filter(({ kind }) => !kinds.has(kind))]) {
      this.#byKind.set(each.kind, [...(this.#byKind.get(each.kind) ?? []), each]);
    }
  }

  examplesOf(question: Question, mode: Mode): readonly Example[] {
    if (question.shots === 0) return [];
    if (question.examples.length > 0) return question.examples.slice(0, question.shots);
    const candidates = this.#candidates(question, mode);
    const drawn = Random.stream(this.#seed, `examples for ${question.id}`).shuffle([...candidates]);
    return drawn.slice(0, question.shots).map(exampleOf);
  }

  /** Others of the family, in its language, that ask something else. */
  #candidates(question: Question, mode: Mode): Question[] {
    const { id, group, kind, language } = question;
    return (this.#byKind.get(kind) ?? []).filter((each) => {
      const isOther = each.id !== id && (group === undefined || each.group !== group) && !asksTheSame(each, question);
      return (
        isOther &&
        each.language === language &&
        each.gap === undefined &&
        (mode === 'direct' || each.steps !== undefined)
      );
    });
  }

  faultsOf(question: Question): Fault[] {
    return question.modes.flatMap((mode) => {
      const given = question.examples.length;
      const found = given > 0 ? given : question.shots === 0 ? 0 : this.#candidates(question, mode).length;
      if (found >= question.shots) return [];
      const kinds = mode === 'steps' ? ' with "steps"' : '';
      const what = `it asks for ${countOf(question.shots, 'example')}, and there ${found === 1 ? 'is' : 'are'} ${found}${kinds} of its kind and language`;
      return [
        {
          what,
          where: question.where,
          next: 'Ask for fewer (shots), give "examples", or add rows with "example": true',
        },
      ];
    });
  }
}

/** A row that is there twice would show its own answer. */
function asksTheSame(a: Question, b: Question): boolean {
  return a.fields.question === b.fields.question && isDeepStrictEqual([a.fields, a.before], [b.fields, b.before]);
}

function exampleOf({ fields, answers, choices, right, steps }: Question): Example {
  return { fields, answer: choices === undefined || right === undefined ? answers[0] : choices[right], steps };
}
