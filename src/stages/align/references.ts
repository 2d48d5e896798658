// What the policy is compared with: log π of each answer under the policy as it was at the round's start, an adapter that it
// has included. It is taken once, by the very model that is then trained, and stored: nothing stands in for an answer that
// is not there.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { Interrupted, UserError } from '../../base/errors.js';
import { digestOf, sha256 } from '../../base/files.js';
import { Journal } from '../../base/journal.js';
import type { TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/model.js';
import { alone, anyRank, byFirstRank, type Communicator } from '../../tensor/communicator.js';
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
  /** Who shares the batches; the first one stores. */
  communicator?: Communicator;
  onProgress?(done: number, total: number): void;
}

/** @returns what looks an answer up. It throws a UserError where that was not in `batches`. */
export async function storeReferences(
  model: Model,
  batches: readonly AnswerBatch[],
  { path, policy, signal, communicator = alone, onProgress }: ReferenceOptions,
): Promise<ReferenceOf> {
  const keys = batches.map(({ sequences }) => sequences.map(keyOf));
  // A sum depends, in its last bits, on what else is in its batch: batches are computed whole, each by one rank.
  const scored = async (journal?: Journal): Promise<number[][]> => {
    const all = await byFirstRank(communicator, async () =>
      (journal?.entries ?? []).slice(0, batches.length).map((entry) => storedValues(entry, path)),
    );
    while (all.length < batches.length) {
      if (await anyRank(communicator, signal?.aborted === true)) {
        throw new Interrupted('stopped while the reference scored answers');
      }
      const own: AnswerBatch | undefined = batches[all.length + communicator.rank];
      for (const values of await communicator.gather(own && (await scoresOf(model, own)))) {
        if (values === undefined) break; // more ranks than batches that are left
        journal?.append({ values });
        all.push(values);
        onProgress?.(all.length, batches.length);
      }
      await setImmediate();
    }
    return all;
  };
  const values = communicator.rank > 0 ? await scored() : await Journal.use(path, digestOf({ policy, keys }), scored);
  const known = new Map(keys.flatMap((own, i) => own.map((key, at): [string, number] => [key, values[i][at]])));
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

/** log π of each answer of a batch. @throws UserError where one is no number. */
async function scoresOf(model: Model, { sequences, pack }: AnswerBatch): Promise<number[]> {
  const batch = pack(model.config.pad_token_id);
  const values = [...(await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities))];
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw notFinite(sequences[at], values[at]);
  return values;
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
