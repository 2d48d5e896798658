// The thread in which checkpoints are written, hashed, fsynced and pruned while training continues (background-save.ts
// starts it). It takes one save at a time and gives the tensors' memory back with the answer.
import { parentPort } from 'node:worker_threads';
import { systemErrorCode, UserError } from '../base/errors.js';
import { type SaveAnswer, type SaveRequest, tensorsOf } from './background-save.js';
import { removeTemporary } from './history.js';
import { pruneCheckpoints } from './retention.js';
import { saveCheckpoint, saveFigures } from './save.js';

async function answer({ directory, content, prune }: SaveRequest): Promise<Omit<SaveAnswer, 'tensors'>> {
  let digest: string;
  try {
    const saving = 'weights' in content ? saveCheckpoint(directory, content) : saveFigures(directory, content.metrics);
    ({ digest } = await saving);
  } catch (error) {
    return error instanceof UserError ? { faults: error.faults, code: systemErrorCode(error.cause) } : { bug: error };
  }
  if (prune === undefined) return { digest };
  try {
    const { stageDirectory, rule, ...place } = prune;
    await pruneCheckpoints(stageDirectory, rule, place);
    return { digest };
  } catch (error) {
    await removeTemporary(prune.stageDirectory).catch(() => undefined);
    return { digest, notPruned: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', async (request: SaveRequest) => {
  const result = await answer(request);
  const tensors = tensorsOf(request.content);
  parentPort?.postMessage(
    { ...result, tensors } satisfies SaveAnswer,
    tensors.map(({ data }) => data.buffer as ArrayBuffer),
  );
});
