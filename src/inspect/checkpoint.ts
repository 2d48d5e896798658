// What a checkpoint is, without opening it for use: headers and manifests, not weights (hashing apart), no tensor library.
// A damaged one is described as far as it goes, with every fault.
import { UserError } from '../base/errors.js';
import { stateName } from '../base/layout.js';
import { isAdapter } from '../checkpoint/adapter-config.js';
import { describeAdapterTensors } from '../checkpoint/adapter-tensors.js';
import { readModel } from '../checkpoint/directory.js';
import { describeWeights, isWeightsFile } from '../checkpoint/weights.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { preTokenizerName } from '../tokenizer/pre-tokenizers.js';
import { offeredIn, readServingFiles } from '../tokenizer/serving-files.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { type FileReport, identify } from './files.js';
import { findAncestors } from './lineage.js';
import { summarise } from './parameters.js';

export type Inspection = Awaited<ReturnType<typeof inspectCheckpoint>>;

/**
 * Looks into a checkpoint folder. `verify` hashes every file; without it they are only listed.
 * @throws UserError where the folder is no checkpoint; what is damaged inside one is in `faults`.
 */
export async function inspectCheckpoint(directory: string, { verify }: { verify: boolean }) {
  const { manifest, digest, files, faults } = await identify(directory, verify);
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // A file whose hash is already reported needs no second fault.
      faults.push(...error.faults.filter(({ where }) => !faults.some((known) => known.where === where)));
      return null;
    }
  };
  const config = await attempt(() => readModel(directory));
  const weights = await attempt(async () =>
    ((await isAdapter(directory)) ? describeAdapterTensors : describeWeights)(directory),
  );
  const tokenizer = await attempt(() => Tokenizer.open(config?.tokenizerFolder ?? directory));
  const hasTemplate = tokenizer !== null && tokenizer.chatTemplate !== missingTemplate;
  const template = hasTemplate ? await attempt(() => new ChatTemplate(tokenizer)) : null;
  const serving = await readServingFiles(directory);
  const sum = (counted: readonly FileReport[]): number => counted.reduce((total, { bytes }) => total + (bytes ?? 0), 0);
  return {
    /** The folder itself, links followed. */
    path: directory,
    /** null: a third-party model, not hashed. */
    digest,
    manifest,
    /** Oldest first; the checkpoint itself is not among them. */
    ancestors: await findAncestors(directory, manifest.lineage),
    /** A section is null where its files are damaged: `faults` says how. */
    model: config?.model ?? null,
    /** Every token that ends what the model writes. */
    eosTokenIds: config?.eosTokenIds ?? null,
    parameters: weights && summarise(weights.entries),
    /** What a person should know of how a third-party model is read. */
    notes: [...(config?.notes ?? []), ...(weights?.notes ?? []), ...serving.notes],
    /** What its training offered to be called. */
    learntTools: offeredIn(serving.texts),
    files,
    weightBytes: sum(files.filter(({ name }) => isWeightsFile(name))),
    bytes: sum(files),
    tokenizer: tokenizer && describeTokenizer(tokenizer),
    /** null: there is none, or it is damaged. */
    chatTemplate: tokenizer && template && { source: tokenizer.chatTemplate, marksAnswers: template.marksAnswers },
    /** Whether training can resume from it exactly where it stopped. */
    resumable: files.some(({ name, bytes }) => name === stateName && bytes !== null),
    faults,
  };
}

function describeTokenizer(tokenizer: Tokenizer) {
  // In the order of their ids: tokens that control, and marks around calls and thoughts, which are text as well.
  const added = tokenizer.controlStrings
    .map((content) => ({ id: tokenizer.controlId(content) ?? -1, content }))
    .sort((a, b) => a.id - b.id);
  const special = added.filter(({ id }) => tokenizer.isSpecial(id));
  const marks = added.filter(({ id }) => !tokenizer.isSpecial(id));
  const { pre_tokenizer: rule } = tokenizer.json as { pre_tokenizer?: unknown };
  // The name of the rule that cuts text before merging; whether it is known was checked when the tokenizer was opened.
  return { vocabulary: tokenizer.vocabSize, special, marks, preTokenizer: preTokenizerName(rule) ?? 'unknown' };
}
