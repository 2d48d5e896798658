// mossctl score: how likely a model holds a text to be, as a whole, by sentence and by token.
import { formatCount, formatTable, printable } from '../../base/format.js';
import { Random } from '../../base/random.js';
import type { Quantization } from '../../config/compute.js';
import { LocalModel, type OpenedModel } from '../../inference/local-model.js';
import { scoreTexts, shuffled, type TextScore } from '../../inference/score.js';
import { visibleToken } from '../../inspect/visible.js';
import { openChosenBackend } from '../compute.js';
import type { ComputeOptions, OutputOptions } from '../options.js';
import { printJson, printLine, printNotes, printVerbatim, verbatim } from '../output.js';
import { batchesOf, stdinLines } from '../samples.js';

interface ScoreOptions extends OutputOptions, ComputeOptions {
  /** Shuffled versions of each text to score beside it. */
  shuffled: number;
  seed: number;
  verify: boolean;
  quantize?: Quantization;
}

export async function score(checkpoint: string, texts: readonly string[], options: ScoreOptions): Promise<void> {
  await openChosenBackend(options);
  const loaded = await LocalModel.open(checkpoint, options);
  printNotes(loaded, options);
  const random = Random.stream(options.seed, 'score-shuffles');
  try {
    for await (const batch of batchesOf(textsOf(texts))) {
      for (const [i, scored] of (await scoreTexts(loaded, batch)).entries()) {
        const versions = Array.from({ length: options.shuffled }, () => shuffled(batch[i], random));
        printScore(scored, await scoreTexts(loaded, versions), loaded, options);
      }
    }
  } finally {
    await loaded.dispose();
  }
}

/** Each argument is a text, else each line of stdin that is not empty. */
async function* textsOf(words: readonly string[]): AsyncGenerator<string> {
  yield* words;
  if (words.length === 0) for await (const line of stdinLines()) if (line !== '') yield line;
}

function printScore(
  scored: TextScore,
  versions: readonly TextScore[],
  { tokenizer }: OpenedModel,
  { json }: ScoreOptions,
): void {
  const { text, tokens, sentences, total, bytes, bitsPerByte } = scored;
  if (json) {
    printJson({
      type: 'score',
      text,
      tokens: tokens.map(({ id, logProbability }) => ({ id, text: tokenizer.decode([id]), logprob: logProbability })),
      sentences: sentences.map(({ logProbability, ...rest }) => ({ ...rest, logprob: logProbability })),
      ...{ total, bytes, bitsPerByte },
      ...(versions.length > 0 && {
        shuffled: versions.map((each) => ({ text: each.text, total: each.total, bitsPerByte: each.bitsPerByte })),
      }),
    });
    return;
  }
  const rows = tokens.map(({ id, logProbability }, i) => [
    ...[String(i + 1), visibleToken(tokenizer, id), String(id)],
    ...[logProbability.toFixed(3), probability(logProbability)],
  ]);
  printVerbatim(formatTable(['', 'token', 'id', 'log p', 'p'], rows));
  if (sentences.length > 1) {
    const cells = sentences.map((each) => {
      return [verbatim(printable(each.text.trim())), formatCount(each.tokens), each.logProbability.toFixed(2)];
    });
    printLine(`\n${formatTable(['sentence', 'tokens', 'log p'], cells)}`);
  }
  const size = `${formatCount(tokens.length)} tokens, ${formatCount(bytes)} bytes`;
  printLine(`\ntotal: log p = ${total.toFixed(3)} nats over ${size} = ${bitsPerByte.toFixed(3)} bits per byte`);
  for (const each of versions) {
    printLine(
      `shuffled: log p = ${each.total.toFixed(3)} (${signed(each.total - total)})  ${verbatim(printable(each.text))}`,
    );
  }
  printLine('');
}

function probability(logProbability: number): string {
  const share = 100 * Math.exp(logProbability);
  return `${share < 0.1 ? share.toExponential(1) : share.toFixed(share < 10 ? 1 : 0)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
