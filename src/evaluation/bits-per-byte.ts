// Bits per byte of held-out text: Σ nats / (ln 2 · Σ UTF-8 bytes). Unlike perplexity it does not depend on the
// tokenizer. Special tokens are predicted but neither their nats nor any bytes of theirs are counted.
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted } from '../base/errors.js';
import { Random } from '../base/random.js';
import { batchesOnce } from '../data/sequences.js';
import type { TokenDocument, TokenDocuments } from '../data/shards.js';
import type { TokenSequence } from '../data/types.js';
import { notFiniteOutput } from '../inference/not-finite.js';
import type { Model } from '../model/model.js';
import { readResult } from '../tensor/host.js';
import { sequenceLogProbabilities } from '../train/objectives/sequence-log-probabilities.js';
import type { MeasuredText } from './measurements.js';

/** Rows of one evaluation batch. */
const rows = 8;
/** The context of a published model may be 131,072 tokens: a batch of such rows fits into no memory. */
const maxColumns = 2048;

/** Nats of documents that `chooseHeldOut` chose. @throws UserError where the model's output is no number. */
export async function measureHeldOut(
  model: Model,
  chosen: readonly TokenDocument[],
  signal?: AbortSignal,
): Promise<MeasuredText[]> {
  const nats = new Map<string, number>();
  const columns = Math.min(model.config.max_position_embeddings, maxColumns);
  const shape = { rows, columns, padId: model.config.pad_token_id };
  for (const batch of batchesOnce(chosen.map(textOnly), shape)) {
    stopIfAborted(signal, 'stopped while measuring bits per byte');
    const logProbabilities = await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities);
    // A long document continues in the next batch.
    for (const [i, id] of batch.ids.entries()) nats.set(id, (nats.get(id) ?? 0) - logProbabilities[i]);
    await setImmediate();
  }
  if (![...nats.values()].every(Number.isFinite)) throw notFiniteOutput();
  return chosen.map(({ id, source, language, bytes }) => ({ id, source, language, bytes, nats: nats.get(id) ?? 0 }));
}

/** Without the closing <|endoftext|>: it stands for no bytes. */
function textOnly({ id, tokens }: TokenDocument): TokenSequence {
  return { id, tokens: tokens.subarray(0, tokens.length - 1) };
}

/**
 * Whole documents, the same ones every time, until `tokensPerLanguage` is reached in each language. In a fixed shuffled
 * order, so that a limit does not mean "the first source only".
 * @param purpose What is decided by text is not reported on it: a decision takes from the end of the order, and at most half of a
 * language, so that the two meet only where a table takes more than the other half.
 */
export async function chooseHeldOut(
  documents: Pick<TokenDocuments, 'manifest' | 'length' | 'get'>,
  tokensPerLanguage: number,
  purpose: 'table' | 'decision' = 'table',
): Promise<TokenDocument[]> {
  const available = new Map<string, number>();
  for (const { split, language, tokens } of documents.manifest.counts)
    if (split === 'validation') available.set(language, (available.get(language) ?? 0) + tokens);
  const isDecision = purpose === 'decision';
  const limitOf = (language: string): number =>
    isDecision ? Math.min(tokensPerLanguage, (available.get(language) ?? 0) / 2) : tokensPerLanguage;
  const order = Random.stream(0, 'held-out').shuffle(Uint32Array.from({ length: documents.length }, (_, i) => i));
  if (isDecision) order.reverse();
  const chosen: TokenDocument[] = [];
  const counted = new Map<string, number>();
  for (const index of order) {
    const document = await documents.get(index);
    const { language } = document;
    const soFar = counted.get(language) ?? 0;
    if (soFar >= limitOf(language)) continue;
    counted.set(language, soFar + document.tokens.length);
    chosen.push({ ...document, tokens: document.tokens.slice() }); // a view would keep its neighbours in memory
    if ([...available.keys()].every((each) => (counted.get(each) ?? 0) >= limitOf(each))) break;
  }
  // Neighbours of one language are of like length: less padding.
  return chosen.sort((a, b) => (a.language < b.language ? -1 : Number(a.language > b.language)));
}
