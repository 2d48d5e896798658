// mossctl export: a checkpoint for other tools, as a Hugging Face directory or as one GGUF file.
import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, resolve } from 'node:path';
import { decoderTable } from '../../architecture/parameters.js';
import { ifAbsent, UserError } from '../../base/errors.js';
import { removeAbandoned, writeFileAtomic, writeFileDurable } from '../../base/files.js';
import { countOf, formatBytes, printable } from '../../base/format.js';
import { chatSamplesName, noticeName } from '../../base/layout.js';
import { commandLine } from '../../base/shell.js';
import { isAdapter } from '../../checkpoint/adapter-config.js';
import { adapterDtype, exportPeft, openAdapterAlone } from '../../checkpoint/adapter-export.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import type { FloatDtype } from '../../checkpoint/float16.js';
import { writeGguf } from '../../checkpoint/gguf.js';
import { writeGgufAdapter } from '../../checkpoint/gguf-adapter.js';
import { exportHf, refuseExisting } from '../../checkpoint/hf-export.js';
import { modelfile } from '../../checkpoint/modelfile.js';
import type { GgufFileDtype } from '../../checkpoint/quantize.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import { checkTensors } from '../../model/check-tensors.js';
import { parseChatSamples } from '../../tokenizer/chat-samples.js';
import { readServingFiles } from '../../tokenizer/serving-files.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import { attributionsOf } from '../corpus-events.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, printNotes, shownPath, verbatim } from '../output.js';
import { removedWhenKilled } from '../signals.js';

interface ExportOptions extends OutputOptions {
  format: 'hf' | 'gguf';
  /** Default: as the published model came, else f32. */
  dtype?: GgufFileDtype;
  out: string;
  maxShardSize?: number;
  /** False with --no-verify. */
  verify: boolean;
  /** False with --no-replay. */
  replay: boolean;
  /** Of an adapter: write its base with the adapter in it. */
  merge?: boolean;
  /** Of an adapter: where its base is. */
  base?: string;
}

export async function exportModel(path: string, options: ExportOptions): Promise<void> {
  const { out } = options;
  checkOptions(options);
  await refuseExisting(out);
  await removeAbandoned(out);
  const written = await withCheckpoint(path, async (directory) => {
    const isAlone = (await isAdapter(directory)) && !options.merge;
    checkAdapterOptions(directory, options, await isAdapter(directory));
    const made = await (isAlone ? exportAdapter(directory, options) : exportWhole(directory, options));
    return { ...made, attributions: await attributionsOf(directory) };
  });
  const { attributions } = written;
  if (attributions.length > 0 && written.files.length > 0) {
    await writeFileDurable(join(out, noticeName), `Trained on, among others:\n\n${attributions.join('\n\n')}\n`);
    written.files.push(noticeName);
  }
  const { files, architecture, dtype, samples, modelfile: recipe } = written;
  const paths = files.length === 0 ? [out] : files.map((name) => join(out, name));
  const bytes = (await Promise.all(paths.map((each) => stat(each)))).reduce((sum, { size }) => sum + size, 0);
  const { format, json, quiet } = options;
  const replayed = options.replay ? samples : 0;
  if (json) {
    const result = { path: shownPath(out), format, dtype, architecture, bytes, files, replayed };
    printJson({ type: 'result', ...result, ...(recipe && { modelfile: shownPath(recipe) }) });
  } else if (!quiet) {
    printLine(`wrote  ${shownPath(out)}  ${architecture}, ${dtype}, ${formatBytes(bytes)}`);
    const what = format === 'gguf' ? 'written' : 'written and read back';
    for (const text of attributions) printLine(`names  ${verbatim(printable(text))}`);
    if (replayed > 0) printLine(`chats  ${countOf(replayed, 'sample conversation')} ${what} as in training`);
    if (recipe !== undefined) {
      printLine(`wrote  ${shownPath(recipe)}, what Ollama makes a model of it by`);
      printLine(`next   ${commandLine('ollama', 'create', parse(out).name, '-f', shownPath(recipe))}`);
    }
  }
}

interface Written {
  /** Empty where `out` itself is the file. */
  files: string[];
  architecture: string;
  dtype: GgufFileDtype;
  /** Sample conversations that its training stored. */
  samples: number;
  /** Path of what Ollama reads beside a GGUF. */
  modelfile?: string;
}

/**
 * Where the Modelfile of a GGUF goes: `Modelfile` beside it; where there is one already, under the name of the GGUF. Asked
 * before the GGUF is written: a refusal after it would leave a file that the next try is refused for.
 */
async function freeModelfile(gguf: string): Promise<string> {
  const usual = join(dirname(gguf), 'Modelfile');
  const isTaken = resolve(usual) === resolve(gguf) || (await lstat(usual).catch(ifAbsent(undefined))) !== undefined;
  const path = isTaken ? `${gguf.replace(/\.gguf$/i, '')}.Modelfile` : usual;
  await refuseExisting(path);
  return path;
}

