// Stage 3: chat model + preferences of people, checkable rewards, or both → better chat model, round after round, or a refusal
// to promote a worse one.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { type AlignConfig, resolvedSamples, type WrittenAlignConfig } from '../../config/align.js';
import { isOnline } from '../../config/online.js';
import { rules } from '../../evaluation/scorers/rules.js';
import { type ChatFormat, openChatFormat } from '../../inference/chat-format.js';
import type { Metrics } from '../../report/event.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { methods } from '../../train/objectives/methods.js';
import { answersPart, joinAnswers } from '../answers.js';
import type { Job, Stage, StageOutput } from '../stage.js';
import { openStageTools } from '../tools.js';
import { type ComputeFields, startBackend } from '../training.js';
import { openTuning } from '../tuning.js';
import { apartFrom } from './apart.js';
import { decidingMetric, type Evidence, heldOutTexts } from './evidence.js';
import { type GivenPreferences, readGiven } from './given.js';
import { checkDecidable } from './given-checks.js';
import { feedbackDigest } from './given-sources.js';
import { readPrompts } from './prompts.js';
import { type RoundResult, runRound } from './round.js';
import { type OpenScorer, openScorer } from './scorers.js';
import { joinRound } from './training.js';

/** Of sampling, scoring, training and deciding, where nobody says how many. */
const defaultRounds = 2;

export const alignStage: Stage<WrittenAlignConfig> = {
  inputDigest: ({ config }) => feedbackDigest(config.data, config.prompts),
  parts: { round: joinRound, [answersPart]: joinAnswers },
  async run(written) {
    const { tools } = written.config;
    if (tools === undefined) return align(written);
    const toolbox = await openStageTools(tools, written.reporter);
    try {
      return await align(written, toolbox);
    } finally {
      await toolbox.close();
    }
  },
};

async function align(written: Job<WrittenAlignConfig>, toolbox?: Toolbox): Promise<StageOutput> {
  const { inputs, verify } = written;
  const compute = await startBackend(written);
  const { parent, config } = await openTuning(written, { stage: 'align', from: inputs.toolUse ?? inputs.sft ?? '' });
  const job = { ...written, config: { ...config, samplesPerPrompt: resolvedSamples(config) } };
  const policy = parent.adapter === undefined ? parent : await openCheckpoint(parent.path, { verify });
  const chat = await openChatFormat(policy.path);
  const scoring = await openScorer(job, chat.tokenizer);
  try {
    return await alignBy(scoring, { job, compute, policy, chat, toolbox });
  } finally {
    await scoring.dispose();
  }
}

interface Alignment {
  job: Job<AlignConfig>;
  compute: ComputeFields;
  policy: Checkpoint;
  chat: ChatFormat;
  toolbox?: Toolbox;
}

async function alignBy(
  { scorer, prove, reportAgreement }: OpenScorer,
  { job, compute, chat, toolbox, ...start }: Alignment,
): Promise<StageOutput> {
  const { config, directory, reporter } = job;
  let { policy } = start;
  const all = await openGiven(job, chat);
  const { prompts, heldOut } = await readPrompts(job, chat.template, toolbox);
  const given = all && apartFrom(heldOut, all, { template: chat.template, reporter });
  if (isOnline(config.method) && prompts.length === 0) throw noPrompts(config.method);
  checkMetric(config, { reward: heldOut.length > 0, preference: given !== undefined });
  if (given !== undefined && decidingMetric({ tasks: heldOut }, config) === 'preference') checkDecidable(given);
  if (config.scorers !== undefined && prompts.length === 0) {
    reporter.note('warning', 'align.scorers scores nothing: without tasks (align.prompts) no answer is sampled');
  }
  const texts = await heldOutTexts(job, chat.tokenizer);
  const evidence: Evidence = { tasks: heldOut, scorer: rules, toolbox, texts, given: given?.heldOut };
  // Sampled again, a policy that has learnt gives other answers; what people gave stays what it was.
  const rounds = config.rounds ?? (prompts.length === 0 || isOnline(config.method) ? 1 : defaultRounds);
  const shown = await prove({ policy, prompts, heldOut: given?.heldOut.preferences, toolbox });
  let metrics: Metrics = {};
  for (let round = 1; round <= rounds; round++) {
    let result: RoundResult;
    try {
      result = await runRound({ job, compute, round, policy, scorer, prompts, given, evidence });
    } finally {
      reportAgreement(round); // of a round that an alarm ended, too: it may say why
    }
    reporter.note(result.gate?.promoted ? 'info' : 'warning', roundInWords(result, config));
    if (result.gate?.promoted) policy = await openCheckpoint(join(directory, result.gate.path));
    metrics = { ...result.metrics, ...shown };
    reporter.emit({ type: 'evaluation', step: round, round, metrics });
  }
  return { path: policy.path, digest: policy.digest, metrics };
}

/** What people prefer, as the method learns it, and what of that is held out. */
function openGiven(
  job: Job<AlignConfig>,
  { template, contextLength }: Pick<ChatFormat, 'template' | 'contextLength'>,
): Promise<GivenPreferences | undefined> {
  const { data, format, evalData, validation, method } = job.config;
  if (data === undefined) return Promise.resolve(undefined);
  const { rows } = methods[method];
  return readGiven(job, { data, format, evalData, validation, template, contextLength, rows });
}

/** @throws UserError where there is nothing to measure by what is to decide. */
function checkMetric({ gate: { metric } }: AlignConfig, has: Record<'reward' | 'preference', boolean>): void {
  if (metric === undefined || has[metric]) return;
  const what = {
    reward: 'reward cannot decide: no held-out task has a check',
    preference: 'preference cannot decide: there are no preferences of people (align.data)',
  }[metric];
  throw new UserError({ where: 'align.gate.metric', what, next: 'Give some, or set align.gate.metric=null' });
}

function noPrompts(method: string): UserError {
  return new UserError({
    where: 'align.prompts',
    what: `${method} has no tasks to sample answers to`,
    why: 'it learns from its own answers, as a check of the task scores them',
    next: 'Name a file of tasks with checks: --set align.prompts=FILE (docs/online.md says what is in one), or let self-instruct make them',
  });
}

function roundInWords({ round, rows, sampledReward, gate }: RoundResult, { method }: AlignConfig): string {
  const what = { pairs: 'pair', labels: 'judged answer', answers: 'answer', samples: 'answer' }[methods[method].rows];
  const sampled = sampledReward === undefined ? '' : `, mean reward of the samples ${sampledReward.toFixed(3)}`;
  const decision = gate?.text ?? "every prompt's answers scored alike, so there is nothing to learn";
  return `round ${round}: ${countOf(rows, what)}${sampled}; ${decision}`;
}
