// A folder as one .tar.gz, in which nothing says when, where or by whom it was packed: equal folders give equal archives.
import { createWriteStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { filesBelow } from '../base/files.js';

/** Its files lie in it under the name of the folder. @param folder of plain files, folders and relative links. */
export async function packFolder(folder: string, file: string): Promise<void> {
  const name = basename(folder);
  const names = (await filesBelow(folder)).map((each) => `./${name}/${each}`);
  const options = { cwd: dirname(folder), gzip: { level: 6 }, portable: true, noMtime: true, noDirRecurse: true };
  await pipeline(create(options, names), createWriteStream(file, { flush: true }));
}
