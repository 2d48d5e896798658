// What we compute with a model directory, in the form in which scripts/interop/reference.py writes what transformers
// computes with it; and the comparison of the two, as a list of checks.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { greedy } from '../../src/config/sampling.js';
import { batchesOnce } from '../../src/data/sequences.js';
import { Engine } from '../../src/inference/engine.js';
import { LocalModel, type OpenedModel } from '../../src/inference/local-model.js';
import { forward, logits, type ModelInput } from '../../src/model/forward.js';
import { score } from '../../src/model/reward.js';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';
import type { Message } from '../../src/tokenizer/message.js';
import { negativeLogLikelihood } from '../../src/train/objectives/next-token.js';

export interface Cases {
  texts: string[];
  conversations: Message[][];
  prompts: string[];
}

export interface Results {
  tokenizer: {
    size: number;
    /** What `encode` puts before every text, where the tokenizer adds something by itself. */
    prefix: number[];
    /** Ids of the cases' texts and prompts; the prompts with the prefix. */
    texts: number[][];
    /** By place: the texts that decoding does not give back as they were. */
    changed: Record<string, string>;
    prompts: number[][];
  };
  chats: Chat[];
  /** One sequence, the logits [V] at some of its positions, and the mean loss over all. */
  ids?: number[];
  positions?: number[];
  logits?: number[][];
  loss?: number;
  greedy?: Answer[];
  /** Of a reward model: one for each conversation. */
  rewards?: number[];
}

interface Chat {
  text: string;
  tokens: number[];
  /** What a generation prompt adds at the end. */
  opening: { text: string; tokens: number[] };
  /** Decoded, less special tokens. */
  spoken: string;
  /** Which tokens the assistant said; of theirs, only where the template marks them. */
  loss?: number[];
}

/** `stop`: the token that ended the answer; it is not in `tokens`. */
interface Answer {
  prompt: number[];
  tokens: number[];
  stop: number | null;
}

export interface Check {
  name: string;
  /** Things compared. */
  count: number;
  /** Of numbers: the largest difference, as a share of the largest number. */
  largest?: number;
  faults: string[];
}

export const maxNewTokens = 16;
/** Two fp32 implementations add in different orders. */
const tolerance = 1e-4;
const lastBits = 1e-6;

export function readCases(): Cases {
  return JSON.parse(readFileSync(fileURLToPath(new URL('cases.json', import.meta.url)), 'utf8')) as Cases;
}

/** Opens a directory on the current backend and computes all that `theirs` has. */
export async function computeOurs(directory: string, cases: Cases, theirs: Results): Promise<Results> {
  const loaded = await LocalModel.open(directory);
  try {
    return { ...textResults(loaded, cases, theirs), ...(await numberResults(loaded, theirs)) };
  } finally {
    await loaded.dispose();
  }
}

function textResults({ tokenizer, template }: OpenedModel, cases: Cases, { tokenizer: { prefix } }: Results): Results {
  const ids = (text: string): number[] => tokenizer.encodeTrusted(text);
  const decoded = cases.texts.map((text) => tokenizer.decode(ids(text)));
  return {
    tokenizer: {
      size: tokenizer.vocabSize,
      prefix,
      texts: cases.texts.map(ids),
      changed: Object.fromEntries(Object.entries(decoded).filter(([i, text]) => text !== cases.texts[Number(i)])),
      prompts: cases.prompts.map((text) => [...prefix, ...ids(text)]),
    },
    chats: cases.conversations.map((messages) => {
      const text = template.render(messages);
      const { tokens, loss } = template.encode(messages);
      const prompt = template.encode(messages, { addGenerationPrompt: true });
      return {
        text,
        tokens,
        opening: {
          text: template.render(messages, { addGenerationPrompt: true }).slice(text.length),
          tokens: prompt.tokens.slice(tokens.length),
        },
        spoken: tokenizer.decode(tokens, { skipSpecial: true }),
        loss,
      };
    }),
  };
}

/** For the same ids as theirs: what the model says must not depend on what the tokenizer says. */
async function numberResults(loaded: OpenedModel, theirs: Results): Promise<Partial<Results>> {
  const { ids, positions, chats, greedy: answered, rewards } = theirs;
  if (rewards !== undefined) return { rewards: chats.map(({ tokens }) => rewardOf(loaded, tokens)) };
  if (ids === undefined || positions === undefined || answered === undefined) return {};
  return {
    ids,
    positions,
    logits: logitsAt(loaded, ids, positions),
    loss: meanLoss(loaded, ids),
    greedy: await answers(loaded, answered),
  };
}

/** One row from position 0 on, each position seeing all before it. */
function rowOf(ids: readonly number[]): ModelInput {
  const positions = [...ids.keys()];
  return {
    tokens: tensor1d([...ids], 'int32'),
    positions: tensor1d(positions, 'int32'),
    ranges: tensor3d(
      positions.flatMap((position) => [0, position]),
      [1, ids.length, 2],
      'int32',
    ),
  };
}

function logitsAt({ model }: OpenedModel, ids: readonly number[], positions: readonly number[]): number[][] {
  const all = tidy(() => logits(model, forward(model, rowOf(ids))).dataSync() as Float32Array);
  const size = model.config.vocab_size;
  return positions.map((position) => [...all.subarray(position * size, (position + 1) * size)]);
}

function meanLoss({ model }: OpenedModel, ids: number[]): number {
  const [batch] = batchesOnce([{ id: 'ids', tokens: ids }], { rows: 1, columns: ids.length - 1, padId: 0 });
  return tidy(() => negativeLogLikelihood(model, batch).dataSync()[0]) / (ids.length - 1);
}

