// A repository of the Hugging Face hub, of a model or a dataset: its revision resolved to one commit, the files of that
// commit listed with their checksums, and each file's address. What was answered is kept in the cache under a seal.
// HF_ENDPOINT names another hub; the token is sent to that host alone.
import { join } from 'node:path';
import { z } from 'zod';
import { isAllowedUrl } from '../base/address.js';
import { UserError } from '../base/errors.js';
import { writeSealed } from '../base/sealed.js';
import { cacheDirectory } from './cache.js';
import { type Checksum, readCached, replacing } from './checked.js';
import { type FetchContext, fetchJson, type HttpRequest, Unreachable } from './http.js';
import { partialData, replaceFile, withPartialFolder } from './partial.js';
import { hubToken } from './token.js';

export interface HubRepo {
  kind: 'dataset' | 'model';
  /** ORG/NAME */
  name: string;
  /** A branch, a tag or a commit. */
  revision: string;
}

const commitPattern = /^[0-9a-f]{40}$/;
const maxAnswerBytes = 64 << 20;
const maxPages = 1000;
/** Folders of the cache, and where the hub has each kind. */
const kinds = {
  dataset: { folder: 'hf', api: 'datasets', files: 'datasets/' },
  model: { folder: 'hf-models', api: 'models', files: '' },
} as const;

/** Of a part of a path, so that the names beside it that a fetch needs are none too long. */
const maxNameBytes = 240;

/** Inside the repository, and fit to be a name on a disk and in a terminal. */
export function isPlainPath(path: string): boolean {
  const isName = (part: string) => !['', '.', '..'].includes(part) && Buffer.byteLength(part) <= maxNameBytes;
  return path.split('/').every(isName) && !/[\p{Cc}\p{Cs}\\]/u.test(path);
}

export const hubFileSchema = z.object({
  path: z.string().max(4096).refine(isPlainPath),
  size: z.int().min(0),
  checksum: z.object({ algorithm: z.enum(['sha256', 'git']), value: z.string().regex(/^[0-9a-f]{40,64}$/) }),
});
export type HubFile = z.output<typeof hubFileSchema>;

const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().min(0).default(0),
  oid: z.string(),
  lfs: z.object({ oid: z.string(), size: z.int().min(0) }).nullish(),
});

