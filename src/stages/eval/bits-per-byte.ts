// Bits per byte of held-out text: Σ nats / (ln 2 · Σ UTF-8 bytes). Unlike perplexity it does not depend on the
// tokenizer. Special tokens are predicted but neither their nats nor any bytes of theirs are counted.
import { setImmediate } from 'node:timers/promises';
import { Random } from '../../base/random.js';
import { batchesOnce } from '../../data/packing.js';
import type { TokenDocument, TokenDocuments } from '../../data/shards.js';
import type { TokenSequence } from '../../data/types.js';
import type { Model } from '../../model/parameters.js';
import type { Metrics } from '../../report/event.js';
import { tidy } from '../../tensor/tf.js';
import { negativeLogLikelihood } from '../../train/losses.js';

/** Rows of one evaluation batch. */
const rows = 8;

/**
 * `bitsPerByte.<language>` for every language of the split, and `bitsPerByte` over all bytes read.
 * Reads whole documents, the same ones every time, until `tokensPerLanguage` is reached in each.
 */
export async function heldOutBitsPerByte(
  model: Model,
  documents: TokenDocuments,
  tokensPerLanguage: number,
): Promise<Metrics> {
  const nats = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const [language, chosen] of await chooseDocuments(documents, tokensPerLanguage)) {
    const sequences = chosen.map((document) => textOnly(document));
    const shape = { rows, columns: model.config.max_position_embeddings, padId: model.config.pad_token_id };
    let sum = 0;
    for (const batch of batchesOnce(sequences, shape)) {
      sum += tidy(() => negativeLogLikelihood(model, batch).dataSync()[0]);
      await setImmediate();
    }
    nats.set(language, sum);
    bytes.set(
      language,
      chosen.reduce((total, document) => total + document.bytes, 0),
    );
  }
  const metrics: Metrics = {};
  for (const [language, sum] of [...nats].sort(([a], [b]) => (a < b ? -1 : 1))) {
    metrics[`bitsPerByte.${language}`] = sum / (Math.LN2 * Math.max(1, bytes.get(language) ?? 0));
  }
  const total = (of: Map<string, number>): number => [...of.values()].reduce((a, b) => a + b, 0);
  if (nats.size > 0) metrics.bitsPerByte = total(nats) / (Math.LN2 * Math.max(1, total(bytes)));
  return metrics;
}

/** The closing <|endoftext|> carries no loss here: it stands for no bytes. */
function textOnly({ id, tokens }: TokenDocument): TokenSequence {
  const loss = new Uint8Array(tokens.length).fill(1);
  loss[tokens.length - 1] = 0;
  return { id, tokens, loss };
}

/** In a fixed shuffled order, so that a limit does not mean "the first source only". */
async function chooseDocuments(documents: TokenDocuments, limit: number): Promise<Map<string, TokenDocument[]>> {
  const order = Random.stream(0, 'held-out').shuffle(Uint32Array.from({ length: documents.length }, (_, i) => i));
  const chosen = new Map<string, TokenDocument[]>();
  const counted = new Map<string, number>();
  for (const index of order) {
    const document = await documents.get(index);
    const soFar = counted.get(document.language) ?? 0;
    if (soFar >= limit) continue;
    counted.set(document.language, soFar + document.tokens.length);
    chosen.set(document.language, [...(chosen.get(document.language) ?? []), document]);
  }
  return chosen;
}
