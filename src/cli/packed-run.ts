// What of a run is shared: the models that its stages ended with, how they were made and what was measured. Not what only
// resuming needs, no corpus and no rows, nothing that people said of answers, no keys, and no path of the machine that it ran on.
// Samples and examples of rows only where they were asked for. Of a folder only the files that its manifest names: another file
// beside them, or a link to one, is somebody's own.
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { isPair, isScalar, parseDocument, stringify, visit } from 'yaml';
import { ifAbsent, UserError } from '../base/errors.js';
import { exists, filesBelow } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import {
  adapterConfigName,
  dataSpecName,
  heldOutRowsName,
  latestName,
  manifestName,
  metricsName,
  noticeName,
  recordCopyName,
  recordName,
  resultsName,
  rewardModelFolder,
  selfInstructReportName,
  settingsName,
  trainingFolder,
} from '../base/layout.js';
import { realPathOrItself, writeLink } from '../base/link.js';
import { isRecord, jsonIn } from '../base/objects.js';
import { mapPaths } from '../base/schema.js';
import { mapTexts, redactAll, shownUrl, shownUrls } from '../base/secrets.js';
import { mossctlCommand } from '../base/shell.js';
import { findBase } from '../checkpoint/adapter-base.js';
import { isAdapter, parseAdapterConfig } from '../checkpoint/adapter-config.js';
import { readManifest, verifyFiles } from '../checkpoint/manifest.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { runAround } from '../pipeline/around.js';
import { loadPipeline } from '../pipeline/load.js';
import { pipelineNode } from '../pipeline/plan.js';
import { damagedFiles, finishedOutput, readRecord } from '../pipeline/record.js';
import { writeReport } from '../report/html.js';
import { readMetrics } from '../report/metrics.js';
import { modelStagesOf, stageTable } from '../stages/catalog.js';
import { attributionsOf } from './corpus-events.js';
import { shownPath } from './output.js';
import { withoutTexts } from './packed-events.js';
import { lastPart, type PrivatePaths } from './private-paths.js';
import { cardOf } from './push-files.js';
import { sharedUrls, urlsWithKeys } from './shared-urls.js';

/** All settings of the run; pipeline.yaml has only those that its models are measured with. */
export const allSettingsName = 'settings.yaml';
const cardName = 'README.md';

interface PackedModel {
  stage: StageName;
  path: string;
  digest: string;
}

interface PackChoices {
  models: readonly PackedModel[];
  paths: PrivatePaths;
  license?: string;
  name: string;
  /** With the rows and answers that its report shows. */
  withSamples: boolean;
}