/** @throws UserError where HF_ENDPOINT is no address that may be used. */
export function hubEndpoint(): string {
  const { HF_ENDPOINT: own = '' } = process.env;
  const base = (own || 'https://huggingface.co').replace(/\/+$/, '');
  if (isAllowedUrl(base) && !/[?#]/.test(base)) return base;
  const next = 'Unset it, or write https://HOST, without a user, a password and a query';
  throw new UserError({ what: 'HF_ENDPOINT is not an https: address', next });
}

/** With the person's token, for the hub's own host alone. @throws UserError where that cannot be sent. */
export function hubRequest(url: string, repo: HubRepo): HttpRequest {
  const token = hubToken();
  return { url, ...(token ? { token } : {}), advice: (status) => adviceOn(status, repo, token !== undefined) };
}

export function repoHome({ kind, name }: HubRepo): string {
  return join(cacheDirectory(), kinds[kind].folder, name.replace('/', '+'));
}

export function hubFileUrl({ kind, name }: HubRepo, commit: string, path: string): string {
  return `${hubEndpoint()}/${kinds[kind].files}${name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

export function isCommit(revision: string): boolean {
  return commitPattern.test(revision);
}

/**
 * The commit that the revision of `repo` stands for.
 * @param ask never: the hub is asked only where no earlier answer is known; always: even then; first: where it cannot be
 *   asked, the earlier answer is taken and a warning says so.
 */
export async function hubCommit(
  repo: HubRepo,
  context: FetchContext,
  ask: 'never' | 'always' | 'first' = 'never',
): Promise<string> {
  const { kind, name, revision } = repo;
  if (isCommit(revision)) return revision;
  const path = revisionPath(repo);
  const known = ask === 'always' ? 'absent' : await readCached(path, revisionSchema);
  if (known === 'damaged' && kind === 'dataset') {
    throw new UserError({
      what: `this file of the cache says which commit ${revision} of ${name} stands for, and is damaged`,
      where: path,
      next: 'Type `mossctl data fetch SPEC`: it asks the hub again, where the branch may have moved on since',
    });
  }
  if (typeof known === 'object' && ask === 'never') return known.value.commit;
  try {
    const commit = await askCommit(repo, context, typeof known === 'object' ? 2 : undefined);
    await remember(path, { commit });
    return commit;
  } catch (error) {
    if (!(error instanceof Unreachable) || typeof known !== 'object') throw error;
    const { commit } = known.value;
    const why = error.faults[0]?.why ?? 'it does not answer';
    context.reporter.note(
      'warning',
      `the hub cannot be asked what ${revision} of ${name} is now (${why}): it is taken as it was, at commit ${commit}. Write ${kind === 'model' ? `hf:${name}@${commit}` : `@${commit}`} to mean that one`,
    );
    return commit;
  }
}

/** The same without asking: what the hub said last; undefined where that is not known. */
export async function knownCommit(repo: HubRepo): Promise<string | undefined> {
  if (isCommit(repo.revision)) return repo.revision;
  const known = await readCached(revisionPath(repo), revisionSchema);
  return typeof known === 'object' ? known.value.commit : undefined;
}

const revisionSchema = z.object({ commit: z.string().regex(commitPattern) });

function revisionPath(repo: HubRepo): string {
  return join(repoHome(repo), 'revisions', `${encodeURIComponent(repo.revision)}.json`);
}

async function askCommit({ kind, name, revision }: HubRepo, context: FetchContext, tries?: number): Promise<string> {
  const url = `${hubEndpoint()}/api/${kinds[kind].api}/${name}/revision/${encodeURIComponent(revision)}`;
  const request = { ...hubRequest(url, { kind, name, revision }), tries };
  const { value } = await fetchJson(request, context, maxAnswerBytes);
  const answer = z.object({ sha: z.string().regex(commitPattern) }).safeParse(value);
  if (!answer.success) throw notAHub(url, 'it names no commit');
  return answer.data.sha;
}

/** What the hub answered: kept in the cache under a seal, because a byte that changed is another corpus. */
export function remember(path: string, answer: object): Promise<void> {
  return withPartialFolder(path, async (folder) => {
    const written = join(folder, partialData);
    await writeSealed(written, answer);
    await replaceFile(written, path);
  });
}

/** Every file of `commit`, which never changes; so neither does this list. */
export async function hubListing(repo: HubRepo, commit: string, context: FetchContext): Promise<HubFile[]> {
  const path = join(repoHome(repo), commit, 'listing.json');
  const known = await readCached(path, z.object({ files: z.array(hubFileSchema) }));
  if (typeof known === 'object') return known.value.files;
  const damage = known === 'damaged' ? 'it is not as it was written' : undefined;
  const files = await replacing(path, damage, context, () => askListing(repo, commit, context));
  await remember(path, { files });
  return files;
}

async function askListing(repo: HubRepo, commit: string, context: FetchContext): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let url: string | undefined = `${hubEndpoint()}/api/${kinds[repo.kind].api}/${repo.name}/tree/${commit}?recursive=1`;
  for (let page = 0; url !== undefined; page++) {
    if (page >= maxPages) throw notAHub(url, `its list has more than ${maxPages} pages`);
    const { value, headers } = await fetchJson(hubRequest(url, repo), context, maxAnswerBytes);
    const entries = z.array(entrySchema).safeParse(value);
    if (!entries.success) throw notAHub(url, 'its list of files is not of the known form');
    for (const entry of entries.data) if (entry.type === 'file') files.push(fileOf(entry, url));
    url = nextPage(headers, url);
  }
  return files;
}

/** Large files carry the sha256 of their content, the others are git blobs. */
function fileOf(entry: z.output<typeof entrySchema>, url: string): HubFile {
  const { path, lfs } = entry;
  const checksum: Checksum = lfs
    ? { algorithm: 'sha256', value: lfs.oid.replace(/^sha256:/, '') }
    : { algorithm: 'git', value: entry.oid };
  const file = hubFileSchema.safeParse({ path, size: lfs?.size ?? entry.size, checksum });
  if (!file.success) throw notAHub(url, `it lists a file that cannot be: ${JSON.stringify(path.slice(0, 200))}`);
  return file.data;
}

/** `<https://…>; rel="next"`, on the same host. */
function nextPage(headers: Headers, url: string): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '')?.[1];
  if (target === undefined) return undefined;
  const next = URL.canParse(target, url) ? new URL(target, url) : undefined;
  if (next?.origin !== new URL(url).origin) throw notAHub(url, 'the next page of its list is on another host');
  return next.href;
}

function notAHub(url: string, why: string): UserError {
  return new UserError({
    what: 'this does not answer as the Hugging Face hub does',
    where: url,
    why,
    next: 'Check HF_ENDPOINT, and the name and revision after hf:',
  });
}

/** The hub hides what is private or gated behind 401, and so answers for what is not there at all. */
function adviceOn(status: number, { kind, name, revision }: HubRepo, hasToken: boolean): string | undefined {
  const page = `${hubEndpoint()}/${kinds[kind].files}${name}`;
  const settings = 'https://huggingface.co/settings/tokens';
  if (status === 404) {
    const at = isCommit(revision) || revision === 'main' ? '' : `, and that it has a revision ${revision}`;
    return `Look whether there is a ${kind} at ${page}${at}; names are spelled with capitals as there`;
  }
  if (status === 429)
    return hasToken ? 'Wait some minutes' : `Wait some minutes, or set HF_TOKEN (${settings}): it allows more`;
  if (status !== 401 && status !== 403) return undefined;
  return hasToken
    ? `Check the spelling of ${name}, that HF_TOKEN is valid and may read it, and that its owner has accepted the terms at ${page}`
    : `Check the spelling of ${name}; if it asks for a login, accept its terms at ${page} and set HF_TOKEN (${settings})`;
}
