// mossctl plan --from: what fine-tuning a model would take, all of its weights and adapters beside them, before anything is
// fetched but its config.json.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planTuning, type TuningPlan } from '../../architecture/tuning-plan.js';
import { UserError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { countOf, formatBytes, formatCount, formatSeconds, formatShort, formatTable } from '../../base/format.js';
import { configName, manifestName } from '../../base/layout.js';
import { memoryRoom } from '../../base/memory.js';
import { mossctlCommand } from '../../base/shell.js';
import { readModel } from '../../checkpoint/directory.js';
import { parseForeignConfig } from '../../checkpoint/hf-config.js';
import { readManifest } from '../../checkpoint/manifest.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import { describeWeights } from '../../checkpoint/weights.js';
import { loraSchema } from '../../config/lora.js';
import type { ModelConfig } from '../../config/model.js';
import type { PipelineConfig } from '../../config/pipeline.js';
import { defaultColumns } from '../../config/sft.js';
import { resolvedTuning, tokensOfStep } from '../../config/tuning.js';
import { isModelName } from '../../network/model-name.js';
import { resolveModelFile } from '../../network/models.js';
import { loadPipeline } from '../../pipeline/load.js';
import type { OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine, shownPath } from '../output.js';
import { peakOf } from '../plan-shared.js';

export interface TuningPlanOptions extends OutputOptions {
  from: string;
  lora?: boolean;
  config?: string;
  set?: string[];
  tokens?: number;
  context?: number;
  threads?: number;
}

export async function planFineTuning(options: TuningPlanOptions): Promise<void> {
  const { from, config, set, context, tokens = null } = options;
  const refused = ['size', 'params', 'flops', 'vocab', 'hardware', 'ranks'].filter((name) => name in options);
  if (refused.length > 0) {
    throw new UserError({
      what: `--${refused.join(' and --')} ${refused.length > 1 ? 'plan' : 'plans'} a pretraining, and --from a fine-tuning of a model that is there`,
      next: 'Give one of the two',
    });
  }
  const { model, storedAs, isPublished } = await modelOf(from);
  const pipeline = await loadPipeline({
    ...{ config, set, blocks: ['sft'], warn: noteOnStderr },
    flags: { 'sft.contextLength': context?.toString() },
  });
  const { sft } = pipeline;
  if (sft === undefined) throw new Error('loadPipeline skipped a block that was asked for');
  const most = model.max_position_embeddings;
  const columns = sft.contextLength ?? Math.min(most, defaultColumns);
  if (columns > most) {
    throw new UserError({
      what: `${columns} tokens are more than the model's context of ${most}`,
      next: `Use at most ${most}`,
    });
  }
  const isLora = options.lora || sft.lora !== undefined;
  const { total, available } = memoryRoom();
  const machine = { peakFlops: await peakOf(options.threads), bytes: total, available };
  const kinds = isLora ? [sft.lora ?? loraSchema.parse({})] : [undefined, loraSchema.parse({})];
  const plans = kinds.map((lora) => {
    const { train } = resolvedTuning(sft.train, { isPublished, ...(lora && { adapter: 'new' }) });
    const hasHalves = storedAs === 'bf16' && machine.peakFlops !== null;
    return planTuning({ model, hasHalves, lora, train, columns, tokens, machine });
  });
  const facts = {
    stepsBefore: stepsBefore(pipeline, columns, most),
    from: isModelName(from) ? from : shownPath(from),
    architecture: model.architectures[0],
    storedAs,
    machine,
  };
  if (options.json) printJson({ type: 'result', ...facts, plans });
  else printLine(planText(facts, plans));
}

/** Of a hub only config.json is fetched. */
async function modelOf(from: string): Promise<{ model: ModelConfig; storedAs: string; isPublished: boolean }> {
  if (isModelName(from) && !(await exists(from))) {
    const path = await resolveModelFile(from, configName);
    const text = await readFile(path, 'utf8');
    const { torch_dtype, dtype = torch_dtype } = JSON.parse(text) as Record<string, unknown>;
    const model = parseForeignConfig(text, path) as unknown as ModelConfig;
    const short: Record<string, string> = { bfloat16: 'bf16', float16: 'f16' };
    return { model, storedAs: short[String(dtype)] ?? 'f32', isPublished: true };
  }
  return withCheckpoint(from, async (directory) => {
    const { model } = await readModel(directory);
    if (await exists(join(directory, manifestName))) {
      const { storedAs = 'f32', lineage, stage } = (await readManifest(directory)).manifest;
      return { model, storedAs, isPublished: [...lineage, { stage }][0].stage === 'import' };
    }
    const { entries } = await describeWeights(directory);
    const isHalf = entries.filter(({ dtype }) => dtype === 'bf16').length > entries.length / 2;
    return { model, storedAs: isHalf ? 'bf16' : entries[0].dtype, isPublished: true };
  });
}

interface StepsBefore {
  /** The key that asks for them. */
  key: string;
  steps: number;
  tokens: number;
}

/** Steps that no epoch and no --tokens counts: copying, and what is learnt alone. */
function stepsBefore({ sft, toolUse }: PipelineConfig, columns: number, context: number): StepsBefore[] {
  const own: [string, number | undefined][] = [
    ['sft.copying', sft?.copying.steps],
    ['sft.first', sft?.first?.steps],
    ['toolUse.copying', toolUse?.copying.steps],
    ['toolUse.listSteps', toolUse?.listSteps],
  ];
  return own.flatMap(([key, steps = 0]) => {
    if (steps === 0) return [];
    const isTools = key.startsWith('toolUse.');
    const row = isTools ? Math.min(context, defaultColumns) : columns;
    return [{ key, steps, tokens: steps * tokensOfStep((isTools ? toolUse : sft)?.train ?? {}, row) }];
  });
}

interface Facts {
  from: string;
  architecture: string;
  storedAs: string;
  machine: { bytes: number; available: number };
  stepsBefore: readonly StepsBefore[];
}

function planText({ from, architecture, storedAs, machine, stepsBefore }: Facts, plans: readonly TuningPlan[]): string {
  const [{ batch, parameters }] = plans;
  const model = formatTable(
    ['model', ''],
    [
      ['from', from],
      ['architecture', architecture],
      ['parameters', `${formatCount(parameters)}, stored as ${storedAs}`],
      [
        'rows × tokens of a step',
        `${batch.rows} × ${formatCount(batch.columns)}${batch.accumulation > 1 ? `, ${batch.accumulation} times` : ''}`,
      ],
    ],
  );
  const heads = plans.flatMap((plan) => {
    const name = plan.rank === undefined ? plan.kind : `${plan.kind}, rank ${plan.rank}`;
    return [name, 'with recompute'];
  });
  const row = (name: string, plain: (plan: TuningPlan) => number, recomputed = plain): string[] => [
    name,
    ...plans
      .flatMap((plan) => [plain(plan), recomputed(plan)])
      .map((bytes) => (bytes === 0 ? '–' : formatBytes(bytes))),
  ];
  const halves = storedAs === 'bf16' ? ' (matrices in bf16)' : '';
  const memories = formatTable(
    ['memory', ...heads],
    [
      row('weights that are trained, fp32', ({ memory }) => memory.weights - memory.frozen),
      row(`frozen weights${halves}`, ({ memory }) => memory.frozen),
      row('gradients', ({ memory }) => memory.gradients),
      row('moments of the optimizer', ({ memory }) => memory.moments),
      row(
        'activations',
        ({ memory }) => memory.activations,
        ({ memory }) => memory.recomputedActivations,
      ),
      row('a checkpoint that is being written', ({ memory }) => memory.saved),
      row('the program', ({ memory }) => memory.program),
      row(
        'most at once',
        ({ memory }) => memory.most,
        ({ memory }) => memory.recomputedMost,
      ),
    ],
  );
  const known = plans.flatMap((plan) => [plan.tokensPerSecond, plan.recomputedTokensPerSecond]);
  const timeRow = (name: string, tokens: number): string[] => [
    name,
    ...known.map((speed) => (speed === null ? '–' : formatSeconds(tokens / speed))),
  ];
  const speeds = formatTable(
    ['time', ...heads],
    [
      ['tokens/s', ...known.map((speed) => (speed === null ? '–' : formatSpeed(speed)))],
      ...[...new Set([1e6, plans[0].tokens ?? 1e6])].map((tokens) => timeRow(`${formatShort(tokens)} tokens`, tokens)),
      ...stepsBefore.map(({ key, steps, tokens }) =>
        timeRow(`${key}: ${countOf(steps, 'step')}, ${formatShort(tokens)}`, tokens),
      ),
    ],
  );
  const notes = [
    `this machine: ${formatBytes(machine.bytes)} of memory, ${formatBytes(machine.available)} available: ${plans.map(fitText).join('; ')}`,
    'most at once: the step that takes most; it is not the sum of the parts, which are not all there at the same time',
    ...(stepsBefore.length > 0 ? ['copying and what is learnt first come before the epochs: add their times'] : []),
    ...(known[0] === null ? ['no native engine here: its rate was not measured'] : []),
  ];
  const args = plans.some(({ kind, fits }) => kind === 'LoRA' && (fits || plans.length === 1)) ? ['--lora'] : [];
  const next = `next    ${mossctlCommand('sft', '--from', from, ...args, '--data', 'FILE')}`;
  return [model, memories, speeds, [...notes, next].join('\n')].join('\n\n');
}

function formatSpeed(tokensPerSecond: number): string {
  return tokensPerSecond < 10 ? tokensPerSecond.toPrecision(2) : formatCount(tokensPerSecond);
}

function fitText({ kind, fits, fitsRecomputed }: TuningPlan): string {
  if (fits) return `${kind}: fits`;
  if (fitsRecomputed) return `${kind}: fits with --set sft.train.recompute=true`;
  const fewer = 'fewer or shorter rows (--set sft.train.batchSize=1, --context)';
  return `${kind}: does not fit${kind === 'all weights' ? '' : `; try ${fewer}`}`;
}
