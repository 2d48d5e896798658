// The batch of an engine's step: whose sequences are in it, what each reads next, whom it waits for, and whose logits are
// in which row.
import type { Job } from './job-queue.js';
import type { Piece } from './read-tokens.js';
import type { Sequence } from './sequence.js';

/** A shorter beginning that another sequence has read, or will, is read anew: copying it takes longer. */
export const minSharedPrefix = 16;

/** A sequence in the batch. */
export interface Work {
  job: Job;
  sequence: Sequence;
  /** It begins when another sample of its job has read their prompt. */
  awaitsPrompt: boolean;
  /** It begins when another has read so many tokens, with which it begins too. */
  awaits?: { other: Work; length: number };
}

/** A row of logits that says what follows a token of a sequence. */
export interface Wanted {
  work: Work;
  at: number;
  row: number;
}

/** The next tokens of a sequence, `chunkTokens` at most. */
export function nextPiece(sequence: Sequence, chunkTokens: number): Piece {
  const from = sequence.segment.tokens.length;
  const ids = sequence.tokens.slice(from, from + Math.min(chunkTokens, sequence.maxPiece));
  const wanted: number[] = [];
  for (let i = Math.max(0, sequence.wantedFrom - from); i < ids.length; i++) wanted.push(i);
  return { ids, from, start: sequence.segment.start, wanted };
}

/** Who is about to read more of the same beginning than the `known` tokens that are at hand. */
export function betterPrefix(batch: readonly Work[], tokens: readonly number[], known: number): Work['awaits'] {
  let best: Work['awaits'];
  for (const other of batch) {
    const { segment, tokens: others } = other.sequence;
    const limit = Math.min(tokens.length - 1, others.length); // the last token has to be read: logits follow it
    if (other.awaitsPrompt || segment.isStale || limit - known < minSharedPrefix) continue;
    let length = 0;
    while (length < limit && tokens[length] === others[length]) length++;
    if (length - known >= minSharedPrefix && length > (best?.length ?? 0)) best = { other, length };
  }
  return best;
}

/** Whether another is yet to read the beginning of this one. Once that one has ended, nothing is to be had from it. */
export function isAwaiting(work: Work): boolean {
  const other = work.awaits?.other;
  if (other !== undefined && (other.job.isOver || other.sequence.hasEnded)) work.awaits = undefined;
  return work.awaitsPrompt || work.awaits !== undefined;
}
