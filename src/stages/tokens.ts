// Documents + vocabulary → token shards, for both splits. It has no knobs of its own.
import { tokenizeDocuments } from '../data/shards.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Stage } from './stage.js';

export const tokensStage: Stage<null> = {
  async run({ inputs, directory, reporter, signal }) {
    const tokenizer = await Tokenizer.open(inputs.tokenizer ?? '');
    return tokenizeDocuments({ dataPath: inputs.data ?? '', tokenizer, directory, reporter, signal });
  },
};
