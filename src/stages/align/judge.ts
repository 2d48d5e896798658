// A judge of alignment (align.scorers: {judge: …}): opened, and shown pairs whose better answer is known before it may steer. What it
// says is kept beside the stage's folder, gold pairs and sampled answers alike: a run that resumes asks for nothing twice.
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted, UserError } from '../../base/errors.js';
import { countOf, shorten } from '../../base/format.js';
import { judgementsName } from '../../base/layout.js';
import { bootstrapMean, type Estimate } from '../../base/statistics.js';
import type { AlignConfig } from '../../config/align.js';
import type { JudgeConfig } from '../../config/judge.js';
import { lengthBaseline } from '../../evaluation/rewards/baselines.js';
import { type GoldPair, type JudgedPair, type JudgeFigures, judgeFigures } from '../../evaluation/rewards/judged.js';
import { accuracyUnits, lengthCorrelation, partsOf, worstPairs } from '../../evaluation/rewards/pairs.js';
import { Judge } from '../../evaluation/scorers/judge.js';
import { Recording } from '../../inference/recording.js';
import type { RequestLedger } from '../../inference/request-ledger.js';
import { SpokenModel } from '../../inference/thoughts.js';
import type { Metrics, RewardReport } from '../../report/event.js';
import { openFitting } from '../asked-checkpoint.js';
import { openEndpoint, openLedger } from '../asked-endpoint.js';
import { beatenIn, fewPrompts, interval, notBetter, percent } from '../reward-model/licence.js';
import type { Job } from '../stage.js';

const block = 'align.scorers';

export interface OpenJudge {
  judge: Judge;
  config: JudgeConfig;
  close(): Promise<void>;
}

/** @param place Among the judges of the run, from 0: each has a file of its own. */
export async function openJudge(job: Job<AlignConfig>, config: JudgeConfig, place: number): Promise<OpenJudge> {
  const { directory, reporter } = job;
  const name = place === 0 ? judgementsName : judgementsName.replace('judge', `judge-${place + 1}`);
  const path = join(dirname(resolve(directory)), name);
  const { checkpoint, model, concurrency, opponents, jsonMode } = config;
  const settings = { opponents, jsonMode };
  if (checkpoint === undefined) {
    const terms = {
      role: 'judge',
      chosenBy: block,
      block: `${block}: judge`,
      isInList: true,
      otherwise: 'name the checkpoint of a judge on this machine',
    } as const;
    const asked = await openEndpoint({ ...config, model: model ?? '' }, { terms, path, reporter });
    return { judge: new Judge(asked.model, { atOnce: concurrency, settings }), config, close: asked.close };
  }
  const opened = await openFitting(checkpoint, {
    ...{ role: 'judge', where: `${block}: judge.checkpoint` },
    next: 'Use a judge with a longer context, or a smaller align.maxNewTokens',
  });
  let ledger: RequestLedger;
  try {
    ledger = await openLedger(config, { block, path, reporter });
  } catch (error) {
    await opened.dispose();
    throw error;
  }
  const recording = new Recording(opened.model, ledger);
  const spoken = new SpokenModel(recording, { hasOwnLimit: true });
  const close = async (): Promise<void> => {
    await ledger.close();
    await opened.dispose();
    const { asked, replayed } = recording.counts;
    reporter.note('info', `judge: ${asked} answers from ${checkpoint}, ${replayed} from an earlier try`);
  };
  return { judge: new Judge(spoken, { atOnce: questionsAtOnce, settings }), config, close };
}

/** Of a judge on this machine: they are read together. */
const questionsAtOnce = 32;
/** Share of pairs without a verdict, at most. */
const maxSilent = 0.5;

/**
 * Asks the judge about pairs whose better answer is known, and says and reports what that comes to.
 * @throws UserError where it may not steer, unless a person says so (align.unlicensed).
 */
export async function showJudge(
  job: Job<AlignConfig>,
  { judge, config }: Pick<OpenJudge, 'judge' | 'config'>,
  gold: readonly GoldPair[],
): Promise<Metrics> {
  const { reporter, signal } = job;
  // Certain before anything is paid.
  const few = fewPrompts(new Set(gold.map(({ group }) => group)).size);
  if (few.length > 0 && job.config.unlicensed !== true) throw mayNotSteer(few.join('; '));
  let done = 0;
  const label = `${judge.name}: known pairs`;
  const compared = gold.map(async (pair): Promise<JudgedPair> => {
    const { messages, language, chosen: a, rejected: b } = pair;
    const outcome = await judge.compare({ messages, language, a, b }, signal);
    reporter.emit({ type: 'progress', label, done: ++done, total: gold.length, unit: 'pairs' });
    return { ...pair, outcome };
  });
  await Promise.allSettled(compared); // what was paid is kept
  const judged = await Promise.all(compared);
  await setImmediate();
  stopIfAborted(signal, 'stopped while asking the judge');
  const figures = judgeFigures(judged);
  judge.counts = { pairs: 0, swayed: 0, silent: 0 }; // of sampled answers, from here on
  const { report, accuracy } = reportOf(gold, figures, { config, name: judge.name });
  reporter.emit({ type: 'reward', ...report });
  for (const line of linesOf(judge.name, { gold, figures, accuracy })) reporter.note('info', line);
  decide(job, report, judge.name);
  return {
    ...(Number.isFinite(accuracy.mean) && { judgeAccuracy: accuracy.mean }),
    judgeOrderDependent: figures.swayed,
  };
}

