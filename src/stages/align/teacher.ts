// Whose predictions a round of `distill` learns: another model with the policy's tokenizer, frozen, for as long as the round trains.
import { decoderTable, sizeOfTable } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { formatBytes } from '../../base/format.js';
import { identifyCheckpoint, openCheckpoint } from '../../checkpoint/directory.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import type { AlignConfig } from '../../config/align.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Model } from '../../model/model.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { RoundInput } from './round.js';

export interface Teacher {
  model: Model;
  /** Of its checkpoint. */
  digest: string;
  dispose(): Promise<void>;
}

/** Digest of the checkpoint of the teacher, where there is one. */
export async function teacherDigest({ teacher }: Pick<AlignConfig, 'teacher'>): Promise<string | undefined> {
  return teacher === undefined ? undefined : (await identifyCheckpoint(teacher)).digest;
}

/**
 * @param room hears of the bytes that it takes at most, before it is loaded.
 * @throws UserError where it does not predict the policy's tokens, or not as far as `columns` tokens.
 */
export async function openTeacher(
  { job: { config, reporter, verify }, round }: RoundInput,
  { room, ...policy }: { tokenizer: Tokenizer; model: Model; columns: number; room(bytes: number): void },
): Promise<Teacher> {
  const { teacher: path = '' } = config; // `checkOnline` asks for one
  return withCheckpoint(path, async (directory) => {
    const checkpoint = await openCheckpoint(directory, { verify });
    const { digest } = checkpoint;
    const size = 4 * sizeOfTable(decoderTable(checkpoint.model));
    room(size);
    const opened = await LocalModel.of(checkpoint, { isFrozen: true });
    const fault = faultOf(opened, policy);
    if (fault !== undefined) {
      await opened.dispose();
      throw new UserError({ where: 'align.teacher', ...fault });
    }
    reporter.note('info', `round ${round}: the teacher, ${path}, takes ${formatBytes(size)} of memory at most`);
    return { model: opened.model, digest, dispose: () => opened.dispose() };
  });
}

function faultOf(
  { model, tokenizer }: LocalModel,
  policy: { tokenizer: Tokenizer; model: Model; columns: number },
): { what: string; why: string; next: string } | undefined {
  const [theirs, own] = [model.config, policy.model.config];
  if (digestOf(tokenizer.json) !== digestOf(policy.tokenizer.json) || theirs.vocab_size !== own.vocab_size) {
    return {
      what: `the teacher has another tokenizer (${theirs.vocab_size} tokens; the policy ${own.vocab_size})`,
      why: 'what it holds likely is compared token by token, over the whole vocabulary',
      next: 'Name a teacher that was trained with the same tokenizer, or learn from its answers instead: mossctl self-instruct',
    };
  }
  if (theirs.max_position_embeddings >= policy.columns) return undefined;
  return {
    what: `the teacher reads ${theirs.max_position_embeddings} tokens, and a prompt with its answer has up to ${policy.columns}`,
    why: 'it must predict every token of an answer after all that comes before',
    next: 'Set a smaller align.maxNewTokens, give shorter prompts, or name another teacher',
  };
}
