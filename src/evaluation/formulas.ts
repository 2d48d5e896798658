// Formulas that the corpus kept apart, asked one by one: 12+34= must continue with 46 and end. Each of them computes with a
// pair of operands that no training formula has, in either order (see data/sources/formulas.ts).
import { stopIfAborted } from '../base/errors.js';
import { Random } from '../base/random.js';
import type { Unit } from '../base/statistics.js';
import { greedy } from '../config/sampling.js';
import type { TokenDocuments } from '../data/shards.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Measurements } from './measurements.js';

/** Documents looked into, at most: formulas may be few among many texts. */
const maxDocuments = 50_000;

export interface HeldOutFormula {
  /** Up to and with the `=`. */
  question: string;
  answer: string;
  /** Operator and lengths of the operands, `2×1`; `3 terms`, `brackets`. */
  form: string;
  /** `+` for a formula of one operation. */
  operator?: string;
}

/** A line of a formulas document; undefined for any other text. */
export function parseFormula(line: string): HeldOutFormula | undefined {
  const [, expression, answer] = /^([\d+\-×÷()]{3,200})=(\d{1,20})$/.exec(line) ?? [];
  if (expression === undefined || !/^\(?\d.*[-+×÷].*\d\)?$/.test(expression)) return undefined;
  const question = `${expression}=`;
  const [, a, operator, b] = /^(\d+)([-+×÷])(\d+)$/.exec(expression) ?? [];
  if (operator !== undefined) return { question, answer, form: `${a.length}${operator}${b.length}`, operator };
  if (expression.includes('(')) return { question, answer, form: 'brackets' };
  return { question, answer, form: `${expression.split(/[-+×÷]/).length} terms` };
}

/** At most `perForm` different formulas of each form, the same ones every time. */
export async function heldOutFormulas(
  documents: Pick<TokenDocuments, 'length' | 'get'>,
  tokenizer: Pick<Tokenizer, 'decode'>,
  perForm: number,
): Promise<HeldOutFormula[]> {
  const order = Random.stream(0, 'held-out-formulas').shuffle(
    Uint32Array.from({ length: documents.length }, (_, i) => i),
  );
  const found = new Map<string, Map<string, HeldOutFormula>>();
  for (const index of order.subarray(0, maxDocuments)) {
    const { language, tokens } = await documents.get(index);
    if (language !== 'other') continue;
    for (const line of tokenizer.decode(tokens.subarray(1, -1)).split('\n')) {
      const formula = parseFormula(line);
      if (formula === undefined) break; // a text of another kind
      const alike = found.get(formula.form) ?? new Map<string, HeldOutFormula>();
      found.set(formula.form, alike);
      if (alike.size < perForm) alike.set(formula.question, formula);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, alike]) => [...alike.values()]);
}

/**
 * `formula`, `formula.+` (of one operation), `formula.2×1`: the share that is answered exactly, greedily. An operator or a
 * form of which there are fewer than `minFormulas` formulas counts in the whole only: its share would say nothing.
 */
export async function measureFormulas(
  model: LocalModel,
  formulas: readonly HeldOutFormula[],
  { signal, minFormulas = 16 }: { signal?: AbortSignal; minFormulas?: number } = {},
): Promise<Measurements> {
  const measurements: Measurements = new Map();
  const add = (metric: string, unit: Unit): void => {
    const units = measurements.get(metric);
    if (units === undefined) measurements.set(metric, [unit]);
    else units.push(unit);
  };
  const { tokenizer } = model;
  const generations = await Promise.all(
    formulas.map(({ question, answer }) => {
      const tokens = [tokenizer.documentStart, ...tokenizer.encode(question)];
      return model.generate({ tokens, sampling: greedy, maxNewTokens: 2 + answer.length, seed: 0, signal });
    }),
  );
  stopIfAborted(signal, 'stopped while asking formulas');
  for (const [i, [{ tokens, finish }]] of generations.entries()) {
    const { question, answer, form, operator } = formulas[i];
    const [said, ...more] = tokenizer.decode(tokens).split('\n');
    const value = Number(said === answer && (finish === 'stop' || more.length > 0));
    const unit = { id: question, value, weight: 1 };
    add('formula', unit);
    if (operator !== undefined) add(`formula.${operator}`, unit);
    add(`formula.${form}`, unit);
  }
  const reliable = [...measurements].filter(([metric, units]) => metric === 'formula' || units.length >= minFormulas);
  return new Map(reliable.sort(([a], [b]) => place(a) - place(b)));
}

/** In a table: the whole, then each operator with its lengths below it, then longer formulas. */
function place(metric: string): number {
  const operator = /[-+×÷]/.exec(metric)?.[0];
  if (operator !== undefined) return '+-×÷'.indexOf(operator);
  return metric === 'formula' ? -1 : 4;
}
