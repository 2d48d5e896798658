// A round of a method that samples as it learns: its training answers the prompts with the policy as it is at each step, is paid by
// what scores the answers, and learns from that. What it answered is in a journal beside its checkpoints.
import { basename, join } from 'node:path';
import { sizeOfTable } from '../../architecture/parameters.js';
import { digestOf, makeDirectory } from '../../base/files.js';
import { countOf, formatBytes } from '../../base/format.js';
import { Journal } from '../../base/journal.js';
import { rolloutsName, sampledName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { writeSealed } from '../../base/sealed.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import { setAside } from '../../checkpoint/history.js';
import { type OnlineMethod, resolvedOnline } from '../../config/online.js';
import { type PolicyConfig, resolvedPolicy } from '../../config/policy.js';
import type { Conversation } from '../../data/types.js';
import { sourcesOf } from '../../evaluation/scorer.js';
import { promptTokens } from '../../evaluation/tasks.js';
import { cacheBytes } from '../../inference/engine-options.js';
import { LocalModel } from '../../inference/local-model.js';
import { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { measuresSampler, OnlineObjective } from '../../train/objectives/online.js';
import { replayedObjective } from '../../train/objectives/replayed.js';
import { microBatches } from '../../train/objectives/sampled-batches.js';
import type { TrainingResult } from '../../train/trainer.js';
import { checkTrainingMemory } from '../room.js';
import { stepCount } from '../training.js';
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
  // Of distill it says what a micro-batch weighs: its tokens.
  const resolved = resolvedPolicy(config, method === 'distill' ? 'grpo' : method);
  const { model, tokenizer, adapter } = await openPolicy(input);
  const { pad_token_id: padId, max_position_embeddings: context } = model.config;
  const template = new ChatTemplate(tokenizer);
  const { longest, mean } = promptLengths(prompts, template, evidence.toolbox);
  const columns = Math.min(context, longest + maxNewTokens);
  const batchSize = Math.min(config.train.batchSize, online.promptsPerStep * samplesPerPrompt);
  const accumulation = microBatches({ online, samplesPerPrompt, batchSize });
  const train = { ...config.train, batchSize, accumulation };
  const { replays, positions, digest } = await openReplays(job, {
    ...{ round, tokenizer, where: policy.path, context, padId },
    // How long answers will be nobody knows.
    tokens: batchSize * Math.min(context, mean + maxNewTokens / 2),
    learnt: 'sampled answers (at half of maxNewTokens each)',
  });
  const sequences = online.promptsPerStep * online.stepsPerSampling * samplesPerPrompt;
  const checkMemory = (beside: number): void =>
    checkTrainingMemory({
      ...{ stage: 'align', config: model.config, table: model.parameters, train, isLoaded: true, reporter },
      hasHalves: (model.halves?.size ?? 0) > 0,
      ...{ rows: batchSize + Math.ceil(positions / columns), columns, beside },
      cache: cacheBytes(model.config, { sequences, columns }),
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
  const isTaught = method === 'distill';
  const teacher = isTaught ? await openTeacher(input, { tokenizer, model, columns, room: checkMemory }) : undefined;
  if (!isTaught) checkMemory(resolved.klIn === 'none' ? 0 : 4 * sizeOfTable(model.parameters));
  const reference = isTaught ? undefined : await openReference(input, resolved, method);
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
      ...{ method, policy: resolved, online, samplesPerPrompt, maxNewTokens, batchSize, padId, temperature },
      scorers: rollouts.rewards,
      warn: (text) => reporter.note('warning', `round ${round}: ${text}`),
      seed: Random.stream(seed, `align-prompts-${round}`).uint32(),
      reference: reference?.model,
      ...(teacher && { teacher: { model: teacher.model, beta: config.divergence ?? 1 } }),
    });
    const candidate = await trainPolicy(input, directory, {
      ...{ model, tokenizer, adapter, train, steps },
      objective: replayedObjective(objective, replays),
      // A teacher has something to say of answers that are rewarded alike, too.
      watch: new OnlineAlarms(isTaught ? { ...config.alarms, alike: 1 } : config.alarms, {
        stepsPerSampling: online.stepsPerSampling * online.iterations,
        isTaught,
        ...(!scorer.isScaleless && { highest: rollouts.rewards.reduce((sum, { weight }) => sum + weight, 0) }),
        say: (text) => reporter.note('warning', `round ${round}: ${text}`),
      }),
      learnt: {
        prompts: digestOf(prompts.map(asked)),
        replayed: digest,
        ...(teacher && { teacher: teacher.digest }),
      },
    });
    const referenced = comparedTokens(model.config, {
      ...{ read: known.totals.read, length: columns, iterations: online.iterations },
      bySampler: measuresSampler({ method, online, policy: resolved }),
      byReference: reference !== undefined,
      teacher: teacher?.model.config,
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

/** The policy at the round's start, where steps away from it cost something. */
async function openReference(
  { job: { reporter, verify }, round, policy }: RoundInput,
  { klIn, klWeight }: PolicyConfig,
  method: OnlineMethod,
): Promise<LocalModel | undefined> {
  if (klIn === 'none') {
    reporter.note('info', `round ${round}: ${method} with klWeight 0 compares the policy with no reference`);
    return undefined;
  }
  // Opened again: frozen weights leave their checkpoint, and the gate measures that of the policy.
  const reference = await LocalModel.of(await openCheckpoint(policy.path, { verify }), { isFrozen: true });
  const bytes = 4 * sizeOfTable(reference.model.parameters);
  const text = `the reference of ${method} is the policy as it is at the round's start: a frozen copy of it, ${formatBytes(bytes)} at most, stays in memory (klWeight ${klWeight}; with 0 there is none)`;
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
