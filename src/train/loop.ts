// The only training loop. A step: fetch micro-batches, sum their gradients, check, clip, optimize, report.
// Around it: checkpoints, evaluation, samples, all as often as the config says. A step is saved before it is measured, and
// no figure or sample ends a training: what fails is reported, and the run fails in the end.
import { asUserError, type Fault, Interrupted, UserError } from '../base/errors.js';
import { countOf } from '../base/format.js';
import { stepDirectory } from '../checkpoint/history.js';
import { readManifest } from '../checkpoint/manifest.js';
import type { Metrics } from '../report/event.js';
import { alone, anyRank, byFirstRank, RankFailed } from '../tensor/communicator.js';
import { withWholeWeights } from './exchange.js';
import type { MicroBatch } from './objective.js';
import { accumulationAt, due, learningRateAt } from './schedule.js';
import type { Session } from './session.js';
import { firstOf } from './spikes.js';
import { StepStatistics } from './statistics.js';
import { type StepResult, trainStep } from './step.js';
import type { TrainingResult, TrainingRun } from './trainer.js';

/** From where the session is to the last step. */
export async function runLoop<Batch extends MicroBatch>(
  run: TrainingRun<Batch>,
  session: Session<Batch>,
): Promise<TrainingResult> {
  const { config, steps, signal, evaluate, communicator = alone } = run;
  const reported = evaluate === undefined ? ['loss'] : run.evaluated;
  if (reported !== undefined) session.saver.checkBest(reported);
  if (session.spikes !== undefined && session.saver.last === undefined) await session.save();
  if (session.saver.last?.unmeasured) {
    await measure(run, session); // a kill came between saving and measuring
    await session.save();
  }
  while (session.position.step < steps && !session.stopping?.isOver) {
    const taken = await takeStep(run, session);
    if (taken === undefined) continue;
    const alarm = run.watch?.see({ loss: taken.loss, ...taken.figures });
    if (alarm !== undefined) throw await endedBy(alarm, run, session);
    await session.saver.poll();
    const { step } = session.position;
    const isLast = step === steps;
    const isStopped = !isLast && (await anyRank(communicator, signal?.aborted === true));
    const isMeasured = figuresAt(run, step).length > 0;
    if (isMeasured && (isLast || isStopped)) await session.finish({ unmeasured: true });
    const isDue = due(step, config.checkpointEvery) && !isLast && !isStopped;
    const isSaved = isDue && (!isMeasured || (await session.saveUnmeasured()));
    await measure(run, session);
    if (isStopped) {
      throw await stopped(run, session);
    }
    if (isSaved || session.stopping?.state.best?.step === step) await session.save();
    session.spikes?.saved(session.saver.last?.step ?? 0);
  }
  const { path, digest } = await session.finish();
  return (await bestOf(run, session)) ?? { path, digest, metrics: session.position.metrics };
}

/** The best checkpoint, where that is to be the result and is another than the last. */
async function bestOf<Batch extends MicroBatch>(
  { steps, directory, reporter, communicator = alone }: TrainingRun<Batch>,
  { stopping, position }: Session<Batch>,
): Promise<TrainingResult | undefined> {
  const best = stopping?.state.best;
  if (stopping === undefined || best === undefined) return undefined;
  const { metric, isOver } = stopping;
  const ended = isOver
    ? `no better ${metric} in ${countOf(stopping.state.since, 'evaluation')}: it ends at step ${position.step} of ${steps}. `
    : '';
  const path = stepDirectory(directory, best.step);
  reporter.note(
    'info',
    `${ended}The best ${metric} is ${best.value.toPrecision(4)}, of step ${best.step}: that is the result`,
  );
  if (best.step === position.step) return undefined;
  return byFirstRank(communicator, async () => {
    const { manifest, digest } = await readManifest(path);
    return { path, digest, metrics: manifest.metrics };
  });
}

/** Undefined: the step was undone, and the training is where it was last saved. */
async function takeStep<Batch extends MicroBatch>(
  run: TrainingRun<Batch>,
  session: Session<Batch>,
): Promise<StepResult | undefined> {
  const { config, steps, cooldown, objective, reporter, round, noise, communicator = alone } = run;
  const step = session.position.step + 1;
  const started = performance.now();
  const batches: Batch[] = [];
  const count = accumulationAt(step, cooldown?.planned ?? steps, config);
  try {
    while (batches.length < count) batches.push(await objective.next({ model: session.model, step, communicator }));
  } catch (error) {
    if (!(error instanceof Interrupted) || step === 1) throw error;
    throw await stopped(run, session); // what the step learns from may take minutes, and nothing of it has begun
  }
  const learningRate = learningRateAt(step, steps, config, cooldown);
  const statistics = due(step, config.statisticsEvery ?? 0) ? await StepStatistics.of(session.model) : undefined;
  const at = { step, learningRate, statistics, noise, communicator };
  const result = await trainStep(session.model, session.optimizer, objective, batches, config, at);
  if (statistics !== undefined) {
    reporter.emit({ type: 'statistics', step, ...(await statistics.event()), ...(round && { round }) });
  }
  const ids = batches.flatMap((batch) => batch.ids);
  if (session.spikes?.after(step, result, ids) === 'rollback' && (await session.rollback())) return undefined;
  const { loss, gradientNorm, figures } = result;
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
    await session.saver.settle().catch(() => undefined); // a failed save must not mask this error
    throw notFinite({ stage: run.manifest.stage, step }, result, ids, session.saver.last?.path);
  }
  const tokens = batches.reduce((total, batch) => total + batch.tokenCount, 0);
  const { tokensSeen, metrics } = session.position;
  session.position = { ...session.position, step, tokensSeen: tokensSeen + tokens, metrics: { ...metrics, loss } };
  reporter.emit({
    type: 'step',
    ...{ step, steps, loss, learningRate, gradientNorm, tokens },
    tokensPerSecond: (tokens * 1000) / (performance.now() - started),
    ...(Object.keys(figures).length > 0 && { metrics: figures }),
    ...(round && { round }),
  });
  return result;
}

