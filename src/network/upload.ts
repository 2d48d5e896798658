// How the Hugging Face hub takes files, as its own clients send them: the hub says which go through LFS, storage is asked
// for what it lacks and gets only that, in one piece or in parts, and one commit names them all. Content is addressed by
// its sha256, so that a try that was cut off is continued by the next.
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isAllowedUrl } from '../base/address.js';
import { UserError } from '../base/errors.js';
import { formatBytes } from '../base/format.js';
import { type FetchContext, fetchJson, type HttpRequest, sentText, withRetries } from './http.js';
import { type HubFile, type HubRepo, hubEndpoint, hubListing, hubRequest } from './hub.js';

/** A file on its way into a repository. */
export interface UploadFile {
  /** In the repository. */
  path: string;
  /** On this machine. */
  source: string;
  size: number;
  sha256: string;
  /** As git names its content. */
  git: string;
}

const maxAnswerBytes = 16 << 20;
const sampleBytes = 512;
/** The hub takes no more names at a time. */
const preuploadFiles = 256;
const lfsType = 'application/vnd.git-lfs+json';

const commitSchema = z.string().regex(/^[0-9a-f]{40}$/);
const infoSchema = z.object({ sha: commitSchema.nullish(), private: z.boolean().default(false) });
const preuploadSchema = z.object({
  files: z.array(
    z.object({ path: z.string(), uploadMode: z.enum(['lfs', 'regular']), shouldIgnore: z.boolean().default(false) }),
  ),
});
const actionSchema = z.object({ href: z.string(), header: z.record(z.string(), z.unknown()).nullish() });
const batchSchema = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z.object({ upload: actionSchema.optional(), verify: actionSchema.optional() }).nullish(),
      error: z.object({ message: z.string() }).nullish(),
    }),
  ),
});
type Actions = NonNullable<z.output<typeof batchSchema>['objects'][number]['actions']>;

/** What a repository is now; undefined where there is none that this token may see. */
export async function repositoryState(
  repo: HubRepo,
  context: FetchContext,
): Promise<{ commit: string | undefined; isPrivate: boolean; files: HubFile[] } | undefined> {
  const url = `${hubEndpoint()}/api/models/${repo.name}`;
  const { value, status } = await fetchJson({ ...hubRequest(url, repo), accepts: [404] }, context, maxAnswerBytes);
  if (status === 404) return undefined;
  const info = infoSchema.safeParse(value);
  if (!info.success) throw malformed(url);
  const { sha, private: isPrivate } = info.data;
  return { commit: sha ?? undefined, isPrivate, files: sha ? await hubListing(repo, sha, context) : [] };
}

/** 409: it is there already, perhaps since a moment ago. */
export async function createRepository(repo: HubRepo, isPublic: boolean, context: FetchContext): Promise<void> {
  const [organization, name] = repo.name.split('/');
  const wanted = { name, organization, type: 'model', visibility: isPublic ? 'public' : 'private' };
  const request = sending(`${hubEndpoint()}/api/repos/create`, repo, JSON.stringify(wanted));
  await fetchJson({ ...request, accepts: [409] }, context, maxAnswerBytes);
}

/** What the hub finds wrong with the front matter of a model card: asked before gigabytes are sent. */
export async function refuseBadCard(repo: HubRepo, card: string, context: FetchContext): Promise<void> {
  const url = `${hubEndpoint()}/api/validate-yaml`;
  const request = sending(url, repo, JSON.stringify({ content: card, repoType: 'model' }));
  const { value, status } = await fetchJson({ ...request, accepts: [400, 404] }, context, maxAnswerBytes);
  const errors = z.object({ errors: z.array(z.object({ message: z.string() })) }).safeParse(value);
  if (status === 404 || !errors.success || errors.data.errors.length === 0) return;
  throw new UserError({
    what: 'the hub does not take the front matter of README.md',
    why: errors.data.errors.map(({ message }) => message).join('; '),
    next: 'Correct it; a licence is one of https://huggingface.co/docs/hub/repositories-licenses',
  });
}

