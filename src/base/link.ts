// A name that leads to another folder, such as `latest`: a relative symbolic link, or, on Windows and where the system refuses
// those (an exFAT disk), a text file of one line that says the same and is read wherever a link is.
import { lstat, open, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { systemErrorCode } from './errors.js';
import { syncDirectory, temporarySibling, writeFileDurable } from './files.js';

const prefix = 'mossctl link: ';
const maxBytes = 4096;
/** What `symlink` says where there are no links. A place that cannot be written refuses the text file too, and says why. */
const refusals = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EROFS', 'EACCES'];

/** Makes `path` lead to `target`, in place of what it led to, in one step. */
export async function writeLink(path: string, target: string): Promise<void> {
  const temporary = temporarySibling(path);
  const inFolder = relative(resolve(dirname(path)), resolve(target));
  const writeText = () => writeFileDurable(temporary, `${prefix}${inFolder.replaceAll('\\', '/')}\n`);
  try {
    if (process.platform === 'win32') {
      // Windows replaces a file in one step, but no link to a folder: one that an earlier version left is removed.
      await writeText();
      if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) await rm(path);
    } else {
      await symlink(inFolder, temporary).catch((error: unknown) => {
        if (!refusals.includes(systemErrorCode(error) ?? '')) throw error;
        return writeText();
      });
    }
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
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined; // to open a named pipe would wait for its writer
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1);
    const text = buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, ''); // as some editors on Windows begin a file
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
