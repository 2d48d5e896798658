// mossctl push: a checkpoint or an exported folder to the Hugging Face hub, with a model card made from what it says of itself.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { alignColumns, countOf, formatBytes, printable } from '../../base/format.js';
import { mossctlCommand } from '../../base/shell.js';
import { resolveCheckpoint } from '../../checkpoint/history.js';
import { nearModelName, parseModelName } from '../../network/model-name.js';
import { type PushResult, pushFiles } from '../../network/push.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';
import { filesToPush, type PushChoices } from '../push-files.js';
import { reporting } from '../reporting.js';

type PushOptions = OutputOptions & Omit<PushChoices, 'name'> & { public: boolean; force: boolean };

export async function push(path: string, target: string, options: PushOptions): Promise<void> {
  const name = targetName(target);
  const directory = await resolveCheckpoint(path);
  const scratch = await mkdtemp(join(tmpdir(), 'mossctl-push-'));
  try {
    const result = await reporting('push', options, async (context) => {
      const { files, card } = await filesToPush(directory, scratch, { ...options, name });
      const { public: isPublic, force: isForced, dryRun: isDryRun } = options;
      return pushFiles({ name, files, card, isPublic, isForced, isDryRun }, context);
    });
    if (options.json) printJson({ type: 'result', ...result });
    else if (!options.quiet) printLine(resultText(result, name, options));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @throws UserError where it is no name of a repository on the Hugging Face hub. */
function targetName(target: string): string {
  const meant = nearModelName(target);
  if (!target.startsWith('hf:') && meant?.startsWith('hf:')) {
    throw new UserError({
      what: 'where to push to is written with hf:',
      where: target,
      next: `Did you mean ${meant}?`,
    });
  }
  const { hub, name, revision, folder } = parseModelName(target);
  if (hub === 'hf' && revision === undefined && folder === undefined) return name;
  const why =
    hub === 'hf' ? 'a push makes a new commit of main, at the top of the repository' : 'only the Hugging Face hub is';
  throw new UserError({ what: 'this cannot be pushed to', where: target, why, next: `Write hf:${name}` });
}

function resultText({ files, url, commit, sentBytes, isNew }: PushResult, name: string, options: PushOptions): string {
  const rows = files.map(({ path, bytes, state }) => [
    printable(path),
    formatBytes(bytes),
    isNew === null ? '' : state,
  ]);
  const bytes = files.reduce(
    (sum, file) => sum + (file.state === 'unchanged' || file.state === 'deleted' ? 0 : file.bytes),
    0,
  );
  const lines = alignColumns(rows, (column) => column === 1);
  if (options.dryRun) {
    const visibility = options.public ? 'public' : 'private (--public makes it public)';
    const what = isNew === false ? 'there already' : isNew === null ? 'not asked for: no token' : `new, ${visibility}`;
    return [...lines, `would send  ${formatBytes(bytes)} to ${url} (${what}); nothing was sent`].join('\n');
  }
  const changed = files.filter(({ state }) => state !== 'unchanged').length;
  if (changed === 0) return `unchanged  ${url} has these files already, commit ${commit}`;
  return [
    ...lines,
    `pushed  ${url}  ${countOf(changed, 'file')}, ${formatBytes(sentBytes)} sent to storage, commit ${commit}`,
    `next    ${mossctlCommand('chat', `hf:${name}`)}`,
  ].join('\n');
}