/**
 * Makes `files` the content of their paths, and removes `deletions`, in one commit on `parent`.
 * @returns the commit, and the bytes that storage lacked and was sent.
 */
export async function commitFiles(
  repo: HubRepo,
  files: readonly UploadFile[],
  { parent, deletions, summary }: { parent: string | undefined; deletions: readonly string[]; summary: string },
  context: FetchContext,
): Promise<{ commit: string; sentBytes: number }> {
  const large = await throughLfs(repo, files, context);
  const sentBytes = await storeLarge(
    repo,
    files.filter(({ path }) => large.has(path)),
    context,
  );
  const lines: object[] = [
    { key: 'header', value: { summary, description: '', ...(parent && { parentCommit: parent }) } },
  ];
  for (const { path, source, sha256, size } of files) {
    if (large.has(path)) lines.push({ key: 'lfsFile', value: { path, algo: 'sha256', oid: sha256, size } });
    else lines.push({ key: 'file', value: { content: await readFile(source, 'base64'), path, encoding: 'base64' } });
  }
  for (const path of deletions) lines.push({ key: 'deletedFile', value: { path } });
  const url = `${hubEndpoint()}/api/models/${repo.name}/commit/main`;
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  // Once: where the answer is lost, the commit may have been made, and the next run sees it.
  const request = { ...sending(url, repo, text, 'application/x-ndjson'), tries: 1 };
  const { value } = await fetchJson(request, context, maxAnswerBytes);
  const answer = z.object({ commitOid: commitSchema }).safeParse(value);
  if (!answer.success) throw malformed(url);
  return { commit: answer.data.commitOid, sentBytes };
}

/** Paths of the files that the hub wants in storage, by name, size and their first bytes. An empty one cannot be. */
async function throughLfs(repo: HubRepo, files: readonly UploadFile[], context: FetchContext): Promise<Set<string>> {
  const large = new Set<string>();
  const url = `${hubEndpoint()}/api/models/${repo.name}/preupload/main`;
  for (let i = 0; i < files.length; i += preuploadFiles) {
    const some = files.slice(i, i + preuploadFiles);
    const described = await Promise.all(
      some.map(async ({ path, source, size }) => ({ path, size, sample: await firstBytes(source) })),
    );
    const { value } = await fetchJson(
      sending(url, repo, JSON.stringify({ files: described })),
      context,
      maxAnswerBytes,
    );
    const answer = preuploadSchema.safeParse(value);
    if (!answer.success) throw malformed(url);
    const ignored = answer.data.files.find(({ shouldIgnore }) => shouldIgnore);
    if (ignored !== undefined) {
      throw new UserError({
        what: `the .gitignore of ${repo.name} keeps ${ignored.path} out of it`,
        next: 'Change that file on the hub, or push to another repository',
      });
    }
    for (const { path, uploadMode } of answer.data.files) if (uploadMode === 'lfs') large.add(path);
  }
  for (const { path, size } of files) if (size === 0) large.delete(path);
  return large;
}

