// Each family in each language is due its share of each set. Who gets less is named: a mean over all would hide it.
import type { SelfInstructConfig, TaskKind } from '../../config/pipeline.js';
import type { Conversation } from '../../data/types.js';
import type { StageReporter } from '../../report/event.js';
import { type Bucket, bucketName, isChecked } from './buckets.js';
import type { Expansion } from './expansion.js';
import type { Teacher } from './teacher.js';

type Sets = Record<'train' | 'prompts' | 'heldOut', readonly Conversation[]>;

/** Groups of one question go together, so that a set may miss its share by a few rows. */
const tolerance = 0.95;

/** How many prompts to make for align, which samples only what a rule checks: none, and it is said, where nothing is. */
export function promptsToMake(
  { config, reporter }: { config: SelfInstructConfig; reporter: StageReporter },
  buckets: readonly Bucket[],
  teacher: Pick<Teacher, 'checks' | 'methods'>,
): number {
  const unchecked = buckets.filter((bucket) => !isChecked(bucket, teacher));
  if (config.prompts === 0 || unchecked.length === 0) return config.prompts;
  const names = [...new Set(unchecked.map(({ method, kind }) => (method === 'families' ? kind : method)))].join(', ');
  if (unchecked.length < buckets.length) {
    reporter.note('info', `prompts.jsonl (for align) has only tasks that a rule checks: none of ${names}`);
    return config.prompts;
  }
  const next = buckets.some(({ method }) => method === 'families')
    ? 'add a kind with a check such as arithmetic'
    : 'add families or cot to selfInstruct.methods';
  reporter.note(
    'warning',
    `no rule checks tasks of ${names}, so none of the ${config.prompts} prompts for align is made: ${next}, or set selfInstruct.prompts=0`,
  );
  return 0;
}

/**
 * Warns once for each set in which a bucket has less than its share: "refusal/en: 4 of 250 wanted".
 * @param hasPrompts whether a bucket can have prompts for align at all.
 */
export function noteShares(
  { config, reporter }: { config: SelfInstructConfig; reporter: StageReporter },
  buckets: readonly Bucket[],
  sets: Sets,
  hasPrompts: (bucket: Bucket) => boolean = () => true,
): void {
  const wantedOf = { train: config.count, prompts: config.prompts, heldOut: config.heldOut };
  for (const name of ['train', 'prompts', 'heldOut'] as const) {
    const made = sets[name].filter(({ provenance }) => provenance?.teacher !== 'seed');
    const wantedInAll = wantedOf[name] - (sets[name].length - made.length);
    const short = buckets.flatMap((bucket) => {
      if (name === 'prompts' && !hasPrompts(bucket)) return [];
      const { method, kind, language } = bucket;
      const share = name === 'heldOut' ? bucket.shareHeldOut : bucket.share;
      const isMade = ({ provenance }: Conversation): boolean =>
        (provenance?.method?.replace(/@.*/, '') ?? 'families') === method;
      const count = made.filter((row) => row.kind === kind && row.language === language && isMade(row)).length;
      // Seeds are as many of each kind as there are; what is made beside them has the shares.
      const wanted = Math.floor(wantedInAll * share);
      return count < Math.floor(wanted * tolerance) ? [`${bucketName(bucket)}: ${count} of ${wanted} wanted`] : [];
    });
    if (short.length > 0) reporter.note('warning', `${name}: ${short.join(', ')}`);
  }
}

/** Says what the teacher could not make at all, which methods it could not follow, and where it found nothing new. */
export function noteShortfall(
  reporter: StageReporter,
  { tasks, exhausted, failed, stopped }: Pick<Expansion, 'tasks' | 'exhausted' | 'failed' | 'stopped'>,
  { target, kinds, teacher }: { target: number; kinds: readonly TaskKind[]; teacher: Pick<Teacher, 'name' | 'can'> },
): void {
  const warn = (text: string): void => reporter.note('warning', text);
  const impossible = kinds.filter((kind) => !teacher.can(kind, 'zh') && !teacher.can(kind, 'en'));
  if (impossible.length > 0)
    warn(`only the seeds cover ${impossible.join(', ')}: the ${teacher.name} teacher cannot make them`);
  for (const { error } of failed) warn(error.message);
  const names = exhausted.join(', ');
  if (stopped !== undefined) warn(`made ${tasks.length} of ${target} tasks: ${stopped.message}`);
  else if (tasks.length < target) {
    const why = [
      ...(failed.length === 0 ? [] : [`nothing more by ${failed.map(({ method }) => method).join(', ')}`]),
      ...(names === '' ? [] : [`no new ones found in ${names}`]),
    ].join('; ');
    const next = failed.length === 0 ? 'Add seeds or facts' : 'Choose other methods, or another teacher';
    warn(`made ${tasks.length} of ${target} tasks${why === '' ? '' : `: ${why}`}. ${next}`);
  } else if (names !== '') reporter.note('info', `no new tasks found in ${names}; the other families made up for it`);
}
