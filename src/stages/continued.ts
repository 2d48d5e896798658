// Pretraining that continues from a checkpoint, ours or anyone's: with the tokenizer it came with, or with one that has
// more tokens, for which the model gets rows. Weights only: moments, schedule and the place in the data begin anew.
import { resizeVocabulary } from '../architecture/resize.js';
import { UserError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import { isRewardModel } from '../config/model.js';
import { modelFromTensors } from '../model/model.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';

/** @throws UserError where the checkpoint predicts no text, or `tokenizer` gives its ids another meaning. */
export async function openContinued(path: string, tokenizer: Tokenizer, options: { verify?: boolean }) {
  const parent = await openCheckpoint(path, options);
  if (isRewardModel(parent.model)) {
    throw new UserError({
      what: 'a reward model cannot be pretrained further',
      where: parent.path,
      why: 'it scores sequences and has no output for tokens',
      next: 'Name the model that it was made from',
    });
  }
  const old = await Tokenizer.open(parent.tokenizerFolder);
  checkExtends(tokenizer, old, parent.path);
  const added = tokenizer.vocabSize - old.vocabSize;
  const spelled = Array.from({ length: added }, (_, i) => old.encodeBytes(tokenizer.tokenBytes(old.vocabSize + i)));
  const { model, weights } = resizeVocabulary(parent.model, parent.weights, old.vocabSize, spelled);
  const { digest, manifest, eosTokenIds, generationConfig, notes } = parent;
  const name = `${manifest.stage} step ${manifest.step} ${digest.slice(0, 12)}`;
  const rows =
    added === 0
      ? ''
      : `; vocabulary ${formatCount(old.vocabSize)} → ${formatCount(tokenizer.vocabSize)}: ${formatCount(added)} rows from the mean of their old tokens`;
  return {
    /** Without its weights: they are in the model. */
    parent: { digest, manifest, eosTokenIds, generationConfig, notes },
    model: modelFromTensors(model, weights, parent.path),
    /** What was done to it, for a person. */
    text: `continues from ${name}${rows}`,
  };
}

function checkExtends(tokenizer: Tokenizer, old: Tokenizer, where: string): void {
  const differs = (id: number): boolean => Buffer.compare(tokenizer.tokenBytes(id), old.tokenBytes(id)) !== 0;
  const isShorter = tokenizer.vocabSize < old.vocabSize;
  const other = isShorter ? -1 : Array.from({ length: old.vocabSize }, (_, id) => id).findIndex(differs);
  if (!isShorter && other < 0) return;
  throw new UserError({
    what: 'the tokenizer is neither that of the checkpoint nor one that extends it',
    where,
    why: isShorter
      ? `it has ${tokenizer.vocabSize} tokens, the checkpoint's has ${old.vocabSize}`
      : `token ${other} is ${show(tokenizer, other)}, to the checkpoint it is ${show(old, other)}`,
    next: 'Remove the tokenizer block (--set tokenizer=null), or name the checkpoint as tokenizer.extend',
  });
}

function show(tokenizer: Tokenizer, id: number): string {
  return JSON.stringify(tokenizer.decode([id]).slice(0, 40));
}
