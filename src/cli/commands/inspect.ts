// mossctl inspect: what a checkpoint is, or the tokens that it makes of a text or of a row.
import { stat } from 'node:fs/promises';
import { UserError } from '../../base/errors.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import type { LossChoice } from '../../config/sft.js';
import { openChatFormat } from '../../inference/chat-format.js';
import { inspectCheckpoint } from '../../inspect/checkpoint.js';
import { inspectGguf, isGguf } from '../../inspect/gguf.js';
import { rowTokens, textTokens } from '../../inspect/tokens.js';
import { ggufText, inspectionText } from '../inspection-text.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, warnOnStderr } from '../output.js';
import { tokensText } from '../tokens-text.js';

interface InspectOptions extends OutputOptions {
  text?: string;
  row?: string;
  /** Of --row: as sft.loss. */
  loss?: LossChoice;
  /** False with --no-verify. */
  verify: boolean;
}

export async function inspect(path: string, options: InspectOptions): Promise<void> {
  if (await isGguf(path)) return inspectGgufFile(path, options);
  if (options.text !== undefined || options.row !== undefined) return inspectTokens(path, options);
  const inspection = await withCheckpoint(path, async (directory) => {
    const found = await inspectCheckpoint(directory, options);
    if (found.faults.length > 0) await stat(directory); // it may have been deleted, which is no fault of its own
    return found;
  });
  if (options.json) printJson({ type: 'result', ...inspection });
  else printLine(inspectionText(inspection, path));
  if (inspection.faults.length > 0) throw new UserError(inspection.faults);
}

async function inspectGgufFile(path: string, { text, row, json }: InspectOptions): Promise<void> {
  if (text !== undefined || row !== undefined) {
    throw new UserError({
      what: 'a GGUF file makes no tokens here',
      where: path,
      why: 'mossctl writes GGUF for llama.cpp and Ollama, and reads only its header',
      next: 'Name the checkpoint that it was exported from',
    });
  }
  const inspection = await inspectGguf(path);
  if (json) printJson({ type: 'result', ...inspection });
  else {
    printLine(ggufText(inspection));
    for (const warning of inspection.warnings) warnOnStderr(warning);
  }
}

async function inspectTokens(path: string, { text, row, loss, json }: InspectOptions): Promise<void> {
  const format = await withCheckpoint(path, openChatFormat);
  const report = row === undefined ? textTokens(format, text ?? '') : await rowTokens(format, ...placeOf(row), loss);
  if (json) {
    printJson({ type: 'result', ...report });
    return;
  }
  printLine(tokensText(report));
  for (const warning of report.warnings) warnOnStderr(warning);
}

/** `FILE:N`; a file's name may have colons of its own. */
function placeOf(text: string): [path: string, line: number] {
  const [, path, line] = /^(.+):(\d{1,9})$/.exec(text) ?? [];
  if (path !== undefined && Number(line) > 0) return [path, Number(line)];
  throw new UserError({
    what: `--row ${text} names no row`,
    why: 'a file and the number of a line in it, from 1, were expected',
    next: 'For example: --row conversations.jsonl:1',
  });
}
