// mossctl eval CHECKPOINT --text: bits per byte of plain files, for a model of ours or anyone's that has no run folder. A
// file is measured as `eval` measures a held-out document, so that the figures can stand side by side.
import { UserError } from '../../base/errors.js';
import { countOf, formatBytes, formatCount } from '../../base/format.js';
import type { TokenDocument } from '../../data/shards.js';
import { measureHeldOut } from '../../evaluation/bits-per-byte.js';
import { figuresOf, type MeasuredText, measureSources, measureTexts } from '../../evaluation/measurements.js';
import { LocalModel, type OpenedModel } from '../../inference/local-model.js';
import { resultsText } from '../../report/results-text.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { openChosenBackend } from '../compute.js';
import { columnLabels } from '../labels.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printLine, printNotes, shownPath, stdoutColumns } from '../output.js';
import { batchesOf, readSamples } from '../samples.js';

export interface EvalOptions extends RunOptions {
  /** Files to measure, in place of the tasks and held-out text of a run. */
  text?: string[];
}

export async function evaluateText(target: string | undefined, files: readonly string[], options: EvalOptions) {
  checkFlags(target, options);
  await openChosenBackend(options);
  const loaded = await LocalModel.open(target, options);
  printNotes(loaded, options);
  try {
    const texts: MeasuredText[] = [];
    let tokens = 0;
    for await (const documents of batchesOf(documentsOf(files, loaded.tokenizer))) {
      for (const document of documents) tokens += document.tokens.length - 2;
      texts.push(...(await measureHeldOut(loaded.model, documents)));
    }
    printFigures(loaded, texts, { ...options, tokens });
  } finally {
    await loaded.dispose();
  }
}

function checkFlags(target: string | undefined, options: EvalOptions): asserts target is string {
  const other = (['config', 'set', 'out', 'seed'] as const).find((name) => options[name] !== undefined);
  if (target !== undefined && other === undefined) return;
  throw new UserError(
    target === undefined
      ? {
          what: '--text needs a checkpoint to measure',
          next: 'Name a checkpoint, a run folder or a model folder: mossctl eval CHECKPOINT --text FILE',
        }
      : { what: `--${other} is about a run, but --text measures files`, next: `Omit --${other} or --text` },
  );
}

async function* documentsOf(files: readonly string[], tokenizer: Tokenizer): AsyncGenerator<TokenDocument> {
  const [first, last] = [tokenizer.documentStart, tokenizer.specialId('endOfText')];
  let count = 0;
  for (const file of files) {
    for await (const { text, language, domain } of readSamples(file)) {
      const tokens = Uint32Array.from([first, ...tokenizer.encode(text), last]);
      yield { id: String(count++), source: domain, language, bytes: Buffer.byteLength(text), tokens };
    }
  }
}

function printFigures(
  { checkpoint, quantize }: OpenedModel,
  texts: readonly MeasuredText[],
  { tokens, json }: OutputOptions & { tokens: number },
): void {
  const bytes = texts.reduce((sum, text) => sum + text.bytes, 0);
  if (bytes === 0) throw new UserError({ what: 'there is no text to measure', next: 'Check the files of --text' });
  const figures = figuresOf(new Map([...measureTexts(texts), ...measureSources(texts)]));
  const path = shownPath(checkpoint.path);
  if (json) {
    printJson({
      type: 'result',
      path,
      digest: checkpoint.digest,
      texts: texts.length,
      bytes,
      tokens,
      quantize,
      ...figures,
    });
    return;
  }
  const [label] = columnLabels([{ path, stage: checkpoint.manifest.stage }]);
  const columns = [{ label, checkpoint: path, ...figures }];
  printLine(resultsText({ columns }, { width: stdoutColumns() }));
  const size = `${formatCount(tokens)} tokens, ${formatBytes(bytes)}`;
  printLine(`\n${path}: ${size} in ${countOf(texts.length, 'text')}`);
}
