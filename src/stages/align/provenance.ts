// What the files of a round were made from: a file of another round, model, run or setting is set aside, never believed.
import { basename } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../../base/files.js';
import { readSealed } from '../../base/sealed.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import { setAside } from '../../checkpoint/history.js';
import type { AlignConfig } from '../../config/align.js';
import type { Conversation } from '../../data/types.js';
import { rules } from '../../evaluation/scorers/rules.js';
import { differingSettings } from '../../train/foreign.js';
import type { Job } from '../stage.js';
import type { Evidence } from './evidence.js';

/** All that the sampled pairs and the result of a round follow from: what has another source is not believed. */
export const sourceSchema = z.strictObject({
  round: z.int(),
  policy: z.string().describe('digest of the checkpoint that the round starts from'),
  seed: z.number(),
  tasks: z.string().describe('digest of the prompts and of the held-out tasks'),
  given: z.string().nullable().describe('digest of the preferences that people gave'),
  tools: z.string().optional().describe('digest of the names, descriptions and schemas of the tools that run'),
  scorer: z.string().optional().describe('who scores, where it is not the rules alone'),
  teacher: z.string().optional().describe('digest of the checkpoint whose predictions are learnt'),
  critic: z.string().optional().describe('digest of the reward model that the critic begins as'),
  settings: z.json(),
});
export type RoundSource = z.output<typeof sourceSchema>;

interface SourceInput {
  job: Job<AlignConfig>;
  round: number;
  policy: Checkpoint;
  prompts: readonly Conversation[];
  evidence: Pick<Evidence, 'tasks' | 'toolbox'>;
  given?: { digest: string };
  scorer: { name: string };
  /** Digests of their checkpoints. */
  teacher?: string;
  critic?: string;
}

/** What a task says of its tools, where it says anything. */
export function withTools({ tools, start }: Pick<Conversation, 'tools' | 'start'>): Partial<Conversation> {
  return { ...(tools !== undefined && { tools }), ...(start !== undefined && { start }) };
}

/** Settings but for places: what is there has a digest, and a run folder may move. */
export function withoutPlaces(config: AlignConfig) {
  const { tools, scorers: _scorers, teacher: _teacher, critic: _critic, from: _, ...settings } = config;
  const { text: _text, ...gate } = settings.gate;
  return {
    ...{ ...settings, prompts: null, data: null, evalData: null, replay: { ...config.replay, data: null }, gate },
    // What stands behind = is a place; a file is known by its name.
    ...(tools !== undefined && { tools: tools.map((name) => basename(name.replace(/=.*$/s, ''))) }),
  };
}

export function sourceOf({
  job,
  round,
  policy,
  prompts,
  evidence,
  given,
  scorer,
  teacher,
  critic,
}: SourceInput): RoundSource {
  // Not their ids, which may be places: a run folder may move.
  const asked = (tasks: readonly Conversation[]) =>
    tasks.map(({ messages, check, ...task }) => ({ messages, check, ...withTools(task) }));
  const settings = JSON.parse(JSON.stringify(withoutPlaces(job.config))) as RoundSource['settings'];
  return {
    round,
    policy: policy.digest,
    seed: job.seed,
    tasks: digestOf({ prompts: asked(prompts), heldOut: asked(evidence.tasks) }),
    given: given?.digest ?? null,
    ...(evidence.toolbox !== undefined && { tools: digestOf(evidence.toolbox.tools) }),
    ...scorerOf(scorer),
    ...(teacher !== undefined && { teacher }),
    ...(critic !== undefined && { critic }),
    settings,
  };
}

/** By its name, where it is not the rules alone. */
export function scorerOf({ name }: { name: string }): { scorer?: string } {
  return name === rules.name ? {} : { scorer: name };
}

/**
 * The value of a sealed file of ours; undefined where there is none, where it is damaged, and where it was made from
 * something else, as one is that was copied here from another round or run: it is set aside, and reported.
 */
export async function readOwn<T extends { source: RoundSource }>(
  path: string,
  schema: z.ZodType<T>,
  source: RoundSource,
  job: Job<AlignConfig>,
): Promise<T | undefined> {
  const read = await readSealed(path);
  if (read === 'absent') return undefined;
  const value = read === 'damaged' ? undefined : schema.safeParse(read.value).data;
  if (value === undefined) {
    warnRebuilt(job, path);
    return undefined;
  }
  const reason = otherSource(value.source, source, job);
  if (reason === undefined) return value;
  const aside = await setAside(path, 'foreign');
  job.reporter.note('warning', `${path} is not of this round: ${reason}. It is kept as ${basename(aside)}`);
  return undefined;
}

/** Why what was made from `found` is not of this round; undefined where it is. What --override names may differ. */
function otherSource(found: RoundSource, own: RoundSource, { overrides }: Job<AlignConfig>): string | undefined {
  if (found.round !== own.round) return `it is of round ${found.round}`;
  if (found.policy !== own.policy) return `it is of model ${found.policy.slice(0, 12)}`;
  if (found.seed !== own.seed) return `it has seed ${found.seed}`;
  if (found.tasks !== own.tasks) return 'it is of other tasks';
  if (found.given !== own.given) return 'it is of other preferences';
  if (found.tools !== own.tools) return 'its answers had other tools';
  if (found.teacher !== own.teacher) return 'it learnt from another teacher';
  if (found.critic !== own.critic) return 'it learnt with another critic';
  if (found.scorer !== own.scorer && !overrides?.some(({ key }) => key.startsWith('align.scorers'))) {
    return 'its answers had another scorer';
  }
  const others = differingSettings('align', found.settings, own.settings, overrides);
  return others.length === 0 ? undefined : `it has other settings: ${others.join(', ')}`;
}

export function warnRebuilt(job: Job<AlignConfig>, what: string): void {
  job.reporter.note('warning', `rebuilt because it changed on disk: ${what}`);
}
