// Files of a dataset on the Hugging Face hub: listed through its API, pinned to one commit, fetched one by one.
// A branch or tag is resolved once and the commit kept in the cache, so that a build is the same until
// `mossctl data fetch` asks again. HF_ENDPOINT names another hub; HF_TOKEN is sent to that host alone.
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { writeSealed } from '../../base/sealed.js';
import { cacheDirectory } from './cache.js';
import { type Checksum, readCached, replacing } from './checked.js';
import { download } from './download.js';
import { compareNames, pathMatcher, type RemoteFile, type SourceFile } from './files.js';
import { isAllowedUrl } from './from.js';
import { type FetchContext, fetchJson, type HttpRequest } from './http.js';
import { partialData, replaceFile, withPartialFolder } from './partial.js';

interface HubSource {
  dataset: string;
  revision: string;
  path: string;
}

const commitPattern = /^[0-9a-f]{40}$/;
const maxAnswerBytes = 64 << 20;
const maxPages = 1000;

/** Of a part of a path, so that the names beside it that a fetch needs are none too long. */
const maxNameBytes = 240;

/** Inside the dataset, and fit to be a name on a disk and in a terminal. */
function isPlainPath(path: string): boolean {
  const isName = (part: string) => !['', '.', '..'].includes(part) && Buffer.byteLength(part) <= maxNameBytes;
  return path.split('/').every(isName) && !/[\p{Cc}\p{Cs}\\]/u.test(path);
}

const hubFileSchema = z.object({
  path: z.string().max(4096).refine(isPlainPath),
  size: z.int().min(0),
  checksum: z.object({ algorithm: z.enum(['sha256', 'git']), value: z.string().regex(/^[0-9a-f]{40,64}$/) }),
});
type HubFile = z.output<typeof hubFileSchema>;

const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().min(0).default(0),
  oid: z.string(),
  lfs: z.object({ oid: z.string(), size: z.int().min(0) }).nullish(),
});

/** @throws UserError where HF_ENDPOINT is no address that may be used. */
function endpoint(): string {
  const { HF_ENDPOINT: own = '' } = process.env;
  const base = (own || 'https://huggingface.co').replace(/\/+$/, '');
  if (isAllowedUrl(base) && !/[?#]/.test(base)) return base;
  const next = 'Unset it, or write https://HOST, without a user, a password and a query';
  throw new UserError({ what: 'HF_ENDPOINT is not an https: address', next });
}

/** @throws UserError where HF_TOKEN cannot be sent: fetch would repeat it in its error. */
function requestFor(url: string): HttpRequest {
  const token = process.env.HF_TOKEN?.trim();
  if (token && !/^[!-~]+$/.test(token)) {
    const next = 'Set it again, as https://huggingface.co/settings/tokens shows it: hf_…';
    throw new UserError({ what: 'HF_TOKEN holds a character that no token has', next });
  }
  return { url, ...(token ? { token } : {}) };
}

function home({ dataset }: HubSource): string {
  return join(cacheDirectory(), 'hf', dataset.replace('/', '+'));
}

/**
 * The commit that the revision of `source` stands for.
 * @param again asks the hub even where an earlier answer is known.
 */
export async function hubCommit(source: HubSource, context: FetchContext, again = false): Promise<string> {
  const { dataset, revision } = source;
  if (commitPattern.test(revision)) return revision;
  const path = join(home(source), 'revisions', `${encodeURIComponent(revision)}.json`);
  const known = again ? 'absent' : await readCached(path, z.object({ commit: z.string().regex(commitPattern) }));
  if (known === 'damaged') {
    throw new UserError({
      what: `this file of the cache says which commit ${revision} of ${dataset} stands for, and is damaged`,
      where: path,
      next: 'Type `mossctl data fetch SPEC`: it asks the hub again, where the branch may have moved on since',
    });
  }
  if (known !== 'absent') return known.value.commit;
  const url = `${endpoint()}/api/datasets/${dataset}/revision/${encodeURIComponent(revision)}`;
  const { value } = await fetchJson(requestFor(url), context, maxAnswerBytes);
  const answer = z.object({ sha: z.string().regex(commitPattern) }).safeParse(value);
  if (!answer.success) throw notAHub(url, 'it names no commit');
  const commit = answer.data.sha;
  await remember(path, { commit });
  return commit;
}

/** What the hub answered: kept in the cache under a seal, because a byte that changed is another corpus. */
function remember(path: string, answer: object): Promise<void> {
  return withPartialFolder(path, async (folder) => {
    const written = join(folder, partialData);
    await writeSealed(written, answer);
    await replaceFile(written, path);
  });
}

/** The files that the path of `source` names at `commit`, in the order of reading; hidden ones only if it names one. */
export async function hubFiles(source: HubSource, commit: string, context: FetchContext): Promise<RemoteFile[]> {
  const matches = pathMatcher(source.path);
  const isHidden = (path: string): boolean => /(?:^|\/)\.[^./]/.test(path);
  const all = await listing(source, commit, context);
  const files = all.filter(({ path }) => matches(path) && (!isHidden(path) || isHidden(source.path)));
  return Promise.all(
    files
      .sort((a, b) => compareNames(a.path, b.path))
      .map(async ({ path: name, size, checksum }) => {
        const path = join(home(source), commit, 'files', name);
        const get = async (): Promise<SourceFile> => {
          const url = `${endpoint()}/datasets/${source.dataset}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`;
          const label = `fetch ${source.dataset} ${name}`;
          const stamp = await download({ ...requestFor(url), path, label, checksum, size }, context);
          return { path, name, stamp };
        };
        return { name, bytes: size, isCached: await exists(path), get };
      }),
  );
}

/** A commit never changes, so neither does its list. */
async function listing(source: HubSource, commit: string, context: FetchContext): Promise<HubFile[]> {
  const path = join(home(source), commit, 'listing.json');
  const known = await readCached(path, z.object({ files: z.array(hubFileSchema) }));
  if (typeof known === 'object') return known.value.files;
  const damage = known === 'damaged' ? 'it is not as it was written' : undefined;
  const files = await replacing(path, damage, context, () => askListing(source, commit, context));
  await remember(path, { files });
  return files;
}

async function askListing(source: HubSource, commit: string, context: FetchContext): Promise<HubFile[]> {
  const base = endpoint();
  const files: HubFile[] = [];
  let url: string | undefined = `${base}/api/datasets/${source.dataset}/tree/${commit}?recursive=1`;
  for (let page = 0; url !== undefined; page++) {
    if (page >= maxPages) throw notAHub(url, `its list has more than ${maxPages} pages`);
    const { value, headers } = await fetchJson(requestFor(url), context, maxAnswerBytes);
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
    next: 'Check HF_ENDPOINT, and the name and revision of the dataset',
  });
}
