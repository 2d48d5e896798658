// What of a run is shared: the models that its stages ended with, how they were made and what was measured. Not what only
// resuming needs, no text that it read, nothing that people said of answers, and no path of the machine that it ran on.
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { parseDocument, stringify, visit } from 'yaml';
import { ifAbsent, UserError } from '../base/errors.js';
import { exists, filesBelow } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import {
  adapterConfigName,
  dataSpecName,
  heldOutRowsName,
  latestName,
  metricsName,
  noticeName,
  recordCopyName,
  recordName,
  resultsName,
  selfInstructReportName,
  settingsName,
  trainingFolder,
} from '../base/layout.js';
import { mapPaths } from '../base/schema.js';
import { mossctlCommand } from '../base/shell.js';
import { findBase } from '../checkpoint/adapter-base.js';
import { isAdapter, parseAdapterConfig } from '../checkpoint/adapter-config.js';
import { realPathOrItself } from '../checkpoint/history.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { loadPipeline } from '../pipeline/load.js';
import { pipelineNode } from '../pipeline/plan.js';
import { damagedFiles, finishedOutput, readRecord } from '../pipeline/record.js';
import { writeReport } from '../report/html.js';
import { readMetrics } from '../report/metrics.js';
import { modelStagesOf, stageTable } from '../stages/catalog.js';
import { attributionsOf } from './corpus-events.js';
import type { PrivatePaths } from './private-paths.js';
import { cardOf } from './push-files.js';

/** All settings of the run; pipeline.yaml has only those that its models are measured with. */
export const allSettingsName = 'settings.yaml';
const cardName = 'README.md';

interface PackedModel {
  stage: StageName;
  path: string;
  digest: string;
}

/** The finished models of a run, oldest first. @throws UserError where there is none, or one changed since. */
export async function modelsToPack(run: string): Promise<PackedModel[]> {
  const models: PackedModel[] = [];
  for (const stage of modelStagesOf(stageTable)) {
    const record = await readRecord(run, stage);
    const output = await finishedOutput(run, record);
    if (record === undefined || output === undefined || !output.path.startsWith(run + sep)) continue;
    const [damaged] = await damagedFiles(output.path, record);
    if (damaged !== undefined) {
      throw new UserError({
        what: 'this file changed since the stage finished',
        where: damaged,
        next: `Run ${stage} again`,
      });
    }
    models.push({ stage, path: output.path, digest: output.digest });
  }
  if (models.length > 0) return models;
  throw new UserError({
    what: 'there is no finished model here',
    where: run,
    why: 'only what a stage finished with is packed',
    next: `Finish the run: ${mossctlCommand('run', join(run, settingsName), '--out', run)}`,
  });
}

/** Fills `folder` with what is shared of `run`. @returns the paths in it. */
export async function fillPack(
  folder: string,
  run: string,
  {
    models,
    paths,
    license,
    name,
  }: { models: readonly PackedModel[]; paths: PrivatePaths; license?: string; name: string },
): Promise<string[]> {
  for (const { path } of models) await copyModel(path, run, folder);
  const stages: [StageName, readonly string[]][] = [
    ...models.map(({ stage }): [StageName, string[]] => [stage, []]),
    ['selfInstruct', [heldOutRowsName, selfInstructReportName]],
    ['eval', [resultsName]],
  ];
  for (const [stage, files] of stages) {
    const place = kebabCase(stage);
    if (!(await exists(join(run, place, recordName)))) continue;
    for (const file of [recordName, recordCopyName, ...files]) await copyThere(join(place, file), run, folder);
  }
  const newest = await realPathOrItself(join(run, latestName));
  const latest = models.find(({ path }) => path === newest) ?? models[models.length - 1];
  await symlink(relative(run, latest.path), join(folder, latestName));
  await writeWords(folder, run, models, paths);
  const choices = { name: `${name}/${latestName}`, isFolder: true, isAdapter: await isAdapter(latest.path) };
  const card = await cardOf(latest.path, { ...choices, license, dryRun: license === undefined });
  await writeFile(join(folder, cardName), paths.shorten(card));
  const attributions = await attributionsOf(latest.path);
  if (attributions.length > 0) {
    await writeFile(join(folder, noticeName), `Trained on, among others:\n\n${attributions.join('\n\n')}\n`);
  }
  const files = await filesBelow(folder);
  await refusePaths(folder, files, paths);
  return files;
}

