// A system that refuses symbolic links, as Windows does to an ordinary account: to be imported before what is tested.
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { symlink } = promises;

/** From now on `symlink` fails. @returns what allows it again. */
export function refuseLinks(code = 'EPERM'): () => void {
  promises.symlink = () => Promise.reject(Object.assign(new Error(`${code}: not permitted, symlink`), { code }));
  syncBuiltinESMExports();
  return () => {
    promises.symlink = symlink;
    syncBuiltinESMExports();
  };
}
