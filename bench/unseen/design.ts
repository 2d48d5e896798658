// What the check of unseen tasks trains and asks. Families are the rules of self-instruct, no two of which are one. For each seed they
// are put in another order: models learn the first 8, 16 or 40, and all are asked for the same others, which none has seen.
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.js';
import { rules } from '../../src/stages/self-instruct/rules/table.js';

export const styles = ['direct', 'worked'] as const;
/** The result alone, or first what it is read from: a chain of thought. */
export type Style = (typeof styles)[number];

export interface Cell {
  /** Families that are learnt. */
  families: number;
  style: Style;
  seed: number;
}

export interface Design {
  seeds: readonly number[];
  families: readonly number[];
  /** Examples before a question, in what is learnt (in equal parts) and in what is asked. */
  shots: readonly number[];
  /** Unseen families that are asked for, and seen ones beside them. */
  unseen: number;
  seen: number;
  /** Questions of a family in each language, with so many examples. */
  questions: number;
  /** Conversations that a cell learns from, whatever its families. */
  rows: number;
  copyingSteps: number;
  /** Further settings of the recipe. */
  set: readonly string[];
}

/** 18 cells: 36 minutes on two cores. */
export const full: Design = {
  seeds: [1, 2, 3],
  families: [8, 16, 40],
  shots: [0, 1, 4],
  unseen: 28,
  seen: 8,
  questions: 5,
  rows: 12_000,
  copyingSteps: 500,
  set: [],
};

/** Under a minute: shows that everything works, and nothing else. */
export const smoke: Design = {
  seeds: [1, 2],
  families: [8, 40],
  shots: [0, 1, 4],
  unseen: 12,
  seen: 2,
  questions: 1,
  rows: 400,
  copyingSteps: 10,
  set: [
    `data.spec=${fileURLToPath(new URL('../../data-specs/smoke.yaml', import.meta.url))}`,
    'data.validation=0.1',
    'tokenizer.vocabSize=2400',
    'pretrain.model.size=100k',
    'pretrain.train.steps=20',
    'sft.train.steps=20',
  ],
};

export const recipe = fileURLToPath(new URL('pipeline.yaml', import.meta.url));

/** Whole smaller checks first: one seed after the other. */
export function cellsOf({ seeds, families }: Pick<Design, 'seeds' | 'families'>): Cell[] {
  return seeds.flatMap((seed) =>
    families.flatMap((count) => styles.map((style) => ({ families: count, style, seed }))),
  );
}

export function nameOf({ families, style, seed }: Cell): string {
  return `${families}-${style}-seed${seed}`;
}

/** The families that a cell learns, those of them that it is asked for, and those that it is asked for and has not seen. */
export function familiesOf(
  { families, seed }: Pick<Cell, 'families' | 'seed'>,
  { unseen, seen }: Pick<Design, 'unseen' | 'seen'>,
): { learnt: string[]; seen: string[]; unseen: string[] } {
  const order = Random.stream(seed, 'unseen families').shuffle(Object.keys(rules));
  const learnt = order.slice(0, families);
  return { learnt, seen: learnt.slice(0, seen), unseen: order.slice(order.length - unseen) };
}
