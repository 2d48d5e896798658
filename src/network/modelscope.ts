// ModelScope's API: one list of a revision's files with their sha256, and the files. It says no commit, so that a version is
// the digest of that list: the same name always means the same bytes. MODELSCOPE_ENDPOINT names another host, and
// MODELSCOPE_API_TOKEN goes to that host alone.
import { join } from 'node:path';
import { z } from 'zod';
import { isAllowedUrl } from '../base/address.js';
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import { keepSecret } from '../base/secrets.js';
import { cacheDirectory } from './cache.js';
import { readCached } from './checked.js';
import { type FetchContext, fetchJson, type HttpRequest, Unreachable } from './http.js';
import { type HubFile, hubFileSchema, remember } from './hub.js';
import type { ModelName } from './model-name.js';
import type { Snapshot } from './snapshot.js';

const defaultRevision = 'master';
const maxAnswerBytes = 64 << 20;
/** A list of so many files was cut, and nothing in it says so. */
const maxFiles = 3000;
const versionPattern = /^[0-9a-f]{64}$/;

const answerSchema = z.object({
  Data: z.object({
    Files: z.array(
      z.object({
        Path: z.string(),
        Type: z.string().default('blob'),
        Size: z.int().min(0).default(0),
        Sha256: z.string().default(''),
      }),
    ),
  }),
});
const listSchema = z.object({ files: z.array(hubFileSchema) });

/** A version that is in the cache asks nobody; a branch asks, and is what it was where nobody answers: that is said. */
export async function modelscopeSnapshot(name: ModelName, context: FetchContext): Promise<Snapshot> {
  const { name: repo, revision = defaultRevision } = name;
  const home = join(cacheDirectory(), 'ms-models', repo.replace('/', '+'));
  const isPinned = versionPattern.test(revision);
  const known = isPinned
    ? { value: { version: revision } }
    : await readCached(
        join(home, 'revisions', `${encodeURIComponent(revision)}.json`),
        z.object({ version: z.string().regex(versionPattern) }),
      );
  const earlier = typeof known === 'object' ? known.value.version : undefined;
  const listed = earlier === undefined ? 'absent' : await readCached(join(home, earlier, 'listing.json'), listSchema);
  const host = endpoint();
  const snapshot = (version: string, files: readonly HubFile[]): Snapshot => ({
    ...{ home: join(home, version), version, host: new URL(host).host },
    files: async () => files,
    request: (path) =>
      request(`${fileUrl(repo, isPinned ? defaultRevision : revision)}${encodeURIComponent(path)}`, name),
  });
  if (isPinned && typeof listed === 'object') return snapshot(revision, listed.value.files);
  try {
    const files = await askFiles(
      name,
      isPinned ? defaultRevision : revision,
      context,
      typeof listed === 'object' ? 2 : undefined,
    );
    const version = digestOf(files);
    if (isPinned && version !== revision) throw changed(name, version);
    await remember(join(home, version, 'listing.json'), { files });
    if (!isPinned) await remember(join(home, 'revisions', `${encodeURIComponent(revision)}.json`), { version });
    return snapshot(version, files);
  } catch (error) {
    if (!(error instanceof Unreachable) || earlier === undefined || typeof listed !== 'object') throw error;
    const why = error.faults[0]?.why ?? 'it does not answer';
    context.reporter.note(
      'warning',
      `ModelScope cannot be asked what ${revision} of ${repo} is now (${why}): it is taken as it was. Write ms:${repo}@${earlier} to mean that one`,
    );
    return snapshot(earlier, listed.value.files);
  }
}

async function askFiles(name: ModelName, revision: string, context: FetchContext, tries?: number): Promise<HubFile[]> {
  const url = `${endpoint()}/api/v1/models/${name.name}/repo/files?Revision=${encodeURIComponent(revision)}&Recursive=True`;
  const { value } = await fetchJson({ ...request(url, name), tries }, context, maxAnswerBytes);
  const answer = answerSchema.safeParse(value);
  const files = answer.success
    ? answer.data.Data.Files.filter(({ Type }) => Type !== 'tree').map(({ Path: path, Size: size, Sha256: sha256 }) =>
        hubFileSchema.safeParse({ path, size, checksum: { algorithm: 'sha256', value: sha256 } }),
      )
    : [];
  const isWhole = answer.success && answer.data.Data.Files.length < maxFiles && files.every(({ success }) => success);
  if (!isWhole) {
    throw new UserError({
      what: 'this does not answer as ModelScope does',
      where: url.replace(/\?.*$/s, ''),
      why: answer.success
        ? 'it lists a file without a checksum or with a name that cannot be, or too many'
        : 'it is no list of files',
      next: 'Check MODELSCOPE_ENDPOINT, and the name and revision after ms:',
    });
  }
  return files.flatMap(({ data }) => data ?? []).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @throws UserError where MODELSCOPE_ENDPOINT is no address that may be used. */
function endpoint(): string {
  const base = (process.env.MODELSCOPE_ENDPOINT || 'https://www.modelscope.cn').replace(/\/+$/, '');
  if (isAllowedUrl(base) && !/[?#]/.test(base)) return base;
  const next = 'Unset it, or write https://HOST, without a user, a password and a query';
  throw new UserError({ what: 'MODELSCOPE_ENDPOINT is not an https: address', next });
}

function fileUrl(repo: string, revision: string): string {
  return `${endpoint()}/api/v1/models/${repo}/repo?Revision=${encodeURIComponent(revision)}&FilePath=`;
}

function request(url: string, { name }: ModelName): HttpRequest {
  const token = process.env.MODELSCOPE_API_TOKEN?.trim();
  if (token && !/^[!-~]+$/.test(token)) {
    const next = 'Set it again, as https://modelscope.cn/my/myaccesstoken shows it';
    throw new UserError({ what: 'MODELSCOPE_API_TOKEN holds a character that no token has', next });
  }
  if (token) keepSecret(token);
  const advice = (status: number): string | undefined => {
    if (status === 404)
      return `Look whether there is a model at ${endpoint()}/models/${name}; names are spelled with capitals as there`;
    if (status === 401 || status === 403)
      return `Check the spelling of ${name}; if it asks for a login, set MODELSCOPE_API_TOKEN`;
    return status === 429 ? 'Wait some minutes' : undefined;
  };
  return { url, ...(token ? { token } : {}), advice };
}

function changed({ name }: ModelName, version: string): UserError {
  return new UserError({
    what: `${name} is not what it was`,
    why: `that version is not in the cache, and ModelScope has ${version} by now`,
    next: `Write ms:${name} for what it is now`,
  });
}
