// The processes that one has started, where its system says them.
import { readdir, readFile } from 'node:fs/promises';

/** Ids, the oldest first; none where nothing is known. */
export async function childrenOf(pid: number | 'self'): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}
