// The memory that opening a checkpoint takes, in a process of its own: nothing else has raised its peak.
import { UserError } from '../base/errors.js';
import { askChild } from './child.js';

/** What the child sends: the bytes, or why there are none. */
export type OpenAnswer = { bytes: number } | { failure: string };

/** Bytes of resident memory at the most while opening the checkpoint for use, less those before. */
export async function peakOfOpening(path: string): Promise<number> {
  const failed = (what: string): UserError => new UserError({ what, where: path }, { exitCode: 1 });
  const answer = await askChild<OpenAnswer>('open-child', path, ({ words }) =>
    failed(`the process that opened it ended ${words}`),
  );
  if ('bytes' in answer) return answer.bytes;
  throw failed(answer.failure);
}
