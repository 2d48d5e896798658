// The mixture of a pretraining job: opened, and put into words — before the training what will be read of each source,
// after it what was.
import { formatCount } from '../base/format.js';
import type { MixtureConfig } from '../config/mixture.js';
import type { TrainConfig } from '../config/train.js';
import { type Mixture, openMixture } from '../data/mixture.js';
import type { Group, MixturePlan } from '../data/mixture-plan.js';
import type { BatchShape } from '../data/sequences.js';
import type { TokenDocuments } from '../data/shards.js';
import type { Metrics, StageReporter } from '../report/event.js';
import { accumulationAt } from '../train/schedule.js';
import type { Job } from './stage.js';

/** Passes up to which repeated text is worth nearly as much as new text (Muennighoff et al. 2023, arXiv:2305.16264). */
const worthwhilePasses = 4;
/** Groups reported one by one, the largest first. */
const maxReportedGroups = 24;

export async function openMixedText(
  { seed, reporter }: Pick<Job<unknown>, 'seed' | 'reporter'>,
  documents: TokenDocuments,
  { mixture, train, steps, shape }: { mixture: MixtureConfig; train: TrainConfig; steps: number; shape: BatchShape },
): Promise<Mixture> {
  const rowsUntil = (share: number): number => shape.rows * batchesUntil(Math.round(share * steps), steps, train);
  const mixed = await openMixture(documents, { mixture, seed, shape, rowsUntil });
  for (const text of planInWords(mixed.plan, mixture, shape.columns)) {
    reporter.note('info', text);
  }
  const often = mixed.plan.groups.flatMap((group, i) => {
    const passes = passesOf(group, mixed.plan.rows[i] * shape.columns);
    return passes > worthwhilePasses ? [`${nameOf(group)} ${inWords(passes)} times`] : [];
  });
  if (often.length > 0) {
    const text = `some text is read more than ${worthwhilePasses} times, beyond which repeats help less and less (Muennighoff et al. 2023): ${often.join(', ')}. pretrain.mixture.epochs sets a limit`;
    reporter.note('warning', text);
  }
  return mixed;
}

/** Micro-batches of the first `step` steps. */
function batchesUntil(step: number, steps: number, train: TrainConfig): number {
  const warmup = Math.min(step, Math.round(train.batchWarmup * steps));
  let batches = (step - warmup) * train.accumulation;
  for (let i = 1; i <= warmup; i++) batches += accumulationAt(i, steps, train);
  return batches;
}

function planInWords(
  { groups, phases, rows, usedUp }: MixturePlan,
  { epochs }: MixtureConfig,
  columns: number,
): string[] {
  const all = phases.reduce((sum, phase) => sum + phase.rows, 0);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const bySize = groups
    .map((_, i) => i)
    .filter((i) => rows[i] > 0)
    .sort((a, b) => rows[b] - rows[a]);
  const lines = bySize.slice(0, maxReportedGroups).map((i) => {
    const { documents, tokens } = groups[i];
    const passes = inWords(passesOf(groups[i], rows[i] * columns));
    return `${nameOf(groups[i])}: ${percent(rows[i] / all)} of the training, ${passes} passes over ${formatCount(documents)} documents, ${formatCount(tokens)} tokens`;
  });
  const more = bySize.length - maxReportedGroups;
  if (more > 0) lines.push(`and ${more} smaller ones`);
  const unread = groups.filter((_, i) => rows[i] === 0).map(nameOf);
  if (unread.length > 0) lines.push(`not read: ${unread.join(', ')}`);
  for (const [i, share] of usedUp) {
    if (share > 0.999) continue;
    const limit = typeof epochs === 'object' ? epochs[groups[i].source] : epochs;
    lines.push(
      `${nameOf(groups[i])} is used up after ${limit} passes, at ${percent(share)} of the training: the others get its share`,
    );
  }
  return lines.map((line) => `mixture: ${line}`);
}

/** `tokens.<language>.<source>`: what was read of each group; the same in a note. */
export function reportTokensRead({ plan, tokensRead }: Mixture, reporter: StageReporter): Metrics {
  const read = tokensRead();
  const all = plan.groups
    .map((group, i) => ({ group, tokens: read[i] }))
    .filter(({ tokens }) => tokens > 0)
    .sort((a, b) => b.tokens - a.tokens);
  const words = all.slice(0, maxReportedGroups).map(({ group, tokens }) => {
    return `${nameOf(group)} ${formatCount(tokens)} (${inWords(passesOf(group, tokens))} passes)`;
  });
  const rest = all.slice(maxReportedGroups).reduce((sum, { tokens }) => sum + tokens, 0);
  if (rest > 0) words.push(`others ${formatCount(rest)}`);
  reporter.note('info', `tokens read: ${words.join(', ')}`);
  return Object.fromEntries(all.map(({ group, tokens }) => [`tokens.${group.language}.${group.source}`, tokens]));
}

/** The last token of a document is only predicted. */
function passesOf({ tokens, documents }: Group, read: number): number {
  return read / (tokens - documents);
}

function inWords(passes: number): string {
  return passes < 10 ? passes.toPrecision(2) : formatCount(passes);
}

function nameOf({ source, language }: Group): string {
  return `${source} (${language})`;
}