/** A whole model; an adapter merged into its base. */
async function exportWhole(directory: string, options: ExportOptions): Promise<Written> {
  const { format, out, verify, base, replay } = options;
  const checkpoint = await openCheckpoint(directory, { verify, base });
  const tokenizer = format === 'gguf' ? await Tokenizer.open(checkpoint.tokenizerFolder) : undefined;
  printNotes(checkpoint, options);
  const dtype: GgufFileDtype = options.dtype ?? checkpoint.manifest.storedAs ?? 'f32';
  checkTensors(decoderTable(checkpoint.model), checkpoint.weights, checkpoint.path);
  let written: string | undefined;
  const files = await removedWhenKilled(out, async () => {
    if (format === 'hf' && !isQuantized(dtype)) {
      return exportHf(out, checkpoint, { dtype, maxShardBytes: options.maxShardSize, replay });
    }
    const recipe = tokenizer && { ...modelfile(checkpoint, tokenizer, basename(out)), path: await freeModelfile(out) };
    await writeGguf(out, checkpoint, { dtype, tokenizer, replace: false, replay });
    if (recipe === undefined) return [];
    if (recipe.note !== undefined) printNotes({ notes: [recipe.note] }, options);
    await refuseExisting(recipe.path); // it took a while
    await writeFileAtomic(recipe.path, recipe.text);
    written = recipe.path;
    return [];
  });
  const samples = samplesIn(checkpoint.tokenizerFiles, out);
  const learntTurns = !['pretrain', 'import'].includes(checkpoint.manifest.stage);
  if (samples === 0 && learntTurns && options.replay) printNotes({ notes: [withoutSamples] }, options);
  return { files, architecture: checkpoint.model.architectures[0], dtype, samples, modelfile: written };
}

/** An adapter as it is: PEFT's folder, or the file that llama.cpp applies to the GGUF of its base. */
async function exportAdapter(directory: string, options: ExportOptions): Promise<Written> {
  const { format, out } = options;
  const alone = await openAdapterAlone(directory, options);
  printNotes({ notes: [...alone.config.notes, ...alone.tensors.notes] }, options);
  const stored = await adapterDtype(directory);
  const dtype: FloatDtype = isQuantized(options.dtype) ? stored : (options.dtype ?? stored);
  const files = await removedWhenKilled(out, async () => {
    if (format === 'hf') return exportPeft(out, alone, { dtype, replay: options.replay });
    await writeGgufAdapter(out, alone, { dtype, name: basename(directory) });
    return [];
  });
  const { texts } = await readServingFiles(directory);
  const samples = samplesIn(texts, out);
  return {
    files,
    samples,
    dtype,
    architecture: `adapter of rank ${alone.config.rank} for ${alone.model.architectures[0]}`,
  };
}

const withoutSamples =
  'this checkpoint has no sample conversations, as those of earlier versions have none: what its template writes was not compared with its training';

function samplesIn({ [chatSamplesName]: text }: Readonly<Record<string, string>>, where: string): number {
  return text === undefined ? 0 : parseChatSamples(text, where).samples.length;
}

function checkAdapterOptions(where: string, options: ExportOptions, isAdapter: boolean): void {
  const { merge, base, dtype, maxShardSize } = options;
  const flag = merge ? '--merge' : '--base';
  if (!isAdapter && (merge || base !== undefined)) {
    throw new UserError({ where, what: `${flag} is for an adapter`, why: 'this is a whole model', next: 'Omit it' });
  }
  if (!isAdapter || merge) return;
  const next = 'Omit it, or write the merged model with --merge';
  if (isQuantized(dtype)) {
    throw new UserError({
      where,
      what: `--dtype ${dtype} is for a whole model`,
      why: 'rows of B are shorter than its blocks',
      next,
    });
  }
  if (maxShardSize !== undefined) {
    throw new UserError({ where, what: '--max-shard-size is for a whole model', why: 'an adapter is one file', next });
  }
}

function isQuantized(dtype: GgufFileDtype | undefined): dtype is 'q8_0' | 'q4_K_M' {
  return dtype === 'q8_0' || dtype === 'q4_K_M';
}

function checkOptions({ format, dtype, maxShardSize }: ExportOptions): void {
  if (format === 'hf' && isQuantized(dtype)) {
    throw new UserError({
      what: `Hugging Face directories hold no ${dtype}`,
      next: 'Use --format gguf, or one of --dtype f32, f16, bf16',
    });
  }
  if (format === 'gguf' && maxShardSize !== undefined) {
    throw new UserError({ what: '--max-shard-size is for --format hf', why: 'a GGUF is one file', next: 'Omit it' });
  }
}
