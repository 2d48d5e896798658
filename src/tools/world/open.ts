// The small world as a person opens it: in the house that comes along, or in one of their own.
import { open } from 'node:fs/promises';
import { UserError } from '../../base/errors.js';
import type { Executor } from '../tool.js';
import { sceneLimits } from './scene.js';
import { worldExecutor } from './world.js';

/** @param from At most one file, with the scene. @throws UserError where it is none. */
export async function openWorld(spec: Pick<Executor, 'tool' | 'limits'>, from: readonly string[]): Promise<Executor> {
  const [path, ...more] = from;
  if (path === undefined) return worldExecutor(spec);
  if (more.length > 0) {
    throw new UserError({
      what: `${spec.tool.name} begins in one scene`,
      where: from.join(','),
      next: 'Name one file',
    });
  }
  const scene = await readStart(path);
  try {
    return worldExecutor(spec, scene);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.faults.map((fault) => ({ ...fault, where: path })));
  }
}

/** No more of a file than a scene may be long. */
async function readStart(path: string): Promise<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(4 * sceneLimits.characters + 4);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
  } finally {
    await file.close();
  }
}