function reportOf(
  gold: readonly GoldPair[],
  { scored, swayed, first, silent }: JudgeFigures,
  { config: { orderDependent, model: named, checkpoint }, name }: { config: JudgeConfig; name: string },
): { report: RewardReport; accuracy: Estimate } {
  const own = accuracyUnits(scored);
  const accuracy = bootstrapMean(own);
  const baselines = beatenIn(scored, [lengthBaseline(gold)]);
  const refusals = [...fewPrompts(own.length)];
  if (silent > maxSilent) refusals.push(`it gives no verdict on ${percent(silent)} of the pairs`);
  if (swayed > orderDependent) {
    refusals.push(
      `its verdict changes with the order of the answers in ${percent(swayed)} of the pairs, and ${percent(orderDependent)} is allowed`,
    );
  }
  if (!(accuracy.low > 0.5)) refusals.push(`it is not surely better than chance: right in ${rangeOf(accuracy)}`);
  else refusals.push(...notBetter(own, baselines));
  return {
    accuracy,
    report: {
      ...{ isGranted: refusals.length === 0, refusals, baselines, parts: partsOf(scored, { byScore: false }) },
      judge: { name, model: named ?? checkpoint, swayed, first, silent },
      lengthCorrelation: lengthCorrelation(scored),
      worst: worstPairs(scored, maxWorst).map(({ prompt, chosen, rejected }) => ({
        prompt: shorten(prompt, maxCharacters),
        chosen: { text: shorten(chosen.text, maxCharacters), score: chosen.score },
        rejected: { text: shorten(rejected.text, maxCharacters), score: rejected.score },
      })),
    },
  };
}

const maxWorst = 10;
const maxCharacters = 1000;

function rangeOf({ mean, low, high }: Estimate): string {
  return Number.isFinite(low) ? `${percent(mean)} (95 % from ${percent(low)} to ${percent(high)})` : percent(mean);
}

function linesOf(
  name: string,
  { gold, figures, accuracy }: { gold: readonly GoldPair[]; figures: JudgeFigures; accuracy: Estimate },
): string[] {
  const { scored, swayed, first, silent } = figures;
  const byLength = lengthCorrelation(scored);
  const [{ accuracy: length, gain }] = beatenIn(scored, [lengthBaseline(gold)]);
  return [
    `${name}: right in ${rangeOf(accuracy)} of ${countOf(scored.length, 'known pair')}; ${percent(silent)} of ${gold.length} have no verdict`,
    `${name}: the verdict changes with the order of the answers in ${percent(swayed)} of them; ${percent(first)} of the verdicts are for the answer that is shown first`,
    `${name}: length alone is right in ${percent(length.mean)} (${interval(gain)}); verdicts follow length by ${byLength.toFixed(2)} (1: the longer answer always wins, −1: the shorter)`,
  ];
}

function decide({ config, reporter }: Job<AlignConfig>, { isGranted, refusals }: RewardReport, name: string): void {
  if (isGranted) {
    reporter.note('info', `${name}: it may steer alignment`);
    return;
  }
  const why = refusals.join('; ');
  if (config.unlicensed === true) {
    reporter.note('warning', `a judge that has not shown enough steers alignment (align.unlicensed): ${why}`);
    return;
  }
  throw mayNotSteer(why);
}

function mayNotSteer(why: string): UserError {
  return new UserError({
    where: block,
    what: 'this judge may not steer alignment',
    why,
    next: 'Choose a larger judge, or give more pairs whose better answer is known (judge.gold, judge.goldPairs); or pass --unlicensed (align.unlicensed: true), which is recorded with what it makes',
  });
}

/** What a judge has said of sampled answers since it last did. */
export function reportVerdicts({ reporter }: Job<AlignConfig>, { judge }: OpenJudge, round: number): void {
  const { pairs, swayed, silent } = judge.counts;
  judge.counts = { pairs: 0, swayed: 0, silent: 0 };
  if (pairs === 0) return;
  const text = `round ${round}: ${judge.name} compared ${countOf(pairs, 'pair')} of answers; ${percent(swayed / pairs)} changed with the order and are ties, ${percent(silent / pairs)} have no verdict`;
  reporter.note(silent / pairs > maxSilent ? 'warning' : 'info', text);
}
