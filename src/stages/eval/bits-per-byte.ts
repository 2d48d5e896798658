// Bits per byte of held-out text: Σ nats / (ln 2 · Σ UTF-8 bytes). Unlike perplexity it does not depend on the
// tokenizer. Special tokens are predicted but neither their nats nor any bytes of theirs are counted.
import { setImmediate } from 'node:timers/promises';
import { Interrupted } from '../../base/errors.js';
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
  interrupt: { readonly requested: boolean } = { requested: false },
): Promise<Metrics> {
  const nats = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (const [language, chosen] of await chooseDocuments(documents, tokensPerLanguage)) {
    const sequences = chosen.map((document) => textOnly(document));
    const shape = { rows, columns: model.config.max_position_embeddings, padId: model.config.pad_token_id };
    let sum = 0;
    for (const batch of batchesOnce(sequences, shape)) {
      if (interrupt.requested) throw new Interrupted('stopped while measuring bits per byte');
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

/** Without the closing <|endoftext|>: it stands for no bytes. */
function textOnly({ id, tokens }: TokenDocument): TokenSequence {
  return { id, tokens: tokens.subarray(0, tokens.length - 1) };
}

/** In a fixed shuffled order, so that a limit does not mean "the first source only". */
async function chooseDocuments(documents: TokenDocuments, limit: number): Promise<Map<string, TokenDocument[]>> {
  const languages = new Set(
    documents.manifest.counts.flatMap(({ split, language }) => (split === 'validation' ? [language] : [])),
  );
  const order = Random.stream(0, 'held-out').shuffle(Uint32Array.from({ length: documents.length }, (_, i) => i));
  const chosen = new Map<string, TokenDocument[]>();
  const counted = new Map<string, number>();
  for (const index of order) {
    const document = await documents.get(index);
    const { language } = document;
    const soFar = counted.get(language) ?? 0;
    if (soFar >= limit) continue;
    counted.set(language, soFar + document.tokens.length);
    const others = chosen.get(language);
    if (others === undefined) chosen.set(language, [document]);
    else others.push(document);
    if ([...languages].every((each) => (counted.get(each) ?? 0) >= limit)) break;
  }
  return chosen;
}
