// A name that leads to another folder, such as `latest`: a relative symbolic link, or, where the system refuses those (an
// ordinary account on Windows, an exFAT disk), a text file of one line that says the same and is read wherever a link is.
import { open, readlink, realpath, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { systemErrorCode } from './errors.js';
import { syncDirectory, temporarySibling, writeFileDurable } from './files.js';

const prefix = 'mossctl link: ';
const maxBytes = 4096;

/** Makes `path` lead to `target`, in place of what it led to, in one step. */
export async function writeLink(path: string, target: string): Promise<void> {
  const temporary = temporarySibling(path);
  const inFolder = relative(resolve(dirname(path)), resolve(target));
  try {
    await symlink(inFolder, temporary).catch((error: unknown) => {
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemErrorCode(error) ?? '')) throw error;
      return writeFileDurable(temporary, `${prefix}${inFolder.replaceAll('\\', '/')}\n`);
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** What a link says, as it was written, with `/` between folders; undefined of what is no link. */
export async function readLink(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) return process.platform === 'win32' ? target.replaceAll('\\', '/') : target;
  return readLinkFile(path);
}

/** Where a path really lies, also by a link that is a text file; the path itself, made absolute, where nothing is there. */
export async function realPathOrItself(path: string): Promise<string> {
  const real = await realpath(path).catch(() => resolve(path));
  const led = await throughLinkFile(real);
  return led === real ? real : realpath(led).catch(() => led);
}

/** Where a link that is a text file leads; any other path as it is. */
export async function throughLinkFile(path: string): Promise<string> {
  const target = await readLinkFile(path);
  return target === undefined ? path : join(dirname(path), target);
}

async function readLinkFile(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1);
    const text = buffer.toString('utf8', 0, bytesRead);
    if (bytesRead > maxBytes || !text.startsWith(prefix)) return undefined;
    const target = text.slice(prefix.length).replace(/\r?\n$/, '');
    const isPlain = target !== '' && !/[\0\r\n]/.test(target);
    return isPlain ? target : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
