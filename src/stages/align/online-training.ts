// A round of a method that samples as it learns: its training answers the prompts with the policy as it is at each step, is paid by
// what scores the answers, and learns from that. What it answered is in a journal beside its checkpoints.
import { basename, join } from 'node:path';
import { sizeOfTable } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { digestOf, makeDirectory } from '../../base/files.js';
import { countOf, formatBytes } from '../../base/format.js';
import { Journal } from '../../base/journal.js';
import { rolloutsName, sampledName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { writeSealed } from '../../base/sealed.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import { setAside } from '../../checkpoint/history.js';
import { type OnlineMethod, resolvedOnline } from '../../config/online.js';
import { resolvedPolicy } from '../../config/policy.js';
import { type PpoConfig, resolvedPpo } from '../../config/ppo.js';
import { resolvedPreference } from '../../config/preference.js';
import type { Conversation } from '../../data/types.js';
import { sourcesOf } from '../../evaluation/scorer.js';
import { promptTokens } from '../../evaluation/tasks.js';
import { cacheBytes } from '../../inference/engine-options.js';
import { LocalModel } from '../../inference/local-model.js';
import { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { measuresSampler, OnlineObjective } from '../../train/objectives/online.js';
import { replayedObjective } from '../../train/objectives/replayed.js';
import { microBatches, rowsOfStep } from '../../train/objectives/sampled-batches.js';
import type { TrainingResult } from '../../train/trainer.js';
import { checkTrainingMemory } from '../room.js';
import { stepCount } from '../training.js';
import { openCritic } from './critic.js';
import { KnownRollouts, type SampledTotals } from './known-rollouts.js';
import { comparedTokens } from './ledger.js';
import { OnlineAlarms } from './online-alarms.js';
import { recordOf } from './pairs.js';
import type { RoundSource } from './provenance.js';
import { openReplays } from './replay.js';
import { Rollouts, shownSamplings } from './rollouts.js';
import type { RoundInput } from './round.js';
import { openTeacher } from './teacher.js';
import { openPolicy, trainPolicy } from './training.js';

export interface OnlineResult {
  candidate: TrainingResult;
  sampled: SampledTotals;
  /** Tokens that were read by what it is compared with, as so many of the policy. */
  referenced: number;
}

/** @param source of the round. */
export async function trainOnline(
  input: RoundInput,
  { source, directory, method }: { source: RoundSource; directory: string; method: OnlineMethod },
): Promise<OnlineResult> {
  const { job, round, policy, prompts, scorer, evidence } = input;
  const { config, seed, reporter, signal } = job;
  const { samplesPerPrompt, maxNewTokens, temperature } = config;
  const online = resolvedOnline(config);
  const [isTaught, isPaired] = [method === 'distill', method === 'online-dpo'];
  // Of distill it says what a micro-batch weighs, its tokens; of online-dpo how answers to a prompt are compared.
  const resolved = resolvedPolicy(config, method === 'distill' || method === 'online-dpo' ? 'grpo' : method);
  const { model: policyModel, tokenizer, adapter } = await openPolicy(input);
  const { pad_token_id: padId, max_position_embeddings: context } = policyModel.config;
  const template = new ChatTemplate(tokenizer);
  const { longest, mean } = promptLengths(prompts, template, evidence.toolbox);
  const columns = Math.min(context, longest + maxNewTokens);
  const critic =
    method === 'ppo' ? await openCritic(input, { directory, model: policyModel, tokenizer, columns }) : undefined;
  const model = critic?.model ?? policyModel;
  const batchSize = Math.min(config.train.batchSize, rowsOfStep({ method, online, samplesPerPrompt }));
  const accumulation = microBatches({ method, online, samplesPerPrompt, batchSize });
  const answersAtOnce = isPaired ? 2 * batchSize : batchSize;
  const train = { ...config.train, batchSize, accumulation };
  const { replays, positions, digest } = await openReplays(job, {
    ...{ round, tokenizer, where: policy.path, context, padId },
    // How long answers will be nobody knows.
    tokens: answersAtOnce * Math.min(context, mean + maxNewTokens / 2),
    learnt: 'sampled answers (at half of maxNewTokens each)',
  });
  const sequences = online.promptsPerStep * online.stepsPerSampling * samplesPerPrompt;
  const checkMemory = (beside: number): void =>
    checkTrainingMemory({
      ...{ stage: 'align', config: model.config, table: model.parameters, train, isLoaded: true, reporter },
      hasHalves: (model.halves?.size ?? 0) > 0,
      ...{ rows: answersAtOnce + Math.ceil(positions / columns), columns, beside },
      ...{ cache: cacheBytes(model.config, { sequences, columns }), critic: critic?.config },
    });
  const steps = await stepCount(
    job,
    train,
    () => (prompts.length / online.promptsPerStep) * online.iterations * accumulation,
    {
      smaller: `fewer prompts a step (align.promptsPerStep, now ${online.promptsPerStep})`,
      size: 'of so many prompts',
    },
  );
  const ppo = critic && { ...critic, knobs: resolvedPpo(config) };
  if (ppo !== undefined && ppo.knobs.criticWarmup >= steps) throw onlyWarmup(ppo.knobs, steps);
  const teacher = isTaught ? await openTeacher(input, { tokenizer, model, columns, room: checkMemory }) : undefined;
  const isCompared = isPaired || (!isTaught && resolved.klIn !== 'none');
  if (!isTaught) checkMemory(isCompared ? 4 * sizeOfTable(policyModel.parameters) : 0);
  const cost = isPaired ? '' : ` (klWeight ${resolved.klWeight}; with 0 there is none)`;
  const reference = isCompared ? await openReference(input, method, cost) : undefined;
  if (!isCompared && !isTaught) {
    reporter.note('info', `round ${round}: ${method} with klWeight 0 compares the policy with no reference`);
  }
  const identity = journalSource(input);
  const rollouts = {
    ...{ tasks: prompts, tokenizer, samples: samplesPerPrompt, temperature, maxNewTokens, scorer },
    ...{
      identity,
      rewards: sourcesOf(scorer),
      toolbox: evidence.toolbox,
      signal,
      reporter,
      directory,
      label: `round ${round}: sampling`,
    },
    seed: Random.stream(seed, `align-online-${round}`).uint32(),
    shownEvery: Math.max(1, Math.ceil(steps / (online.stepsPerSampling * online.iterations) / shownSamplings)),
  };
  // Before anything is learnt: whoever deletes what people asked must find the round, one that was stopped too.
  await makeDirectory(directory);
  await writeSealed(join(directory, sampledName), {
    source,
    learntFrom: [...new Set(prompts.flatMap(recordOf))].sort(),
  });
  const path = join(directory, rolloutsName);
  if (await Journal.isOfAnother(path, identity)) {
    const aside = basename(await setAside(path, 'other'));
    reporter.note('warning', `round ${round}: ${path} has answers of other settings. It is kept as ${aside}`);
  }
  const known = new KnownRollouts(rollouts.rewards);
  const learn = async (journal: Journal): Promise<OnlineResult> => {
    if (known.totals.answers > 0) reporter.note('info', knownInWords(round, known.totals));
    const objective = new OnlineObjective(new Rollouts(journal, known, rollouts), {
      ...{ method, policy: resolved, online, samplesPerPrompt, maxNewTokens, batchSize, padId },
      // DPO compares how likely answers are, whatever they were drawn at.
      ...(isPaired ? { temperature: 1, preference: resolvedPreference(config) } : { temperature }),
      scorers: rollouts.rewards,
      warn: (text) => reporter.note('warning', `round ${round}: ${text}`),
      seed: Random.stream(seed, `align-prompts-${round}`).uint32(),
      reference: reference?.model,
      ...(teacher && { teacher: { model: teacher.model, beta: config.divergence ?? 1 } }),
      ...(ppo && { critic: { knobs: ppo.knobs, config: ppo.config, klWeight: resolved.klWeight } }),
    });
    const candidate = await trainPolicy(input, directory, {
      ...{ model, tokenizer, adapter, train, steps },
      objective: replayedObjective(objective, replays),
      // A teacher, or a critic, has something to say of answers that are rewarded alike, too; to a judge alone ties are ordinary.
      watch: new OnlineAlarms(isTaught || ppo || scorer.isRelative ? { ...config.alarms, alike: 1 } : config.alarms, {
        stepsPerSampling: online.stepsPerSampling * online.iterations,
        isTaught,
        heldBy: isPaired ? 'beta' : 'klWeight',
        ...(!scorer.isScaleless && { highest: rollouts.rewards.reduce((sum, { weight }) => sum + weight, 0) }),
        say: (text) => reporter.note('warning', `round ${round}: ${text}`),
      }),
      learnt: {
        prompts: digestOf(prompts.map(asked)),
        replayed: digest,
        ...(teacher && { teacher: teacher.digest }),
        ...(ppo?.digest !== undefined && { critic: ppo.digest }),
      },
    });
    const referenced = comparedTokens(model.config, {
      ...{ ...objective.tokens, length: columns, iterations: online.iterations },
      bySampler: measuresSampler({ method, online, policy: resolved }),
      byReference: reference !== undefined,
      ...{ teacher: teacher?.model.config, critic: critic?.config },
    });
    return { candidate, sampled: known.totals, referenced };
  };
  try {
    return await Journal.use(path, identity, learn, (entry) => known.read(entry));
  } finally {
    await reference?.dispose();
    await teacher?.dispose();
  }
}

function onlyWarmup({ criticWarmup }: PpoConfig, steps: number): UserError {
  return new UserError({
    where: 'align.criticWarmup',
    what: `the critic alone would learn in all of the ${countOf(steps, 'step')} (criticWarmup ${criticWarmup})`,
    why: 'the policy stays as it is until the critic has warmed up',
    next: 'Set fewer (--set align.criticWarmup=0), or train for longer: --epochs, or --steps',
  });
}

/** In tokens, as they are asked. */
function promptLengths(
  prompts: readonly Conversation[],
  template: ChatTemplate,
  toolbox?: Toolbox,
): { longest: number; mean: number } {
  const lengths = prompts.map((task) => promptTokens(task, template, toolbox).length);
  return {
    longest: lengths.reduce((a, b) => Math.max(a, b), 0),
    mean: lengths.reduce((a, b) => a + b, 0) / Math.max(1, lengths.length),
  };
}

/** The policy at the round's start, of a method to which steps away from it cost something. @param cost in words, for the note. */
async function openReference(
  { job: { reporter, verify }, round, policy }: RoundInput,
  method: OnlineMethod,
  cost: string,
): Promise<LocalModel> {
  // Opened again: frozen weights leave their checkpoint, and the gate measures that of the policy.
  const reference = await LocalModel.of(await openCheckpoint(policy.path, { verify }), { isFrozen: true });
  const bytes = 4 * sizeOfTable(reference.model.parameters);
  const text = `the reference of ${method} is the policy as it is at the round's start: a frozen copy of it, ${formatBytes(bytes)} at most, stays in memory${cost}`;
  reporter.note('info', `round ${round}: ${text}`);
  return reference;
}

/** All that answers follow from but the weights that give them, which each of them names. */
function journalSource({ job: { config, seed }, round, policy, prompts, scorer, evidence }: RoundInput): string {
  const { samplesPerPrompt, maxNewTokens, temperature } = config;
  const { toolbox } = evidence;
  return digestOf({
    ...{ round, policy: policy.digest, seed, samplesPerPrompt, maxNewTokens, temperature },
    ...{ scorer: scorer.name, tasks: prompts.map(asked) },
    ...(toolbox !== undefined && { tools: toolbox.tools }),
  });
}

/** Not its id, which may be a place. */
function asked({ messages, check, tools, start }: Conversation) {
  return { messages, check, ...(tools && { tools }), ...(start && { start }) };
}

function knownInWords(round: number, { answers }: SampledTotals): string {
  return `round ${round}: of an interrupted try ${countOf(answers, 'answer')} already there, which nothing samples again`;
}
