// What a checkpoint is, without opening it for use: headers and manifests, not weights (hashing apart), no tensor library.
// A damaged one is described as far as it goes, with every fault.
import { type Fault, UserError } from '../base/errors.js';
import { stateName } from '../base/layout.js';
import { readModel } from '../checkpoint/directory.js';
import type { Manifest } from '../checkpoint/manifest.js';
import { describeWeights, isWeightsFile } from '../checkpoint/weights.js';
import type { ModelConfig } from '../config/model.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { missingTemplate } from '../tokenizer/chatml.js';
import { preTokenizerName } from '../tokenizer/pre-tokenizers.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { type FileReport, identify } from './files.js';
import { type Ancestor, findAncestors } from './lineage.js';
import { type ParameterSummary, summarise } from './parameters.js';

export interface TokenizerReport {
  vocabulary: number;
  /** Control tokens, in the order of their ids. */
  special: { id: number; content: string }[];
  /** Name of the rule that cuts text before merging. */
  preTokenizer: string;
}

export interface Inspection {
  /** The folder itself, links followed. */
  path: string;
  /** null: a model of others, not hashed. */
  digest: string | null;
  manifest: Manifest;
  /** Oldest first; the checkpoint itself is not among them. */
  ancestors: Ancestor[];
  /** A section is null where its files are damaged: `faults` says how. */
  model: ModelConfig | null;
  /** Every token that ends what the model writes. */
  eosTokenIds: readonly number[] | null;
  parameters: ParameterSummary | null;
  files: FileReport[];
  /** Of the weights' files, and of all files together. */
  weightBytes: number;
  bytes: number;
  tokenizer: TokenizerReport | null;
  /** null: there is none, or it is damaged. */
  chatTemplate: { source: string; marksAnswers: boolean } | null;
  /** Whether training can go on from it exactly where it stopped. */
  resumable: boolean;
  faults: Fault[];
}

/**
 * Looks into a checkpoint folder. `verify` hashes every file; without it they are only listed.
 * @throws UserError where the folder is no checkpoint; what is damaged inside one is in `faults`.
 */
export async function inspectCheckpoint(directory: string, { verify }: { verify: boolean }): Promise<Inspection> {
  const { manifest, digest, files, faults } = await identify(directory, verify);
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // A file whose hash already tells on it needs no second word.
      faults.push(...error.faults.filter(({ where }) => !faults.some((known) => known.where === where)));
      return null;
    }
  };
  const config = await attempt(() => readModel(directory));
  const parameters = await attempt(async () => summarise((await describeWeights(directory)).entries));
  const tokenizer = await attempt(() => Tokenizer.open(directory));
  const hasTemplate = tokenizer !== null && tokenizer.chatTemplate !== missingTemplate;
  const template = hasTemplate ? await attempt(() => new ChatTemplate(tokenizer)) : null;
  const sum = (counted: readonly FileReport[]): number => counted.reduce((total, { bytes }) => total + (bytes ?? 0), 0);
  return {
    path: directory,
    digest,
    manifest,
    ancestors: await findAncestors(directory, manifest.lineage),
    model: config?.model ?? null,
    eosTokenIds: config?.eosTokenIds ?? null,
    parameters,
    files,
    weightBytes: sum(files.filter(({ name }) => isWeightsFile(name))),
    bytes: sum(files),
    tokenizer: tokenizer === null ? null : describeTokenizer(tokenizer),
    chatTemplate:
      tokenizer !== null && template !== null
        ? { source: tokenizer.chatTemplate, marksAnswers: template.marksAnswers }
        : null,
    resumable: files.some(({ name, bytes }) => name === stateName && bytes !== null),
    faults,
  };
}

function describeTokenizer(tokenizer: Tokenizer): TokenizerReport {
  const special = tokenizer.controlStrings
    .map((content) => ({ id: tokenizer.controlId(content) ?? -1, content }))
    .sort((a, b) => a.id - b.id);
  return { vocabulary: tokenizer.vocabSize, special, preTokenizer: nameOfCuts(tokenizer.json) };
}

/** Whether it is known was checked when the tokenizer was opened. */
function nameOfCuts(tokenizerJson: unknown): string {
  return preTokenizerName((tokenizerJson as { pre_tokenizer?: unknown }).pre_tokenizer) ?? 'unknown';
}
