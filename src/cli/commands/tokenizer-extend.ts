// mossctl tokenizer extend: more tokens for a tokenizer that exists, from files or from the corpus of a run.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { exists, writeFileAtomic } from '../../base/files.js';
import { formatCount } from '../../base/format.js';
import { tokenizerJsonName } from '../../base/layout.js';
import { mossctlCommand } from '../../base/shell.js';
import { tokenizerFolder } from '../../checkpoint/tokenizer-folder.js';
import { extendTokenizer } from '../../tokenizer/extend.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { RunOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';
import { runOneStage } from '../run-stages.js';
import { readSamples } from '../samples.js';

interface ExtendOptions extends RunOptions {
  add: number;
  /** Files to read instead of the corpus of the run. */
  text?: string[];
}

const maxTextBytes = 1 << 30;

export async function extend(place: string, options: ExtendOptions): Promise<void> {
  const { text, add, ...run } = options;
  const folder = await tokenizerFolder(place);
  if (text !== undefined) return extendOnFiles(folder, text, options);
  const extension = [`tokenizer.extend=${folder}`, `tokenizer.add=${add}`];
  const set = [...(options.set ?? []), ...extension];
  const next = (out: string): string => mossctlCommand('tokenizer', 'compare', shownPath(folder), out);
  return runOneStage('tokenizer', { ...run, set }, next);
}

async function extendOnFiles(folder: string, files: readonly string[], options: ExtendOptions): Promise<void> {
  const { out, add, json, config, set } = options;
  if (out === undefined || config !== undefined) {
    throw new UserError({
      what: out === undefined ? 'no output folder was given' : '--text and --config are two sources of text',
      next: out === undefined ? 'Name a folder with --out' : 'Omit one of the two',
    });
  }
  if (set !== undefined) {
    throw new UserError({ what: '--set changes a pipeline, but --text replaces one', next: 'Omit --set or --text' });
  }
  if (await exists(join(out, tokenizerJsonName))) {
    throw new UserError({ what: 'there is a tokenizer here already', where: out, next: 'Choose another --out' });
  }
  const base = await Tokenizer.open(folder);
  const extended = await extendTokenizer(base, textsOf(files), { add, maxBytes: maxTextBytes });
  for (const [name, content] of Object.entries(extended.files())) await writeFileAtomic(join(out, name), content);
  const added = extended.vocabSize - base.vocabSize;
  const [path, from, text] = [out, folder, files[0]].map(shownPath);
  if (json) {
    printJson({ type: 'result', path, vocabSize: extended.vocabSize, added });
    return;
  }
  const few = added < add ? ` (the text has pairs for no more)` : '';
  const sizes = `${formatCount(base.vocabSize)} → ${formatCount(extended.vocabSize)}`;
  printLine(`vocabulary  ${sizes}: ${formatCount(added)} new tokens${few}`);
  printLine(`wrote       ${path}`);
  printLine(`next        ${mossctlCommand('tokenizer', 'compare', from, path, '--text', text)}`);
}

async function* textsOf(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) for await (const { text } of readSamples(file)) yield text;
}
