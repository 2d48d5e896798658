// What the policy is compared with: log π of each answer under the policy as it was at the round's start, an adapter that it
// has included. It is taken once, by the very model that is then trained, and stored: nothing stands in for an answer that
// is not there.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf, sha256 } from '../../base/files.js';
import { Journal } from '../../base/journal.js';
import type { TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { readResult } from '../../tensor/host.js';
import { sequenceLogProbabilities } from '../../train/objectives/sequence-log-probabilities.js';
import type { AnswerBatch } from './lessons.js';
import type { ReferenceOf } from './pairs.js';

/** Of one batch: log π of each answer. */
const entrySchema = z.object({ values: z.array(z.number()) });

export interface ReferenceOptions {
  /** Where they are stored as they are computed. */
  path: string;
  /** Digest of the policy, which covers its tokenizer: of another one none is believed. */
  policy: string;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** @returns what looks an answer up. It throws a UserError where that was not in `batches`. */
export async function storeReferences(
  model: Model,
  batches: readonly AnswerBatch[],
  { path, policy, signal, onProgress }: ReferenceOptions,
): Promise<ReferenceOf> {
  const keys = batches.map(({ sequences }) => sequences.map(keyOf));
  const known = new Map<string, number>();
  // A sum depends, in its last bits, on what else is in its batch: batches are computed again whole, or not at all.
  await Journal.use(path, digestOf({ policy, keys }), async (journal) => {
    for (const [i, { sequences, pack }] of batches.entries()) {
      let values = i < journal.entries.length ? storedValues(journal.entries[i], path) : undefined;
      if (values === undefined) {
        stopIfAborted(signal, 'stopped while the reference scored answers');
        const batch = pack(model.config.pad_token_id);
        values = [...(await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities))];
        const at = values.findIndex((value) => !Number.isFinite(value));
        if (at >= 0) throw notFinite(sequences[at], values[at]);
        journal.append({ values });
        onProgress?.(i + 1, batches.length);
        await setImmediate();
      }
      for (const [at] of sequences.entries()) known.set(keys[i][at], values[at]);
    }
  });
  return (sequence) => {
    const reference = known.get(keyOf(sequence));
    if (reference !== undefined) return reference;
    throw new UserError({
      what: 'this answer has no log-probability under the reference',
      where: sequence.id,
      why: `it is not among the ${known.size} that were stored in ${path}`,
      next: 'Delete that file, and run the same command again',
    });
  };
}

/** @throws UserError where they are none: a file of an earlier version may hold what is no number. */
function storedValues(entry: unknown, path: string): number[] {
  const { success, data } = entrySchema.safeParse(entry);
  if (success) return data.values;
  const next = 'Delete that file, and run the same command again';
  throw new UserError({ what: 'a log-probability that was stored is no number', where: path, next });
}

/** Nothing can be compared with it, and the model that says so is broken: a loss of it would be as little a number. */
function notFinite({ id }: TokenSequence, value: number): UserError {
  return new UserError(
    {
      what: `the log-probability of this answer under the reference is ${value}`,
      where: id,
      why: 'weights of the model that alignment begins with are no numbers, or too large',
      next: 'Align an earlier checkpoint of it (mossctl inspect lists what is in one), or remove this answer',
    },
    { exitCode: 1 },
  );
}

function keyOf({ tokens, loss }: TokenSequence): string {
  return sha256(JSON.stringify([Array.from(tokens), loss === undefined ? null : Array.from(loss)])).slice(0, 32);
}
