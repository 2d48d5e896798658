// A round so small that a test can have many: a dozen tasks whose answers have to hold an "e", and few answers of a few tokens.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../../src/base/jsonl.js';

/** The tiny Qwen3 that answers them. */
export const published = fileURLToPath(new URL('../../interop/fixtures/qwen3', import.meta.url));

/** Of the `align` block, for methods that sample as they learn. */
export const fewAnswers = [
  ...[
    'gate={alphas: [1], textTokens: 0}',
    'promptsPerStep=2',
    'samplesPerPrompt=4',
    'maxNewTokens=5',
    'heldOutSamples=1',
  ],
];

/** Writes tasks.jsonl into `folder`. */
export async function writeTasks(folder: string): Promise<void> {
  const tasks = Array.from({ length: 12 }, (_, i) => ({
    messages: [{ role: 'user', content: `say e ${i}` }],
    check: { type: 'contains', any: ['e'] },
  }));
  await writeFile(join(folder, 'tasks.jsonl'), toJsonl(tasks));
}
