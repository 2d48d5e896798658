// Documents → vocabulary: trains the byte-level BPE on the training split and writes Hugging Face's tokenizer files.
import { join } from 'node:path';
import { Interrupted } from '../base/errors.js';
import { digestOf, writeFileAtomic } from '../base/files.js';
import type { TokenizerConfig } from '../config/pipeline.js';
import { readDocuments } from '../data/documents.js';
import { readDataManifest } from '../data/manifest.js';
import { type TrainProgress, type TrainText, trainTokenizer } from '../tokenizer/train.js';
import type { Job, Stage } from './stage.js';

export const tokenizerStage: Stage<TokenizerConfig> = {
  name: 'tokenizer',
  needs: ['data'],
  async run({ config, inputs, directory, reporter, interrupt }) {
    const onProgress = ({ phase, done, total }: TrainProgress): void => {
      stopIfAsked(interrupt);
      const unit = phase === 'reading' ? 'bytes' : 'tokens';
      reporter.emit({ type: 'progress', stage: 'tokenizer', label: phase, done, total, unit });
    };
    const tokenizer = await trainTokenizer(sample(inputs.data ?? '', config.trainBytes, interrupt), {
      vocabSize: config.vocabSize,
      maxBytes: config.trainBytes,
      balance: config.balance,
      reserved: config.reserved,
      onProgress,
    });
    if (tokenizer.vocabSize < config.vocabSize) {
      const text = `the text has pairs for only ${tokenizer.vocabSize} of the ${config.vocabSize} tokens asked for`;
      reporter.emit({ type: 'note', stage: 'tokenizer', level: 'warning', text });
    }
    const files = tokenizer.files();
    for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(directory, name), text);
    return { path: directory, digest: digestOf(files), metrics: { vocabSize: tokenizer.vocabSize } };
  },
};

/** About `wanted` bytes, spread evenly over the corpus: it is in the order of its sources, and each is to be heard. */
async function* sample(
  path: string,
  wanted: number,
  interrupt: Job<TokenizerConfig>['interrupt'],
): AsyncGenerator<TrainText> {
  const { total } = await readDataManifest(path);
  const share = wanted / total.train.bytes;
  let seen = 0;
  let taken = 0;
  for await (const { text, language } of readDocuments(path, 'train')) {
    stopIfAsked(interrupt);
    const bytes = Buffer.byteLength(text);
    if (taken <= share * seen) {
      taken += bytes;
      yield { text, group: language };
    }
    seen += bytes;
  }
}

/** There is nothing to save: training starts again, and takes seconds. */
function stopIfAsked(interrupt: Job<TokenizerConfig>['interrupt']): void {
  if (interrupt.requested) throw new Interrupted('stopped while training the tokenizer');
}
