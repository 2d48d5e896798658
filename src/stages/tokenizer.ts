// Documents → vocabulary: trains the byte-level BPE on the training split, or gives a tokenizer that exists more tokens from
// it, and writes Hugging Face's tokenizer files.
import { join } from 'node:path';
import { stopIfAborted, UserError } from '../base/errors.js';
import { digestOf, writeFileAtomic } from '../base/files.js';
import { tokenizerFolder } from '../checkpoint/tokenizer-folder.js';
import type { TokenizerConfig } from '../config/pipeline.js';
import { readDocuments } from '../data/documents.js';
import { readDataManifest } from '../data/manifest.js';
import { extendTokenizer } from '../tokenizer/extend.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import { type TrainProgress, type TrainText, type TrainTextOptions, trainTokenizer } from '../tokenizer/train.js';
import type { Stage } from './stage.js';

/** As many tokens as `extend` adds where nothing is said. */
const defaultAdd = 8192;
/** There is nothing to save: training starts again, and takes seconds. */
const stopped = 'stopped while training the tokenizer';

export const tokenizerStage: Stage<TokenizerConfig> = {
  /** What stands beside the tokenizer.json that is extended goes along. */
  inputDigest: async ({ config: { extend } }) =>
    extend === undefined ? undefined : digestOf((await readTokenizerFiles(await tokenizerFolder(extend))).texts),
  async check({ config: { extend, add } }) {
    if (extend === undefined && add !== undefined) {
      throw new UserError({
        what: 'tokenizer.add says how many tokens to add, but not to what',
        next: 'Name a tokenizer as tokenizer.extend, or use tokenizer.vocabSize to train one',
      });
    }
    if (extend === undefined) return;
    await Tokenizer.open(await tokenizerFolder(extend));
  },
  async run({ config, inputs, directory, reporter, signal }) {
    const { total: corpus } = await readDataManifest(inputs.data ?? '');
    const onProgress = ({ phase, done, total }: TrainProgress): void => {
      stopIfAborted(signal, stopped);
      const isReading = phase === 'reading';
      // A small corpus ends before the limit.
      const end = isReading ? Math.max(done, Math.min(total, corpus.train.bytes)) : total;
      reporter.emit({ type: 'progress', label: phase, done, total: end, unit: isReading ? 'bytes' : 'tokens' });
    };
    const text = sample(inputs.data ?? '', config.trainBytes / corpus.train.bytes, signal);
    const reading = { maxBytes: config.trainBytes, balance: config.balance, onProgress };
    const { tokenizer, wanted } = await makeTokenizer(config, text, reading);
    if (tokenizer.vocabSize < wanted) {
      reporter.note('warning', `the text has pairs for only ${tokenizer.vocabSize} of the ${wanted} tokens asked for`);
    }
    const files = tokenizer.files();
    for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(directory, name), text);
    return { path: directory, digest: digestOf(files), metrics: { vocabSize: tokenizer.vocabSize } };
  },
};

async function makeTokenizer(
  { extend, add = defaultAdd, vocabSize, template, ...rest }: TokenizerConfig,
  texts: AsyncIterable<TrainText>,
  reading: TrainTextOptions,
): Promise<{ tokenizer: Tokenizer; wanted: number }> {
  if (extend === undefined) {
    const tokenizer = await trainTokenizer(texts, { ...rest, ...reading, vocabSize, template });
    return { tokenizer, wanted: vocabSize };
  }
  const base = await Tokenizer.open(await tokenizerFolder(extend));
  const extended = add === 0 ? base : await extendTokenizer(base, texts, { ...reading, add });
  const tokenizer = template === undefined ? extended : extended.withTemplate(template, extend);
  return { tokenizer, wanted: base.vocabSize + add };
}

/** About that share, spread evenly over the corpus: it is in the order of its sources, and each is to be heard. */
async function* sample(path: string, share: number, signal: AbortSignal | undefined): AsyncGenerator<TrainText> {
  let seen = 0;
  let taken = 0;
  for await (const { text, language } of readDocuments(path, 'train')) {
    stopIfAborted(signal, stopped);
    const bytes = Buffer.byteLength(text);
    if (taken <= share * seen) {
      taken += bytes;
      yield { text, group: language };
    }
    seen += bytes;
  }
}