/** The finished models of a run, oldest first. @throws UserError where there is none, or one changed since. */
export async function modelsToPack(run: string): Promise<PackedModel[]> {
  const models: PackedModel[] = [];
  let kept: string | undefined;
  for (const stage of modelStagesOf(stageTable)) {
    const record = await readRecord(run, stage);
    const output = await finishedOutput(run, record);
    if (record === undefined || output === undefined) continue;
    if (!output.path.startsWith(run + sep)) {
      kept = output.path;
      continue;
    }
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
  if (kept !== undefined) return refuseKept(run, kept);
  const reward = await finishedOutput(run, await readRecord(run, 'rewardModel'));
  if (reward !== undefined) {
    throw new UserError({
      what: 'this run made a reward model alone, which pack does not share',
      where: run,
      next: `Export it: ${mossctlCommand('export', shownPath(join(run, rewardModelFolder)), '--out', 'FOLDER')}`,
    });
  }
  throw new UserError({
    what: 'there is no finished model here',
    where: run,
    why: 'only what a stage finished with is packed',
    next: `Finish the run: ${mossctlCommand('run', join(run, settingsName), '--out', run)}`,
  });
}

/** Of a run whose rounds kept the model that it began with: running it again would make nothing else. */
async function refuseKept(run: string, kept: string): Promise<never> {
  const source = await runAround(await realPathOrItself(kept));
  throw new UserError({
    what: 'no round promoted a model, so this run has none of its own to share',
    where: run,
    why: `it kept the model that it began with, ${shownPath(kept)}`,
    next:
      source === undefined
        ? `Export that model: ${mossctlCommand('export', shownPath(kept), '--out', 'FOLDER')}. Or align with more preferences, until a round is promoted`
        : `Pack the run of that model: ${mossctlCommand('pack', shownPath(source), '--out', 'FILE.tar.gz')}`,
  });
}

/** Fills `folder` with what is shared of `run`. @returns the paths in it. */
export async function fillPack(folder: string, run: string, choices: PackChoices): Promise<string[]> {
  const { models, paths, license, name } = choices;
  for (const { path } of models) await copyModel(path, run, folder);
  const stages: [StageName, readonly string[]][] = [
    ...models.map(({ stage }): [StageName, string[]] => [stage, []]),
    ['selfInstruct', [heldOutRowsName]],
    ['eval', [resultsName]],
  ];
  for (const [stage, files] of stages) {
    const place = kebabCase(stage);
    if (!(await exists(join(run, place, recordName)))) continue;
    for (const file of [recordName, recordCopyName, ...files]) await copyThere(join(place, file), run, folder);
  }
  const newest = await realPathOrItself(join(run, latestName));
  const latest = models.find(({ path }) => path === newest) ?? models[models.length - 1];
  await writeLink(join(folder, latestName), join(folder, relative(run, latest.path)));
  await writeTeaching(folder, run, choices);
  await writeWords(folder, run, choices);
  const facts = { name: `${name}/${latestName}`, isFolder: true, isAdapter: await isAdapter(latest.path) };
  const card = await cardOf(latest.path, { ...facts, license, dryRun: license === undefined });
  await writeFile(join(folder, cardName), shared(card, paths));
  const attributions = await attributionsOf(latest.path);
  if (attributions.length > 0) {
    const text = `Trained on, among others:\n\n${attributions.join('\n\n')}\n`;
    await writeFile(join(folder, noticeName), shared(text, paths));
  }
  const files = await filesBelow(folder);
  await refusePrivate(folder, files, paths);
  return files;
}

/** As it leaves the machine: without keys, those in URLs among them, and with short paths. */
function shared<T>(value: T, paths: PrivatePaths): T {
  return paths.shorten(redactAll(mapTexts(value, sharedUrls)));
}

/** What self-instruct made, in numbers; a method that failed quotes a reply of its teacher. */
async function writeTeaching(folder: string, run: string, { paths, withSamples }: PackChoices): Promise<void> {
  const name = join(kebabCase('selfInstruct'), selfInstructReportName);
  if (!(await exists(dirname(join(folder, name)))) || !(await isPlainFile(join(run, name)))) return;
  const report = jsonIn(await readFile(join(run, name), 'utf8'));
  if (!isRecord(report)) return;
  const failed = Array.isArray(report.failed) ? report.failed.filter(isRecord) : [];
  const counts = failed.map(({ example: _, why: __, ...rest }) => rest);
  const kept = withSamples ? report : { ...report, failed: counts };
  await writeFile(join(folder, name), `${JSON.stringify(shared(kept, paths), null, 2)}\n`);
}

/** Settings, data-spec, metrics and report, with short paths. */
async function writeWords(folder: string, run: string, { models, paths, withSamples }: PackChoices): Promise<void> {
  const config = await loadPipeline({ config: join(run, settingsName) });
  const short = (path: string): string => (isAbsolute(path) ? lastPart(path) : path);
  const named = mapPaths(pipelineNode, config, short) as PipelineConfig;
  const whole = shared({ ...named, ...(named.data && { data: { ...named.data, spec: dataSpecName } }) }, paths);
  const head = '# The settings that this run was made with; of paths only the last part.\n';
  const text = head + stringify(whole);
  await writeFile(join(folder, allSettingsName), text);
  if (config.data !== undefined && (await exists(config.data.spec))) {
    await writeFile(join(folder, dataSpecName), shared(await specText(config.data.spec), paths));
  }
  const { events } = await readMetrics(join(run, metricsName));
  const kept = withSamples ? events : withoutTexts(events);
  const lines = kept.map((event) => `${JSON.stringify(shared(event, paths))}\n`);
  await writeFile(join(folder, metricsName), lines.join(''));
  await writeFile(join(folder, settingsName), text); // for the report
  const shown = models.map((model) => ({ ...model, path: relative(run, model.path) }));
  await writeReport(folder, { command: mossctlCommand('run', allSettingsName), models: shown });
  const { name, seed, eval: measured } = named;
  const needed = shared({ name, seed, eval: measured ?? {} }, paths);
  await writeFile(
    join(folder, settingsName),
    `# What measures these models; all settings are in ${allSettingsName}.\n${stringify(needed)}`,
  );
}

/** The data-spec as it is written, its comments too, but for where its files lie and the keys of its URLs. */
async function specText(file: string): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'));
  visit(document, {
    Scalar(_, node, path) {
      const { value } = node;
      if (typeof value !== 'string') return;
      // Here, not only in the text of the file: YAML may write a URL with escapes, or over two lines.
      const parent = path.at(-1);
      const isFrom = isPair(parent) && isScalar(parent.key) && parent.key.value === 'from';
      if (value.startsWith('file:')) node.value = `file:${lastPart(value.slice(5))}`;
      else node.value = isFrom ? shownUrls(value) : sharedUrls(value);
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** A checkpoint without what only resuming needs; of an adapter its base, too, where that is in the run. */
async function copyModel(path: string, run: string, folder: string): Promise<void> {
  const { manifest } = await readManifest(path);
  const isShared = (name: string): boolean => !name.startsWith(`${trainingFolder}/`);
  await verifyFiles(path, manifest, isShared);
  for (const name of [manifestName, ...Object.keys(manifest.files).filter(isShared)])
    await copyThere(join(relative(run, path), name), run, folder);
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

/** A file of the run, where it is there, to the same place in the pack. @throws UserError where it is a link. */
async function copyThere(name: string, run: string, folder: string): Promise<void> {
  const [from, to] = [join(run, name), join(folder, name)];
  if ((await exists(to)) || !(await isPlainFile(from))) return;
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

/** False where nothing is there. @throws UserError where it is anything else: what a link leads to is no part of the run. */
async function isPlainFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(ifAbsent(undefined));
  if (found === undefined || found.isFile()) return found !== undefined;
  throw new UserError({
    what: 'this is no plain file, and only those are packed',
    where: path,
    why: found.isSymbolicLink() ? 'it is a link: what it leads to may lie outside the run' : undefined,
    next: 'Put the file itself in its place',
  });
}

/** Pieces of text, of which some look like paths. */
const vocabulary = /(?:tokenizer|chat_samples|added_tokens|vocab)\.json$|merges\.txt$|heldout\.jsonl$/;
const weights = /\.safetensors$/;

/** Of files that are copied as they are, and sealed: a path or a key in one cannot be taken out, so it is said. */
async function refusePrivate(folder: string, files: readonly string[], paths: PrivatePaths): Promise<void> {
  for (const name of files.filter((each) => each !== latestName && !weights.test(each) && !vocabulary.test(each))) {
    const text = await readFile(join(folder, name), 'utf8');
    // In JSON `\\` is one backslash: it is looked at as it is read.
    const found = paths.firstIn((name.endsWith('.json') ? jsonIn(text) : undefined) ?? text);
    const what =
      found === undefined
        ? urlsWithKeys(text).map((url) => `a URL with a key would be shared: ${shownUrl(url)}`)[0]
        : `a path of this machine would be shared: ${found}`;
    if (what === undefined) continue;
    throw new UserError({
      what,
      where: name,
      why: 'this file is sealed, so that nothing in it can be changed',
      next: `Export the model alone: ${mossctlCommand('export', 'CHECKPOINT', '--out', 'FOLDER')}`,
    });
  }
}