/**
 * An answer of theirs that ended without a stop token may be a part only: where two tokens nearly tied, it was cut.
 * transformers draws rows that no token has, too: so does this engine.
 */
async function answers({ model, eosTokenIds: stopIds }: OpenedModel, theirs: Answer[]): Promise<Answer[]> {
  const engine = new Engine(model);
  const prompts = theirs.map(({ prompt }) => prompt);
  const options = { sampling: greedy, maxNewTokens, stopIds, seed: 1 };
  const generations = await engine.run(prompts.map((tokens) => ({ tokens, ...options })));
  await engine.dispose();
  return generations.map(({ tokens, stopId }, i) => {
    const length = theirs[i].stop === null ? theirs[i].tokens.length : maxNewTokens;
    const stop = stopId !== undefined && tokens.length < length ? stopId : null;
    return { prompt: prompts[i], tokens: tokens.slice(0, length), stop };
  });
}

function rewardOf({ model }: OpenedModel, ids: number[]): number {
  return tidy(() => score(model, rowOf(ids), tensor1d([ids.length - 1], 'int32')).dataSync()[0]);
}

/** What must be equal is equal; numbers within `tolerance` of the largest of them. */
export function compare(ours: Results, theirs: Results): Check[] {
  const words = ({ loss: _, ...chat }: Chat): Omit<Chat, 'loss'> => chat;
  const checks = [
    equal('token ids', [ours.tokenizer], [theirs.tokenizer], theirs.tokenizer.texts.length),
    equal('chats', ours.chats.map(words), theirs.chats.map(words)),
  ];
  const masks = theirs.chats.map(({ loss }) => loss ?? []);
  const learnt = masks.flat().reduce((total, bit) => total + bit, 0);
  if (learnt > 0)
    checks.push(
      equal(
        'assistant mask',
        ours.chats.map(({ loss }) => loss),
        masks,
        learnt,
      ),
    );
  if (theirs.rewards !== undefined) checks.push(close('rewards', ours.rewards ?? [], theirs.rewards));
  if (theirs.logits !== undefined) checks.push(close('logits', (ours.logits ?? []).flat(), theirs.logits.flat()));
  if (theirs.loss !== undefined) checks.push(close('loss', [ours.loss ?? Number.NaN], [theirs.loss]));
  if (theirs.greedy !== undefined) {
    const drawn = theirs.greedy.reduce((total, { tokens, stop }) => total + tokens.length + (stop === null ? 0 : 1), 0);
    checks.push(equal('greedy tokens', ours.greedy ?? [], theirs.greedy, drawn));
  }
  return checks;
}

/**
 * Two of their results, of a model and of what we wrote of it: the same ids and texts, and numbers to the last bits. (torch
 * maps weights where they lie in the file, and sums otherwise where a header of another length aligns them otherwise.)
 */
export function sameAs(theirs: Results, original: Results): Check {
  const apart = ({ logits = [], rewards = [], loss, ...rest }: Results) => {
    return { numbers: [...logits.flat(), ...rewards, ...(loss === undefined ? [] : [loss])], rest };
  };
  const [a, b] = [apart(theirs), apart(original)];
  const { faults, ...check } = close('as the original', a.numbers, b.numbers, lastBits);
  return { ...check, faults: [...faults, ...firstDifferences(a.rest, b.rest, 'original')] };
}

function equal(name: string, ours: readonly unknown[], theirs: readonly unknown[], count = theirs.length): Check {
  const faults = firstDifferences(ours, theirs, name);
  return { name, count, faults };
}

function close(name: string, ours: readonly number[], theirs: readonly number[], limit = tolerance): Check {
  const scale = theirs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const differences = theirs.map((x, i) => Math.abs(x - (ours[i] ?? Number.NaN)) / scale);
  const largest = differences.reduce((most, x) => Math.max(most, x), 0); // NaN stays
  const faults =
    ours.length === theirs.length && largest <= limit ? [] : [`${name} differ by ${largest} of the largest`];
  return { name, count: theirs.length, largest, faults };
}

/** The places where two JSON values differ, at most five; of texts and lists of ids, their first difference. */
function firstDifferences(ours: unknown, theirs: unknown, where: string): string[] {
  if (Object.is(ours, theirs)) return [];
  const isIds = [ours, theirs].every((value) => Array.isArray(value) && typeof (value[0] ?? 0) === 'number');
  const isText = typeof ours === 'string' && typeof theirs === 'string';
  if (isIds || isText) return sequenceDifference(ours as ArrayLike<unknown>, theirs as ArrayLike<unknown>, where);
  if (![ours, theirs].every((value) => typeof value === 'object' && value !== null))
    return [`${where}: ${JSON.stringify(ours)}, not ${JSON.stringify(theirs)}`];
  const [a, b] = [ours, theirs] as Record<string, unknown>[];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => firstDifferences(a[key], b[key], `${where}.${key}`)).slice(0, 5);
}

function sequenceDifference(ours: ArrayLike<unknown>, theirs: ArrayLike<unknown>, where: string): string[] {
  let at = 0;
  while (at < Math.max(ours.length, theirs.length) && ours[at] === theirs[at]) at++;
  if (at === Math.max(ours.length, theirs.length)) return [];
  const [a, b] = [ours, theirs].map((value) => JSON.stringify(cut(value, at)));
  return [`${where}[${at}]: ${a}, not ${b}`];
}

function cut(value: ArrayLike<unknown>, from: number): unknown {
  return typeof value === 'string' ? value.slice(from, from + 40) : Array.from(value).slice(from, from + 12);
}