/** Settings, data-spec, metrics and report, with short paths. */
async function writeWords(folder: string, run: string, models: readonly PackedModel[], paths: PrivatePaths) {
  const config = await loadPipeline({ config: join(run, settingsName) });
  const short = (path: string): string => (isAbsolute(path) ? basename(path) : path);
  const named = mapPaths(pipelineNode, config, short) as PipelineConfig;
  const whole = paths.shorten({ ...named, ...(named.data && { data: { ...named.data, spec: dataSpecName } }) });
  const head = '# The settings that this run was made with; of paths only the last part.\n';
  const text = head + stringify(whole);
  await writeFile(join(folder, allSettingsName), text);
  if (config.data !== undefined && (await exists(config.data.spec))) {
    await writeFile(join(folder, dataSpecName), paths.shorten(await specText(config.data.spec)));
  }
  const { events } = await readMetrics(join(run, metricsName));
  const lines = events.map((event) => `${JSON.stringify(paths.shorten(event))}\n`);
  await writeFile(join(folder, metricsName), lines.join(''));
  await writeFile(join(folder, settingsName), text); // for the report
  const shown = models.map((model) => ({ ...model, path: relative(run, model.path) }));
  await writeReport(folder, { command: mossctlCommand('run', allSettingsName), models: shown });
  const { name, seed, eval: measured } = named;
  const kept = paths.shorten({ name, seed, eval: measured ?? {} });
  await writeFile(
    join(folder, settingsName),
    `# What measures these models; all settings are in ${allSettingsName}.\n${stringify(kept)}`,
  );
}

/** The data-spec as it is written, but for where its files lie. */
async function specText(path: string): Promise<string> {
  const document = parseDocument(await readFile(path, 'utf8'));
  visit(document, {
    Scalar(_, node) {
      const { value } = node;
      if (typeof value === 'string' && value.startsWith('file:')) node.value = `file:${basename(value.slice(5))}`;
    },
  });
  return String(document);
}

/** A checkpoint without what only resuming needs; of an adapter its base, too, where that is in the run. */
async function copyModel(path: string, run: string, folder: string): Promise<void> {
  for (const name of await filesBelow(path)) {
    if (name.startsWith(`${trainingFolder}/`)) continue;
    await copyThere(join(relative(run, path), name), run, folder);
  }
  if (!(await isAdapter(path))) return;
  const file = join(path, adapterConfigName);
  const { base } = parseAdapterConfig(await readFile(file, 'utf8'), file);
  if (base.name === undefined || (!isAbsolute(base.name) && !(await exists(join(path, base.name))))) return; // of a hub
  const found = await findBase(path, { base });
  if (found.startsWith(run + sep) && !isAbsolute(base.name)) return copyModel(found, run, folder);
  throw new UserError({
    what: 'the base of this adapter is outside the run, where others would not find it',
    where: path,
    next: `Export the merged model: ${mossctlCommand('export', path, '--merge', '--out', 'FOLDER')}`,
  });
}

/** A file of the run, where it is there, to the same place in the pack. */
async function copyThere(name: string, run: string, folder: string): Promise<void> {
  const [from, to] = [join(run, name), join(folder, name)];
  if (await exists(to)) return;
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE).catch(ifAbsent(undefined));
}

/** Pieces of text, of which some look like paths. */
const vocabulary = /(?:tokenizer|chat_samples)\.json$|heldout\.jsonl$/;
const textFile = /\.(?:json|jsonl|yaml|html|md|jinja)$|NOTICE$/;

/** Of files that are copied as they are, and sealed: a path in one cannot be shortened, so it is said. */
async function refusePaths(folder: string, files: readonly string[], paths: PrivatePaths): Promise<void> {
  for (const name of files.filter((each) => textFile.test(each) && !vocabulary.test(each))) {
    const found = paths.firstIn(await readFile(join(folder, name), 'utf8'));
    if (found === undefined) continue;
    throw new UserError({
      what: `a path of this machine would be shared: ${found}`,
      where: name,
      why: 'this file is sealed, so that nothing in it can be changed',
      next: `Export the model alone: ${mossctlCommand('export', 'CHECKPOINT', '--out', 'FOLDER')}`,
    });
  }
}
