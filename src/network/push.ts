// A folder's files into a repository of the hub: only what is not there already, in one commit, and never over what somebody
// else put there. That it was ours says the model card's last line, a seal of the text above it: a card that was edited on
// the hub has a seal that no longer holds, and stays as it is.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { sha256, sha256File } from '../base/files.js';
import { countOf } from '../base/format.js';
import { checksumOf } from './checked.js';
import { type FetchContext, withRetries } from './http.js';
import { type HubFile, type HubRepo, hubEndpoint, hubFileUrl, hubRequest } from './hub.js';
import { isModelFile } from './model-files.js';
import { hubToken } from './token.js';
import { commitFiles, createRepository, refuseBadCard, repositoryState, type UploadFile } from './upload.js';

export interface Push {
  /** ORG/NAME */
  name: string;
  /** Path in the repository → on this machine. */
  files: Readonly<Record<string, string>>;
  /** Of README.md. */
  card: string;
  isPublic: boolean;
  /** Over what mossctl did not push, and over a card that was edited there. */
  isForced: boolean;
  /** Nothing is sent. */
  isDryRun: boolean;
}

export interface PushedFile {
  path: string;
  bytes: number;
  state: 'new' | 'changed' | 'unchanged' | 'deleted';
}

export interface PushResult {
  url: string;
  /** Of the hub, unless this was a dry run. */
  commit: string | null;
  files: PushedFile[];
  /** Those that storage lacked. */
  sentBytes: number;
  /** Whether it was made now, or would be; null where the hub was not asked. */
  isNew: boolean | null;
}

export const cardName = 'README.md';
const maxCardBytes = 1 << 20;
/** Files that the hub itself puts into a new repository. */
const ofTheHub = ['.gitattributes'];

/**
 * @throws UserError where there is no token, the repository holds what mossctl did not push, or the hub refuses something;
 *   Interrupted: the next push continues.
 */
export async function pushFiles(push: Push, context: FetchContext): Promise<PushResult> {
  const repo: HubRepo = { kind: 'model', name: push.name, revision: 'main' };
  const url = `${hubEndpoint()}/${push.name}`;
  const hasToken = hubToken() !== undefined;
  if (!hasToken && !push.isDryRun) throw noToken();
  const state = hasToken ? await repositoryState(repo, context) : undefined;
  const there = new Map((state?.files ?? []).map((file) => [file.path, file]));
  const card = await cardFor(push, repo, state, context);
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-push-'));
  try {
    const sources = { ...push.files };
    if (card !== undefined) {
      sources[cardName] = join(folder, cardName);
      await writeFile(sources[cardName], card);
    }
    const files = await describeAll(sources, context);
    const stale = [...there.keys()].filter((path) => sources[path] === undefined && isModelFile(path));
    const changed = files.filter((file) => !isSame(file, there.get(file.path)));
    const result = (commit: string | null, sentBytes: number): PushResult => ({
      ...{ url, commit, sentBytes, isNew: hasToken ? state === undefined : null },
      files: [
        ...files.map((file) => ({ path: file.path, bytes: file.size, state: stateOf(file, there.get(file.path)) })),
        ...stale.map((path) => ({ path, bytes: there.get(path)?.size ?? 0, state: 'deleted' as const })),
      ],
    });
    if (push.isDryRun) return result(null, 0);
    if (state !== undefined && changed.length === 0 && stale.length === 0) return result(state.commit ?? null, 0);
    if (card !== undefined) await refuseBadCard(repo, card, context);
    if (state === undefined) await createRepository(repo, push.isPublic, context);
    else if (push.isPublic === state.isPrivate) {
      const text = `${push.name} is ${state.isPrivate ? 'private' : 'public'} already and stays so; ${url}/settings changes it`;
      context.reporter.note(push.isPublic ? 'warning' : 'info', text);
    }
    const summary = `Push ${countOf(changed.length, 'file')} with mossctl`;
    const options = { parent: state?.commit, deletions: stale, summary };
    const { commit, sentBytes } = await commitFiles(repo, changed, options, context);
    return result(commit, sentBytes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function noToken(): UserError {
  return new UserError({
    what: 'a token of the hub is needed to push',
    why: 'neither HF_TOKEN nor a login of `hf auth login` is there',
    next: 'Make one with the right to write at https://huggingface.co/settings/tokens and set HF_TOKEN; --dry-run shows what would be sent',
  });
}

/** The card to send, sealed; undefined where the one on the hub is kept. */
async function cardFor(
  { card, name, isForced }: Push,
  repo: HubRepo,
  state: Awaited<ReturnType<typeof repositoryState>>,
  context: FetchContext,
): Promise<string | undefined> {
  const own = (state?.files ?? []).filter(({ path }) => !ofTheHub.includes(path));
  const earlier =
    state?.commit !== undefined && own.some(({ path }) => path === cardName)
      ? await textOf(repo, state.commit, context)
      : '';
  const seal = sealOf(earlier);
  if (own.length > 0 && seal === 'none' && !isForced) {
    const some = own.slice(0, 5).map(({ path }) => path);
    throw new UserError({
      what: `there is something at ${name} already that mossctl did not push`,
      where: `${hubEndpoint()}/${name}`,
      why: `it has ${some.join(', ')}${own.length > some.length ? ', …' : ''}`,
      next: 'Push to another name, or replace its model with --force',
    });
  }
  if (seal !== 'edited' || isForced) return sealed(card);
  context.reporter.note('warning', `${cardName} was edited on the hub and stays as it is; --force replaces it`);
  return undefined;
}

/** The text with a last line that says who pushed it, and of which text. */
export function sealed(card: string): string {
  const text = `${card.trimEnd()}\n`;
  return `${text}\n<!-- mossctl push ${sha256(text)} -->\n`;
}

function sealOf(card: string): 'none' | 'edited' | 'whole' {
  const [line, seal] = /<!-- mossctl push ([0-9a-f]{64}) -->/.exec(card) ?? [];
  if (line === undefined) return 'none';
  return sealed(card.slice(0, card.indexOf(line))) === card && seal !== undefined ? 'whole' : 'edited';
}

async function textOf(repo: HubRepo, commit: string, context: FetchContext): Promise<string> {
  const request = hubRequest(hubFileUrl(repo, commit, cardName), repo);
  return withRetries(request, context, async ({ chunks }) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunks()) {
      size += chunk.length;
      if (size > maxCardBytes) break;
      parts.push(chunk);
    }
    return Buffer.concat(parts).toString('utf8');
  });
}

/** Larger files are in storage, not in git. */
const maxGitBytes = 64 << 20;

/** Every file with its two names: in storage and in git. */
async function describeAll(
  sources: Readonly<Record<string, string>>,
  { reporter }: FetchContext,
): Promise<UploadFile[]> {
  const files: UploadFile[] = [];
  const names = Object.keys(sources).sort();
  for (const [i, path] of names.entries()) {
    reporter.emit({ type: 'progress', label: 'read', done: i, total: names.length, unit: 'files' });
    const source = sources[path];
    const { size } = await stat(source);
    const git = size > maxGitBytes ? '' : await checksumOf(source, { algorithm: 'git', value: '0' });
    files.push({ path, source, size, sha256: await sha256File(source), git });
  }
  return files;
}

function isSame({ sha256, git }: UploadFile, there: HubFile | undefined): boolean {
  return there?.checksum.value === (there?.checksum.algorithm === 'git' ? git : sha256);
}

function stateOf(file: UploadFile, there: HubFile | undefined): PushedFile['state'] {
  if (there === undefined) return 'new';
  return isSame(file, there) ? 'unchanged' : 'changed';
}
