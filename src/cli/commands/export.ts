// mossctl export: a checkpoint for other tools, as a Hugging Face directory or as one GGUF file.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decoderTable } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { removeAbandoned } from '../../base/files.js';
import { formatBytes } from '../../base/format.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import { writeGguf } from '../../checkpoint/gguf.js';
import { exportHf, refuseExisting } from '../../checkpoint/hf-export.js';
import type { GgufDtype } from '../../checkpoint/quantize.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import { checkTensors } from '../../model/check-tensors.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, printNotes, shownPath } from '../output.js';
import { removedWhenKilled } from '../signals.js';

interface ExportOptions extends OutputOptions {
  format: 'hf' | 'gguf';
  /** Default: as the published model came, else f32. */
  dtype?: GgufDtype;
  out: string;
  maxShardSize?: number;
  /** False with --no-verify. */
  verify: boolean;
}

export async function exportModel(path: string, options: ExportOptions): Promise<void> {
  const { format, out } = options;
  checkOptions(options);
  await refuseExisting(out);
  await removeAbandoned(out);
  const { checkpoint, tokenizer } = await withCheckpoint(path, async (directory) => {
    const checkpoint = await openCheckpoint(directory, { verify: options.verify });
    return { checkpoint, tokenizer: format === 'gguf' ? await Tokenizer.open(checkpoint.tokenizerFolder) : undefined };
  });
  printNotes(checkpoint, options);
  const dtype: GgufDtype = options.dtype ?? checkpoint.manifest.storedAs ?? 'f32';
  checkTensors(decoderTable(checkpoint.model), checkpoint.weights, checkpoint.path);
  const files = await removedWhenKilled(out, async () => {
    if (format === 'hf' && dtype !== 'q8_0') {
      return exportHf(out, checkpoint, { dtype, maxShardBytes: options.maxShardSize });
    }
    await writeGguf(out, checkpoint, { dtype, tokenizer, replace: false });
    return [];
  });
  const written = files.length === 0 ? [out] : files.map((name) => join(out, name));
  const bytes = (await Promise.all(written.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);
  const [architecture] = checkpoint.model.architectures;
  if (options.json) printJson({ type: 'result', path: shownPath(out), format, dtype, architecture, bytes, files });
  else if (!options.quiet) printLine(`wrote  ${shownPath(out)}  ${architecture}, ${dtype}, ${formatBytes(bytes)}`);
}

function checkOptions({ format, dtype, maxShardSize }: ExportOptions): void {
  if (format === 'hf' && dtype === 'q8_0') {
    throw new UserError({
      what: 'Hugging Face directories hold no q8_0',
      next: 'Use --format gguf, or one of --dtype f32, f16, bf16',
    });
  }
  if (format === 'gguf' && maxShardSize !== undefined) {
    throw new UserError({ what: '--max-shard-size is for --format hf', why: 'a GGUF is one file', next: 'Omit it' });
  }
}
