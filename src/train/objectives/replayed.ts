// An objective that reads on in what was learnt before while it learns something else: each of its micro-batches brings plain
// text, or conversations, along. Alignment forgets less that way.
import { z } from 'zod';
import { isOfCritic, isTrained } from '../../architecture/parameters.js';
import { rowsOf } from '../../data/sequences.js';
import { parsePosition } from '../../data/shuffled.js';
import type { TokenBatch } from '../../data/types.js';
import { add, mul, type Scalar, scalar } from '../../tensor/tf.js';
import type { Division, MicroBatch, Objective } from '../objective.js';
import { type BatchSupply, negativeLogLikelihood } from './next-token.js';

/** One thing that is replayed. */
export interface Replay {
  /** Its key in the saved position; its loss is recorded as `replay/<name>`, in nats per token. */
  name: string;
  /** One batch of it comes with each micro-batch. */
  batches: BatchSupply;
  /** Of the mean loss of its tokens, beside the mean loss of what it accompanies (a pair, say). */
  weight: number;
}

/** Its weight is that of `own`; tokens and ids are of all. */
export interface ReplayedBatch<Batch extends MicroBatch> extends MicroBatch {
  own: Batch;
  /** By replay; undefined: of this one a part has no row. */
  replayed: readonly (TokenBatch | undefined)[];
  /** What the summed loss of each replay is multiplied by, for its mean to count as often as the whole of `own` has pairs (or tokens). */
  scales: readonly number[];
}

/**
 * The loss of `objective` and, for each replay, `weight` times the mean negative log-likelihood of its tokens. That mean is
 * over the replay's batch, one of which comes with each micro-batch, and counts as often as that has pairs (or tokens).
 * While a critic learns alone nothing is replayed: nobody would learn it.
 */
export function replayedObjective<Batch extends MicroBatch>(objective: Objective<Batch>, replays: readonly Replay[]) {
  const schema = z.object({ own: z.unknown(), ...Object.fromEntries(replays.map(({ name }) => [name, z.unknown()])) });
  return {
    division: objective.division && divisionOf(objective.division),
    next: async (at) => {
      const own = await objective.next(at);
      const replayed: TokenBatch[] = [];
      const isLearnt = at.model.parameters.some(
        (row) => isTrained(row) && !isOfCritic(row) && (objective.trains?.(row, at.step) ?? true),
      );
      if (isLearnt) for (const { batches } of replays) replayed.push(await batches.next());
      const all: MicroBatch[] = [own, ...replayed];
      return {
        ...{ own, replayed, weight: own.weight },
        scales: replayed.map(({ weight }) => own.weight / Math.max(1, weight)),
        tokenCount: all.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
        ids: all.flatMap(({ ids }) => ids),
      };
    },
    state: () => ({
      own: objective.state(),
      ...Object.fromEntries(replays.map(({ name, batches }) => [name, batches.state])),
    }),
    restore: (saved) => {
      const states: Record<string, unknown> = parsePosition(schema, saved);
      objective.restore(states.own);
      for (const { name, batches } of replays) batches.restore(states[name]);
    },
    summarize: (figures) => objective.summarize?.(figures) ?? {},
    trains: (row, step) => objective.trains?.(row, step) ?? true,
    loss: (model, { own, weight: ownWeight, replayed, scales }, context) => {
      // A part of a micro-batch that weighs something: what is divided by the part's own weight cannot be computed.
      const isOwnIdle = ownWeight === 0 && scales.some((scale) => scale > 0);
      // What is observed of the states is observed of the batch of its own.
      const { record, observe: _, ...pass } = context;
      return replayed.reduce<Scalar>(
        (loss, batch, i) => {
          const { name, weight } = replays[i];
          const nats =
            batch === undefined ? scalar(0) : (mul(negativeLogLikelihood(model, batch, pass), scales[i]) as Scalar);
          record(`replay/${name}`, nats);
          return add(loss, mul(nats, weight)) as Scalar;
        },
        isOwnIdle ? scalar(0) : objective.loss(model, own, context),
      );
    },
  } satisfies Objective<ReplayedBatch<Batch>>;
}

/** The units are its own; with each share of them come as many of the rows that are replayed. */
function divisionOf<Batch extends MicroBatch>({
  units,
  part,
  isWhole,
}: Division<Batch>): Division<ReplayedBatch<Batch>> {
  return {
    ...(isWhole && { isWhole }),
    units: ({ own }) => units(own),
    part: (whole, begin, end) => {
      const count = units(whole.own);
      const own = part(whole.own, begin, end);
      const replayed = whole.replayed.map((batch) => {
        if (batch === undefined) return undefined;
        const [from, to] = [begin, end].map((unit) => Math.floor((batch.rows * unit) / count));
        return from === to ? undefined : rowsOf(batch, from, to);
      });
      return { ...whole, own, weight: own.weight, replayed };
    },
    // What is replayed counts as often as the whole has pairs, though those of this part weigh nothing.
    counts: ({ weight, replayed, scales }) =>
      weight > 0 || replayed.some((batch, i) => batch !== undefined && batch.weight * scales[i] > 0),
  };
}
