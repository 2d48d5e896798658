// Each family in each language is due an equal share of each set. Who gets less is named: a mean over all would hide it.
import type { SelfInstructConfig, TaskKind } from '../../config/pipeline.js';
import type { Conversation } from '../../data/types.js';
import type { StageReporter } from '../../report/event.js';
import type { Bucket, Expansion } from './expand.js';
import type { Teacher } from './teacher.js';

type Sets = Record<'train' | 'prompts' | 'heldOut', readonly Conversation[]>;

/** Groups of one question go together, so that a set may miss its share by a few rows. */
const tolerance = 0.95;

/** Warns once for each set in which a bucket has less than its share: "refusal/en: 4 of 250 wanted". */
export function noteShares(
  { config, reporter }: { config: SelfInstructConfig; reporter: StageReporter },
  buckets: readonly Bucket[],
  sets: Sets,
): void {
  const wantedOf = { train: config.count, prompts: config.prompts, heldOut: config.heldOut };
  for (const name of ['train', 'prompts', 'heldOut'] as const) {
    const wanted = Math.floor(wantedOf[name] / buckets.length);
    const short = buckets.flatMap(({ kind, language }) => {
      const count = sets[name].filter((row) => row.kind === kind && row.language === language).length;
      return count < Math.floor(wanted * tolerance) ? [`${kind}/${language}: ${count} of ${wanted} wanted`] : [];
    });
    if (short.length > 0) reporter.note('warning', `${name}: ${short.join(', ')}`);
  }
}

/** Says what the teacher could not make at all, and where it found nothing new. */
export function noteShortfall(
  reporter: StageReporter,
  { tasks, exhausted, stopped }: Pick<Expansion, 'tasks' | 'exhausted' | 'stopped'>,
  { target, kinds, teacher }: { target: number; kinds: readonly TaskKind[]; teacher: Pick<Teacher, 'name' | 'can'> },
): void {
  const warn = (text: string): void => reporter.note('warning', text);
  const impossible = kinds.filter((kind) => !teacher.can(kind, 'zh') && !teacher.can(kind, 'en'));
  if (impossible.length > 0)
    warn(`only the seeds cover ${impossible.join(', ')}: the ${teacher.name} teacher cannot make them`);
  const names = exhausted.join(', ');
  if (stopped !== undefined) warn(`made ${tasks.length} of ${target} tasks: ${stopped.message}`);
  else if (tasks.length < target) {
    const where = names === '' ? '' : `no new ones found in ${names}. `;
    warn(`made ${tasks.length} of ${target} tasks: ${where}Add seeds or facts`);
  } else if (names !== '') reporter.note('info', `no new tasks found in ${names}; the other families made up for it`);
}
