// What the gate measures a model by: its answers to the held-out tasks, how likely it finds the held-out answers of people, and
// the held-out text that it may forget. Every model is asked the same, with the same random numbers.
import { digestOf } from '../../base/files.js';
import { shorten } from '../../base/format.js';
import type { Unit } from '../../base/statistics.js';
import type { AlignConfig } from '../../config/align.js';
import { samplingAt } from '../../config/sampling.js';
import { openTokens, type TokenDocument } from '../../data/shards.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import { chooseHeldOut, measureHeldOut } from '../../evaluation/bits-per-byte.js';
import { type Measurements, measureRewards, measureTexts } from '../../evaluation/measurements.js';
import type { Scorer } from '../../evaluation/scorer.js';
import { type Answer, lastQuestion } from '../../evaluation/tasks.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { Model } from '../../model/model.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { measureLogProbabilities } from '../../train/objectives/sequence-log-probabilities.js';
import { answerOnRanks } from '../answers.js';
import type { Job } from '../stage.js';
import { mannerOf } from './alarms.js';
import type { GivenPreferences } from './given.js';
import { endedAnswer, sequenceOf } from './pairs.js';
import { type LogProbabilities, preferenceSequences } from './preference-evidence.js';
import { withTools } from './provenance.js';

/** What a stage of alignment decides by, the same for all its rounds. */
export interface Evidence {
  /** Held-out tasks that answers can be scored for. */
  tasks: readonly Conversation[];
  scorer: Scorer;
  /** What answers may call, those that are learnt from as well. */
  toolbox?: Toolbox;
  /** Held-out text. */
  texts: readonly TokenDocument[];
  /** Preferences of people that no training sees, and their prompts. */
  given?: GivenPreferences['heldOut'];
}

/** A model as it was measured. */
export interface ModelFigures {
  measurements: Measurements;
  /** Nats a token of its own answers: its entropy, and how far they are from what the round began with. */
  entropy?: number;
  kl?: number;
  /** Of the held-out answers of people. */
  logProbabilities: LogProbabilities;
  /** One answer to each task, to be read. */
  shown: readonly ShownAnswer[];
}

export interface ShownAnswer {
  prompt: string;
  completion: string;
  reward?: number;
}

const maxShown = 500;
const maxShownCharacters = 1000;

/** What decides on promotion: what people prefer, where no task has a check or the settings say so. */
export function decidingMetric(
  { tasks }: Pick<Evidence, 'tasks'>,
  { gate }: Pick<AlignConfig, 'gate'>,
): 'reward' | 'preference' {
  return tasks.length === 0 ? 'preference' : (gate.metric ?? 'reward');
}

/** Answers whose entropy and divergence are taken, at most: they are means over thousands of tokens. */
const comparedAnswers = 256;
const rows = 8;
/** People's prompts that are answered. */
const maxUnscored = 128;

/** Held-out text that the final table does not use; none where the run has no corpus, which is said. */
export async function heldOutTexts(
  { config, inputs, reporter }: Job<AlignConfig>,
  tokenizer: Tokenizer,
): Promise<TokenDocument[]> {
  const { textTokens, text = inputs.tokens } = config.gate;
  if (textTokens === 0) return [];
  if (text !== undefined) return chooseHeldOut(await openTokens(text, 'validation', tokenizer), textTokens, 'decision');
  reporter.note('info', 'there is no held-out text in this run, so what alignment forgets of it is not measured');
  return [];
}

/** Two models measured with the same evidence can be compared. */
export function evidenceDigest({ config, seed }: Job<AlignConfig>, evidence: Evidence): string {
  const { tasks, scorer, toolbox, texts, given } = evidence;
  const { heldOutSamples, maxNewTokens, temperature } = config;
  return digestOf({
    ...{ heldOutSamples, maxNewTokens, temperature, seed, scorer: scorer.name },
    tasks: tasks.map(({ messages, check, kind = null, group = null, ...task }) => {
      return { messages, check, kind, group, ...withTools(task) };
    }),
    ...(toolbox !== undefined && { tools: toolbox.tools }),
    texts: texts.map(({ language, tokens }) => [language, [...tokens]]),
    given: given === undefined ? null : preferenceSequences(given).map(({ id, tokens }) => [id, Array.from(tokens)]),
  });
}

