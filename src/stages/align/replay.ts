// What a round's training replays beside its pairs: plain text of pretraining, conversations of fine-tuning, or both, as much
// of each as the config says.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { formatCount } from '../../base/format.js';
import { trainRowsName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import type { AlignConfig } from '../../config/align.js';
import { PackedBatches, type SequenceSource } from '../../data/packing.js';
import { rowsDigest } from '../../data/rows.js';
import type { BatchShape } from '../../data/sequences.js';
import { openTokens } from '../../data/shards.js';
import { alone, firstThenOthers } from '../../tensor/communicator.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Replay } from '../../train/objectives/replayed.js';
import { openTemplate } from '../sft/rows.js';
import { openRows } from '../sft/stored-rows.js';
import type { Job } from '../stage.js';

interface ReplayOptions {
  round: number;
  tokenizer: Tokenizer;
  /** The model's context and its pad token. */
  context: number;
  padId: number;
  /** Where the model is, for messages. */
  where: string;
  /** Tokens of a micro-batch of what is learnt, on average, and what that is: `pairs`. */
  tokens: number;
  learnt: string;
}

export interface ReplaySet {
  replays: Replay[];
  /** Positions that a micro-batch takes more, for its memory. */
  positions: number;
  /** Of what is read; null where nothing is. */
  digest: string | null;
}

/** A row takes no more than this, however long the model's context is. */
const maxColumns = 2048;

/** @throws UserError where there are no conversations to replay. */
export async function openReplays(job: Job<Pick<AlignConfig, 'replay'>>, options: ReplayOptions): Promise<ReplaySet> {
  const { text, instructions, weight } = job.config.replay;
  const set: ReplaySet = { replays: [], positions: 0, digest: null };
  if (text + instructions === 0) return set;
  const digests: unknown[] = [];
  const words: string[] = [];
  const add = (
    name: string,
    share: number,
    source: SequenceSource,
    mode: 'stream' | 'whole',
    longest: number,
  ): void => {
    const wanted = (share / (1 - text - instructions)) * options.tokens;
    const shape = shapeOf(wanted, longest, options);
    const seed = Random.stream(job.seed, `align-replay-${name}-${options.round}`).uint32();
    set.replays.push({ name, weight, batches: new PackedBatches({ source, mode, seed, ...shape }) });
    set.positions += shape.rows * shape.columns;
    words.push(`${formatCount(shape.rows * shape.columns)} of ${name}`);
  };
  if (text > 0) {
    const documents = await openTokens(job.inputs.tokens ?? '', 'train', options.tokenizer);
    digests.push(documents.manifest);
    add('text', text, documents, 'stream', 1);
  }
  if (instructions > 0) {
    const { source, digest } = await openInstructions(job, options);
    digests.push(digest);
    add('instructions', instructions, source, 'whole', longestOf(source));
  }
  job.reporter.note(
    'info',
    `round ${options.round}: beside ${formatCount(Math.round(options.tokens))} tokens of ${options.learnt}, each step replays ${words.join(' and ')}`,
  );
  return { ...set, digest: digestOf(digests) };
}

/** As many tokens as are wanted, in rows of the model's context or less, none shorter than the longest sequence. */
function shapeOf(wanted: number, longest: number, { context, padId }: ReplayOptions): BatchShape {
  const most = Math.min(context, maxColumns);
  const rows = Math.max(1, Math.round(wanted / most));
  return { rows, columns: Math.max(Math.min(most, Math.ceil(wanted / rows)), longest, 8), padId };
}

function longestOf({ lengths }: SequenceSource): number {
  let longest = 1;
  for (let i = 0; i < (lengths?.length ?? 0); i++) longest = Math.max(longest, (lengths?.[i] ?? 0) - 1);
  return longest;
}

/** The conversations of fine-tuning as it learnt them: the answers alone. */
export async function openInstructions(
  job: Job<Pick<AlignConfig, 'replay'>>,
  { tokenizer, context, padId, where }: Pick<ReplayOptions, 'tokenizer' | 'context' | 'padId' | 'where'>,
): Promise<{ source: SequenceSource; digest: string }> {
  const { selfInstruct } = job.inputs;
  const path = job.config.replay.data ?? (selfInstruct && join(selfInstruct, trainRowsName));
  if (path === undefined) {
    throw new UserError({
      where: 'align.replay.instructions',
      what: 'there are no conversations of fine-tuning to replay',
      why: 'this run has no output of self-instruct',
      next: 'Name them: --set align.replay.data=FILE',
    });
  }
  const columns = Math.min(context, maxColumns);
  // What is fetched for them is in the cache when the others look.
  const { digest, groups } = await firstThenOthers(job.communicator ?? alone, async () => {
    const digest = await rowsDigest(path);
    const { groups } = await openRows(job, {
      sources: [{ path, weight: 1, name: 'replay.data', digest }],
      fitting: { template: openTemplate(tokenizer, { padId, where }), columns, loss: 'assistant' },
      validation: 0,
    });
    return { digest, groups };
  });
  return { source: groups[0].sequences, digest };
}