/** Saves the last whole step. */
async function stopped<Batch extends MicroBatch>(
  { steps }: TrainingRun<Batch>,
  session: Session<Batch>,
): Promise<Interrupted> {
  const { path } = await session.finish();
  return new Interrupted(`stopped at step ${session.position.step} of ${steps}; saved ${path}`);
}

/** Saves the step that the watch minds. */
async function endedBy<Batch extends MicroBatch>(
  alarm: Fault,
  run: TrainingRun<Batch>,
  session: Session<Batch>,
): Promise<UserError> {
  const { step } = session.position;
  const { path } = await session.finish(figuresAt(run, step).length > 0 ? { unmeasured: true } : {});
  const where = `${run.manifest.stage}, step ${step} of ${run.steps} (saved as ${path})`;
  return new UserError({ where, ...alarm }, { exitCode: 1 });
}

type Figure = 'evaluation' | 'sampling';

/** What the model is to show at a step. */
function figuresAt<Batch extends MicroBatch>(run: TrainingRun<Batch>, step: number): Figure[] {
  const { config, steps, evaluate, sample } = run;
  const isDue = (every: number): boolean => step === steps || due(step, every);
  return [
    ...(evaluate !== undefined && isDue(config.evaluateEvery) ? ['evaluation' as const] : []),
    ...(sample !== undefined && isDue(config.sampleEvery) ? ['sampling' as const] : []),
  ];
}

/** The first rank evaluates and samples what is due. What fails is reported and skipped. */
async function measure<Batch extends MicroBatch>(run: TrainingRun<Batch>, session: Session<Batch>): Promise<void> {
  const { step } = session.position;
  const { communicator = alone } = run;
  for (const figure of figuresAt(run, step)) {
    let metrics: Metrics | undefined;
    try {
      metrics = await withWholeWeights(communicator, session.model, (whole) =>
        byFirstRank(communicator, async () => {
          if (figure === 'evaluation') return run.evaluate?.(whole(), step);
          await run.sample?.(whole(), step);
          return undefined;
        }),
      );
    } catch (error) {
      if (error instanceof Interrupted || error instanceof RankFailed) throw error;
      const known = asUserError(error);
      const reason = known instanceof UserError ? known.message : String(error);
      const text = `the ${figure} of step ${step} failed, and training continues without it: ${reason}`;
      run.reporter.note('warning', text, { unmeasured: `${run.manifest.stage}, step ${step}` });
    }
    if (metrics !== undefined) await takeFigures(run, session, metrics);
  }
}

async function takeFigures<Batch extends MicroBatch>(
  { reporter }: TrainingRun<Batch>,
  session: Session<Batch>,
  metrics: Metrics,
): Promise<void> {
  const { step } = session.position;
  session.position.metrics = { ...session.position.metrics, ...metrics };
  session.stopping?.see(step, metrics);
  reporter.emit({ type: 'evaluation', step, metrics });
  try {
    session.saver.checkBest(Object.keys(session.position.metrics));
  } catch (error) {
    await session.finish(); // known only now, and no reason to lose the steps so far
    throw error;
  }
}

function notFinite(
  { stage, step }: { stage: string; step: number },
  { loss, gradientNorm }: StepResult,
  ids: readonly string[],
  lastCheckpoint: string | undefined,
): UserError {
  const last =
    lastCheckpoint === undefined ? 'No checkpoint was saved yet' : `The last good checkpoint is ${lastCheckpoint}`;
  // Before the first step no learning rate has changed the weights, which were numbers when they were opened.
  const advice =
    step === 1
      ? 'Look at those documents, or train with --precision fp32'
      : 'Lower the learning rate, or look at those documents';
  return new UserError(
    {
      where: `${stage}, step ${step}`,
      what: `the loss is ${loss} and the gradient norm ${gradientNorm}: training cannot continue`,
      why: `the batch held ${firstOf([...new Set(ids)])}`,
      next: `${last}. ${advice}`,
    },
    { exitCode: 1 },
  );
}
