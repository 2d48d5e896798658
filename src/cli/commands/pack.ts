// mossctl pack: a run to share, as a folder or one .tar.gz, without what only its own machine needs.
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../../base/errors.js';
import { exists, makeDirectory, removeAbandoned, temporarySibling, writeDirectoryAtomic } from '../../base/files.js';
import { countOf, formatBytes } from '../../base/format.js';
import { heldOutRowsName, latestName, settingsName } from '../../base/layout.js';
import { commandLine, mossctlCommand } from '../../base/shell.js';
import { refuseExisting } from '../../checkpoint/hf-export.js';
import { packFolder } from '../../data/archive.js';
import { checkedLicence } from '../../inspect/licences.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';
import { fillPack, modelsToPack } from '../packed-run.js';
import { PrivatePaths } from '../private-paths.js';
import { removedWhenKilled } from '../signals.js';

interface PackOptions extends OutputOptions {
  out: string;
  license?: string;
  /** With the rows and answers that the report shows. */
  withSamples?: boolean;
}

const archive = /\.(?:tar\.gz|tgz)$/i;

export async function pack(named: string, { out, license, withSamples = false, json }: PackOptions): Promise<void> {
  const run = await runFolder(named);
  if (license !== undefined) checkedLicence(license);
  await refuseExisting(out);
  await removeAbandoned(resolve(out));
  const models = await modelsToPack(run);
  const name = basename(out.replace(archive, ''));
  const choices = { models, license, name, withSamples, paths: new PrivatePaths(run) };
  const isArchive = archive.test(out);
  const files = await removedWhenKilled(resolve(out), () =>
    isArchive
      ? writeArchive(resolve(out), name, (folder) => fillPack(folder, run, choices))
      : writeDirectoryAtomic(resolve(out), (folder) => fillPack(folder, run, choices)),
  );
  const stages = models.map(({ stage }) => stage);
  const bytes = isArchive ? (await stat(out)).size : undefined;
  if (json) return printJson({ type: 'result', path: shownPath(out), stages, files, bytes, samples: withSamples });
  const size = bytes === undefined ? '' : `, ${formatBytes(bytes)}`;
  printLine(`wrote   ${shownPath(out)}  ${countOf(models.length, 'model')} (${stages.join(', ')})${size}`);
  printLine(
    withSamples
      ? '        with the samples and examples that its report shows; no optimizer states, no feedback, no keys, no paths of this machine'
      : '        no optimizer states, no samples and no examples of rows (--with-samples adds them), no feedback, no keys, no paths of this machine',
  );
  if (files.some((name) => basename(name) === heldOutRowsName))
    printLine('        with the held-out tasks that it was measured on');
  const chat = mossctlCommand('chat', join(isArchive ? name : shownPath(out), latestName));
  printLine(`next    ${isArchive ? `${commandLine('tar', 'xzf', shownPath(out))} && ${chat}` : chat}`);
}

/** @throws UserError where this is no run folder. */
async function runFolder(named: string): Promise<string> {
  if (await exists(join(named, settingsName))) return realpath(named);
  throw new UserError({
    what: 'this is no run folder',
    where: named,
    why: `it holds no ${settingsName}`,
    next: 'Name the folder of a run (runs/quickstart); to share one checkpoint, use mossctl export or push',
  });
}

/** Built as a folder of that name in a hidden place beside the archive, which appears whole or not at all. */
async function writeArchive<T>(path: string, name: string, fill: (folder: string) => Promise<T>): Promise<T> {
  await makeDirectory(resolve(path, '..'));
  const temporary = temporarySibling(path);
  try {
    const folder = join(temporary, name);
    await mkdir(folder, { recursive: true });
    const result = await fill(folder);
    await packFolder(folder, join(temporary, 'archive'));
    await rename(join(temporary, 'archive'), path);
    return result;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