async function firstBytes(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, 0);
    return buffer.toString('base64', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Sends what storage lacks. @returns how many bytes that were. */
async function storeLarge(repo: HubRepo, files: readonly UploadFile[], context: FetchContext): Promise<number> {
  if (files.length === 0) return 0;
  const url = `${hubEndpoint()}/${repo.name}.git/info/lfs/objects/batch`;
  const objects = files.map(({ sha256, size }) => ({ oid: sha256, size }));
  const asked = {
    operation: 'upload',
    transfers: ['basic', 'multipart'],
    hash_algo: 'sha256',
    ref: { name: 'main' },
    objects,
  };
  const { value } = await fetchJson(sending(url, repo, JSON.stringify(asked), lfsType), context, maxAnswerBytes);
  const batch = batchSchema.safeParse(value);
  if (!batch.success) throw malformed(url);
  let bytes = 0;
  for (const { oid, actions, error } of batch.data.objects) {
    const file = files.find(({ sha256 }) => sha256 === oid);
    if (file === undefined) throw malformed(url);
    if (error)
      throw new UserError(
        { what: `the hub does not take ${file.path}`, where: url, why: error.message },
        { exitCode: 1 },
      );
    if (actions?.upload === undefined) continue; // it has it
    await sendLarge(repo, file, actions, context);
    bytes += file.size;
  }
  return bytes;
}

async function sendLarge(
  repo: HubRepo,
  file: UploadFile,
  { upload, verify }: Actions,
  context: FetchContext,
): Promise<void> {
  if (upload === undefined) return;
  const { size, sha256: oid } = file;
  const header = upload.header ?? {};
  if (header.chunk_size === undefined) await put(upload.href, file, [0, size], context);
  else {
    const chunk = Number(header.chunk_size);
    const parts = Object.keys(header)
      .filter((key) => /^\d{1,6}$/.test(key))
      .sort((a, b) => Number(a) - Number(b));
    if (!(chunk > 0) || parts.length !== Math.ceil(size / chunk)) throw malformed(upload.href);
    const sent: { partNumber: number; etag: string }[] = [];
    for (const [i, part] of parts.entries()) {
      const etag = await put(String(header[part]), file, [i * chunk, Math.min(size, (i + 1) * chunk)], context);
      sent.push({ partNumber: i + 1, etag });
    }
    const done = sending(upload.href, repo, JSON.stringify({ oid, parts: sent }), lfsType);
    await withRetries(done, context, async () => undefined);
  }
  if (verify === undefined) return;
  await withRetries(sending(verify.href, repo, JSON.stringify({ oid, size }), lfsType), context, async () => undefined);
}

/** One part of a file, to an address that is signed: no token goes with it. @returns the ETag of what arrived. */
async function put(
  url: string,
  file: UploadFile,
  [start, end]: [number, number],
  context: FetchContext,
): Promise<string> {
  if (!isAllowedUrl(url)) throw malformed(url);
  const { path, source, size } = file;
  const open = async function* (): AsyncGenerator<Uint8Array> {
    let done = start;
    if (end === start) return;
    for await (const chunk of createReadStream(source, { start, end: end - 1, highWaterMark: 1 << 20 })) {
      yield chunk as Uint8Array;
      done += (chunk as Uint8Array).length;
      context.reporter.emit({ type: 'progress', label: `send ${path}`, done, total: size, unit: 'bytes' });
    }
  };
  return withRetries({ url, sent: { method: 'PUT', length: end - start, open } }, context, async ({ response }) => {
    return response.headers.get('etag') ?? '';
  });
}

/** With the token where it goes to the hub itself, and nowhere else. */
function sending(url: string, repo: HubRepo, text: string, type?: string): HttpRequest {
  if (!isAllowedUrl(url)) throw malformed(url);
  const { sent, headers } = sentText(text, type);
  const { token, advice } = hubRequest(url, repo);
  const isHub = new URL(url).origin === new URL(hubEndpoint()).origin;
  return {
    url,
    sent,
    headers: { ...headers, ...(type === lfsType && { accept: lfsType }) },
    advice: (status) => writeAdvice(status, repo) ?? advice?.(status),
    ...(isHub && { token }),
  };
}

function writeAdvice(status: number, { name }: HubRepo): string | undefined {
  const settings = 'https://huggingface.co/settings/tokens';
  if (status === 401) return `Set HF_TOKEN to a token with the right to write (${settings})`;
  if (status === 403)
    return `The token may not write to ${name}: check ORG, and make one with the right to write at ${settings}`;
  if (status === 404)
    return `Check the spelling of ${name}: ORG is your own name on the hub, or that of an organisation of yours`;
  if (status === 409 || status === 412) return `Somebody changed ${name} meanwhile: run the same command again`;
  return status === 413
    ? `A file is too large for the hub (${formatBytes(50e9)} at most): export with --max-shard-size`
    : undefined;
}

function malformed(url: string): UserError {
  const next = 'Check HF_ENDPOINT';
  return new UserError({
    what: 'this does not answer as the Hugging Face hub does',
    where: url.replace(/\?.*$/s, ''),
    next,
  });
}
