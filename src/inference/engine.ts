// Batched generation: prompts are padded on the left to one length, read in one pass, then decoded together, a column
// a step, through the same forward pass as training. Every prompt draws from a random stream of its own, so its answer
// does not depend on its neighbours.
import { Random } from '../base/random.js';
import { createCache, disposeCache, type KeyValueCache, selectRows } from '../model/cache.js';
import { forward, logits } from '../model/forward.js';
import type { Model } from '../model/model.js';
import { reshape, slice, type Tensor2D, tensor1d, tensor3d, tidy } from '../tensor/tf.js';
import { type SamplingOptions, sampleToken } from './sampling.js';

export interface GenerateOptions extends SamplingOptions {
  maxNewTokens: number;
  /** Generation of a row ends with one of these; it is not part of the answer. */
  stopIds: readonly number[];
  seed: number;
  /** Called for every token as it is drawn; returning false ends that row. */
  onToken?(row: number, id: number): boolean | undefined;
}

export interface Generation {
  tokens: number[];
  /** 'stop': a stop token came. 'length': the token or context limit came first. 'caller': onToken said so. */
  finish: 'stop' | 'length' | 'caller';
  /** The stop token that came; it is not in `tokens`. */
  stopId?: number;
}

/** Rows still being decoded, side by side. */
interface Decoding {
  model: Model;
  cache: KeyValueCache;
  /** Left padding of each row, in columns. */
  padding: number[];
  /** Columns in the cache. */
  columns: number;
}

/**
 * Continues each prompt (token ids, at least one). Prompt and answer together stay within the model's context.
 * Yields to the event loop between steps, so that a signal can arrive.
 */
export async function generate(
  model: Model,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<Generation[]> {
  const results: Generation[] = prompts.map(() => ({ tokens: [], finish: 'length' }));
  if (prompts.length === 0) return results;
  const context = model.config.max_position_embeddings;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  // A row's own room: a longer neighbour takes none of it.
  const room = prompts.map((prompt) => Math.min(options.maxNewTokens, context - prompt.length));
  const active = new Set([...prompts.keys()].filter((row) => room[row] > 0));
  if (active.size === 0) return results;
  const randoms = prompts.map((_, row) => Random.stream(options.seed, `row-${row}`));
  const decoding: Decoding = {
    model,
    cache: createCache(model.config.num_hidden_layers),
    padding: prompts.map((prompt) => longest - prompt.length),
    columns: 0,
  };
  try {
    let rows = [...prompts.keys()]; // those in the batch, line by line
    let last = advance(decoding, leftPadded(prompts, longest, model.config.pad_token_id), longest);
    for (;;) {
      const vocabulary = model.config.vocab_size;
      const next = new Int32Array(rows.length).fill(model.config.pad_token_id);
      for (const [line, row] of rows.entries()) {
        if (!active.has(row)) continue;
        const seen = options.repetitionPenalty === 1 ? [] : [...prompts[row], ...results[row].tokens];
        const rowLogits = last.subarray(line * vocabulary, (line + 1) * vocabulary);
        const id = sampleToken(rowLogits, seen, options, randoms[row]);
        next[line] = id;
        if (options.stopIds.includes(id)) {
          results[row] = { ...results[row], finish: 'stop', stopId: id };
          active.delete(row);
          continue;
        }
        results[row].tokens.push(id);
        if (options.onToken?.(row, id) === false) {
          results[row].finish = 'caller';
          active.delete(row);
        } else if (results[row].tokens.length === room[row]) active.delete(row);
      }
      if (active.size === 0) break;
      // Answers differ in length: once half of the batch is done, only the rest is decoded.
      let tokens = next;
      if (2 * active.size <= rows.length) {
        const lines = [...rows.keys()].filter((line) => active.has(rows[line]));
        keepLines(decoding, lines);
        rows = lines.map((line) => rows[line]);
        tokens = Int32Array.from(lines, (line) => next[line]);
      }
      last = advance(decoding, tokens, 1);
      await new Promise(setImmediate);
    }
    return results;
  } finally {
    disposeCache(decoding.cache);
  }
}

/** Goes on with these lines of the batch only. */
function keepLines(decoding: Decoding, lines: readonly number[]): void {
  selectRows(decoding.cache, lines);
  decoding.padding = lines.map((line) => decoding.padding[line]);
}

/** Reads `count` more columns [B · count] into the cache; gives the logits after the last of them [B · V]. */
function advance(decoding: Decoding, tokens: Int32Array, count: number): Float32Array {
  const { model, cache, padding, columns } = decoding;
  const rows = padding.length;
  const positions = new Int32Array(rows * count);
  const ranges = new Int32Array(rows * count * 2);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < count; column++) {
      const at = row * count + column;
      const absolute = columns + column;
      positions[at] = Math.max(0, absolute - padding[row]);
      // A padding position sees itself alone: it must attend to something, and nothing attends to it.
      ranges[2 * at] = Math.min(padding[row], absolute);
      ranges[2 * at + 1] = absolute;
    }
  }
  decoding.columns += count;
  let result = new Float32Array(0);
  // Nothing is returned from the scope: tfjs would walk through every number of it, looking for tensors.
  tidy(() => {
    const hidden = forward(
      model,
      {
        tokens: tensor1d(tokens, 'int32'),
        positions: tensor1d(positions, 'int32'),
        ranges: tensor3d(ranges, [rows, count, 2], 'int32'),
      },
      { cache },
    );
    result = logits(model, lastColumns(hidden, rows, count)).dataSync() as Float32Array<ArrayBuffer>;
  });
  return result;
}

/** [B·T, d] → the last position of each row [B, d]. */
function lastColumns(hidden: Tensor2D, rows: number, count: number): Tensor2D {
  if (count === 1) return hidden;
  const width = hidden.shape[1];
  const flat = reshape(hidden, [rows, count * width]) as Tensor2D;
  return slice(flat, [0, (count - 1) * width], [rows, width]);
}

function leftPadded(prompts: readonly (readonly number[])[], columns: number, padId: number): Int32Array {
  const tokens = new Int32Array(prompts.length * columns).fill(padId);
  prompts.forEach((prompt, row) => {
    tokens.set(prompt, (row + 1) * columns - prompt.length);
  });
  return tokens;
}
