// node --import tsx scripts/sums/make.ts: the sums that pipelines/grpo-arithmetic.yaml fine-tunes on and then learns from rewards. What is
// asked there, no formula of its corpus computes with, nor any row of fine-tuning.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { Random } from '../../src/base/random.js';
import { isHeldOutPair } from '../../src/data/sources/formulas.js';

/** As the pipeline and its data-spec say. */
const [seed, heldOut, maxOperand] = [42, 0.2, 99];
const random = Random.stream(1, 'sums');
const pairs = Array.from({ length: maxOperand + 1 }, (_, a) =>
  Array.from({ length: a + 1 }, (_, b) => [a, b] as const),
);
const shuffled = random
  .shuffle(pairs.flat())
  .map(([a, b]) => (random.uniform() < 0.5 ? ([a, b] as const) : ([b, a] as const)));
const unseen = shuffled.filter((pair) => isHeldOutPair(pair, seed, heldOut));
const seen = shuffled.filter((pair) => !isHeldOutPair(pair, seed, heldOut));

const wordings = [
  ['en', (sum: string) => `What is ${sum}?`],
  ['zh', (sum: string) => `${sum}等于几？`],
] as const;

function row([a, b]: readonly [number, number], i: number) {
  const [language, ask] = wordings[i % wordings.length];
  return { language, question: ask(`${a}+${b}`), answer: a + b, group: `${Math.min(a, b)}+${Math.max(a, b)}` };
}

const write = (name: string, rows: readonly object[]): void => {
  writeFileSync(fileURLToPath(new URL(`../../data-specs/sums/${name}`, import.meta.url)), toJsonl(rows));
};
write(
  'learn.jsonl',
  seen
    .slice(0, 3600)
    .map(row)
    .map(({ language, question, answer }) => ({
      messages: [
        { role: 'user', content: question },
        { role: 'assistant', content: `${answer}` },
      ],
      language,
    })),
);
write(
  'ask.jsonl',
  unseen
    .slice(0, 900)
    .map(row)
    .map(({ language, question, answer, group }) => ({
      messages: [{ role: 'user', content: question }],
      ...{ kind: 'arithmetic', language, group, check: { type: 'number', answer } },
    })),
);
