// What a person may name where a corpus or a tokenizer is wanted: the thing itself, or a folder that holds it.
import { tokenizerFolder } from '../checkpoint/tokenizer-folder.js';
import { corpusIn } from '../data/manifest.js';
import { runAround as runFolderAround } from '../pipeline/around.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { readTokenizerJson } from '../tokenizer/tokenizer-files.js';
import { shownPath } from './output.js';

/** A run folder, its data folder, or the corpus itself; what is none of them is for its reader to refuse. */
export async function findCorpus(folder: string): Promise<string> {
  return (await corpusIn(folder)) ?? folder;
}

/** A run folder, a checkpoint, a folder with a tokenizer.json, or such a file. */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  if (folder.endsWith('.json')) return Tokenizer.fromJson(await readTokenizerJson(folder), folder);
  return Tokenizer.open(await tokenizerFolder(folder));
}

/** `runs/x` of `runs/x/sft/step-000100`, as a person would type it. */
export async function runAround(checkpoint: string): Promise<string | undefined> {
  const run = await runFolderAround(checkpoint);
  return run === undefined ? undefined : shownPath(run);
}
