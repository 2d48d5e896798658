// mossctl tokenizer: train one, or see what it makes of a text.
import { UserError } from '../../base/errors.js';
import { mossctlCommand } from '../../base/shell.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printVerbatim } from '../output.js';
import { openTokenizer } from '../places.js';
import { runOneStage } from '../run-stages.js';
import { stdinLines } from '../samples.js';
import { withTexts } from '../texts.js';

export async function train({ text, ...options }: RunOptions & { text?: string[] }): Promise<void> {
  const run = await withTexts(text, { ...options, only: 'tokenizer' });
  return runOneStage('tokenizer', run, (folder) => mossctlCommand('tokenizer', 'encode', folder, '床前明月光'));
}

export async function encode(folder: string, words: readonly string[], options: OutputOptions): Promise<void> {
  const tokenizer = await openTokenizer(folder);
  for await (const text of linesOf(words)) {
    const ids = tokenizer.encode(text);
    if (options.json) printJson({ ids, tokens: ids.map((id) => tokenizer.decode([id])) });
    else printVerbatim(ids.join(' '));
  }
}

export async function decode(folder: string, words: readonly string[], options: OutputOptions): Promise<void> {
  const tokenizer = await openTokenizer(folder);
  for await (const line of linesOf(words)) {
    const text = tokenizer.decode(parseIds(line, tokenizer.vocabSize));
    if (options.json) printJson({ text });
    else printVerbatim(text);
  }
}

/** The words of the command line as one text, else each line of stdin. */
async function* linesOf(words: readonly string[]): AsyncGenerator<string> {
  if (words.length > 0) yield words.join(' ');
  else yield* stdinLines();
}

function parseIds(line: string, vocabSize: number): number[] {
  return line
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map((word) => {
      const id = Number(word);
      if (Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
      const why = `ids are whole numbers from 0 to ${vocabSize - 1}`;
      throw new UserError({ what: `${word} is not a token id`, why });
    });
}