/** @param policy What the round began with, where it is another model. */
export async function measureModel(
  job: Job<AlignConfig>,
  evidence: Evidence,
  { model, policy, label }: { model: LocalModel; policy?: LocalModel; label: string },
): Promise<ModelFigures> {
  const { config, seed, signal, reporter } = job;
  const { tasks, scorer, toolbox, texts, given } = evidence;
  // Of people's prompts the answers have no score: they are looked at, and no more.
  const asked = tasks.length > 0 ? tasks : (given?.prompts ?? []).slice(0, maxUnscored);
  const measurements = new Map(measureTexts(await measureHeldOut(model.model, texts, signal)));
  const answers = await answerOnRanks(job, 'align', model, asked, {
    ...{ samples: tasks.length > 0 ? config.heldOutSamples : 1, seed, toolbox, signal },
    maxNewTokens: config.maxNewTokens,
    sampling: samplingAt(config.temperature),
    onProgress: (done, total) => reporter.emit({ type: 'progress', label, done, total, unit: 'answers' }),
  });
  const rewards = tasks.length > 0 ? (await scorer.score(answers, signal)).map((reward = 0) => reward) : [];
  for (const [metric, units] of mannerOf(answers).measurements) measurements.set(metric, units);
  if (tasks.length > 0) for (const [metric, units] of rewardsOf(answers, rewards)) measurements.set(metric, units);
  const compared = await distances(answers.slice(0, comparedAnswers), model, policy);
  const judged = await logProbabilities(model.model, given === undefined ? [] : preferenceSequences(given));
  return {
    measurements,
    ...compared,
    logProbabilities: new Map([...judged].map(([id, { sum }]) => [id, sum])),
    shown: firstAnswers(answers, rewards),
  };
}

/** `reward`, and `reward.<language>` of the questions in each. */
function rewardsOf(answers: readonly Answer[], rewards: readonly number[]): Measurements {
  const of = (isWanted: (answer: Answer) => boolean): Unit[] => {
    const chosen = answers.flatMap((answer, i) => (isWanted(answer) ? [i] : []));
    return measureRewards(
      chosen.map((i) => answers[i]),
      chosen.map((i) => rewards[i]),
    );
  };
  const languages = [...new Set(answers.flatMap(({ task }) => task.language ?? []))].sort();
  const parts = languages.map(
    (language) => [`reward.${language}`, of(({ task }) => task.language === language)] as const,
  );
  return new Map([['reward', of(() => true)], ...parts]);
}

/** The first answer to each task. */
function firstAnswers(answers: readonly Answer[], rewards: readonly number[]): ShownAnswer[] {
  const all = answers.map(({ task, text }, i) => ({ task, text, reward: rewards[i] as number | undefined }));
  const first = all.filter(({ task }, i) => task !== all[i - 1]?.task).slice(0, maxShown);
  const short = (text: string): string => shorten(text, maxShownCharacters);
  return first.map(({ task, text, reward }) => ({
    ...{ prompt: short(lastQuestion(task)), completion: short(text) },
    ...(reward !== undefined && { reward }),
  }));
}

async function distances(
  answers: readonly Answer[],
  model: LocalModel,
  policy?: LocalModel,
): Promise<Pick<ModelFigures, 'entropy' | 'kl'>> {
  const end = model.tokenizer.specialId('turnEnd');
  const sequences = answers.map((answer, i) =>
    sequenceOf({ id: String(i), prompt: answer.promptTokens }, endedAnswer(answer, end)),
  );
  const own = await logProbabilities(model.model, sequences);
  const before = policy === undefined ? own : await logProbabilities(policy.model, sequences);
  const total = (of: typeof own, key: 'sum' | 'count'): number =>
    [...of.values()].reduce((all, each) => all + each[key], 0);
  const count = total(own, 'count');
  if (count === 0) return {};
  return { entropy: -total(own, 'sum') / count, kl: (total(own, 'sum') - total(before, 'sum')) / count };
}

/** log π of each sequence, over its counted tokens. */
function logProbabilities(model: Model, sequences: readonly TokenSequence[]) {
  const longest = sequences.reduce((max, { tokens }) => Math.max(max, tokens.length), 1);
  const columns = Math.min(model.config.max_position_embeddings, longest);
  return measureLogProbabilities(model, sequences, { rows, columns, padId: model.config.pad_token_id });
}
