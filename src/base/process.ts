// Other processes of this machine, by their ids.
import { systemErrorCode } from './errors.js';

/** Whether a process has this id, whoever's it is. */
export function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
