// The sums of pipelines/grpo-arithmetic.yaml, as questions in both languages: what fine-tuning shows with its answer, and what GRPO
// then asks with nothing but a check. Seven of ten answers that fine-tuning shows forget to carry, so that it ends between right and
// wrong whatever its seed. What is asked, no formula of its corpus computes with, nor any row of fine-tuning; what is asked in the
// end, no step of GRPO has asked.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { Random } from '../../src/base/random.js';
import { isHeldOutPair } from '../../src/data/sources/formulas.js';
import { dataSpecSchema } from '../../src/data/spec.js';

type Pair = readonly [number, number];

const [learnt, asked, kept] = [2400, 2400, 400];
const keptSeed = 2;
const careless = 0.7;
const wordings = [
  ['en', (sum: string) => `What is ${sum}?`],
  ['zh', (sum: string) => `${sum}等于几？`],
] as const;

/** By file name. */
export function sumsFiles(): Record<string, object[]> {
  const { heldOut, heldOutSeed = 0, maxOperand } = formulas();
  const numbers = Array.from({ length: maxOperand + 1 }, (_, number) => number);
  const pairs = Random.stream(1, 'sums').shuffle(numbers.flatMap((a) => numbers.map((b) => [a, b] as const)));
  const isUnseen = (pair: Pair) => isHeldOutPair(pair, heldOutSeed, heldOut);
  const seen = pairs.filter((pair) => !isUnseen(pair)).slice(0, learnt);
  // Some three hundred of them, whatever their order, for the end.
  const isKept = (pair: Pair) => isHeldOutPair(pair, keptSeed, 0.2);
  const unseen = pairs.filter(isUnseen);
  return {
    'data-specs/sums/learn.jsonl': seen.map(answered),
    'data-specs/sums/ask.jsonl': unseen
      .filter((pair) => !isKept(pair))
      .slice(0, asked)
      .map(checked),
    'data-specs/sums/test.jsonl': unseen.filter(isKept).slice(0, kept).map(checked),
  };
}

/** As the pipeline's data-spec says. */
function formulas() {
  const path = fileURLToPath(new URL('../../data-specs/sums.yaml', import.meta.url));
  const { formulas: found } = dataSpecSchema.parse(parse(readFileSync(path, 'utf8')));
  if (found === undefined) throw new Error(`${path} has no formulas`);
  return found;
}

function question([a, b]: Pair, i: number) {
  const [language, ask] = wordings[i % wordings.length];
  return { language, sum: `${a}+${b}`, message: { role: 'user', content: ask(`${a}+${b}`) } };
}

function answered([a, b]: Pair, i: number): object {
  const { language, sum, message } = question([a, b], i);
  const result = Random.stream(i, 'careless').uniform() < careless ? withoutCarry(a, b) : a + b;
  return { messages: [message, { role: 'assistant', content: `${sum}=${result}` }], language };
}

/** Of two numbers below 100: 47+35=72, 47+85=22; 41+35=76 is right. */
function withoutCarry(a: number, b: number): number {
  return ((Math.floor(a / 10) + Math.floor(b / 10)) % 10) * 10 + ((a + b) % 10);
}

/** Both orders of a pair are one group: held out together. */
function checked([a, b]: Pair, i: number): object {
  const { language, message } = question([a, b], i);
  const group = `${Math.min(a, b)}+${Math.max(a, b)}`;
  return { messages: [message], kind: 'arithmetic', language, group, check: { type: 'number', answer: a + b } };
}
