// A system that refuses symbolic links, as Windows does to an ordinary account: to be imported before what is tested.
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { symlink } = promises;

/** From now on `symlink` fails with EPERM. @returns what allows it again. */
export function refuseLinks(): () => void {
  promises.symlink = () => Promise.reject(Object.assign(new Error('EPERM: not permitted, symlink'), { code: 'EPERM' }));
  syncBuiltinESMExports();
  return () => {
    promises.symlink = symlink;
    syncBuiltinESMExports();
  };
}
