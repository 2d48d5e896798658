// Memorisation of training text (Carlini et al. 2021, 2023): the first tokens of a document that was trained on are given, and
// the model continues greedily; a passage counts where the next tokens come word for word. Documents that were held out
// show what can be guessed without having seen it.
import { Random } from '../../base/random.js';
import type { Unit } from '../../base/statistics.js';
import { greedy } from '../../config/sampling.js';
import type { TokenDocuments } from '../../data/shards.js';
import type { LocalModel } from '../../inference/local-model.js';

export interface Passage {
  id: string;
  language: string;
  /** With the token that starts a document. */
  prompt: number[];
  continuation: number[];
}

/** Tokens given, and as many asked for; fewer where the context is short. */
const passageTokens = 32;
const passagesPerLanguage = 100;
/** A corpus of nothing but short documents is not read to its end. */
const maxLooked = 20_000;

export function passageLength(contextLength: number): number {
  return Math.min(passageTokens, (contextLength - 1) >> 1);
}

/** Documents that are long enough, the same ones every time, up to a hundred in each language. */
export async function choosePassages(
  documents: Pick<TokenDocuments, 'length' | 'get'>,
  contextLength: number,
): Promise<Passage[]> {
  const length = passageLength(contextLength);
  const order = Random.stream(0, 'passages').shuffle(Uint32Array.from({ length: documents.length }, (_, i) => i));
  const byLanguage = new Map<string, Passage[]>();
  for (const index of order.subarray(0, maxLooked)) {
    const { id, language, tokens } = await documents.get(index);
    const passages = byLanguage.get(language) ?? [];
    byLanguage.set(language, passages);
    // Without what starts and what ends the document.
    if (tokens.length - 2 < 2 * length || passages.length >= passagesPerLanguage) continue;
    const prompt = Array.from(tokens.subarray(0, 1 + length));
    passages.push({ id, language, prompt, continuation: Array.from(tokens.subarray(1 + length, 1 + 2 * length)) });
  }
  return [...byLanguage.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, passages]) => passages);
}

/** What the model writes after each prompt, as many tokens as the continuation has. */
export async function continuePassages(
  { engine }: Pick<LocalModel, 'engine'>,
  passages: readonly Passage[],
  signal?: AbortSignal,
): Promise<number[][]> {
  return Promise.all(
    passages.map(async ({ prompt, continuation }) => {
      const request = { tokens: prompt, maxNewTokens: continuation.length, sampling: greedy, stopIds: [], seed: 0 };
      const [{ tokens }] = await engine.submit({ ...request, signal });
      return [...tokens];
    }),
  );
}

/** 1 for each passage that came back word for word. */
export function verbatimUnits(passages: readonly Passage[], written: readonly (readonly number[])[]): Unit[] {
  return passages.map(({ id, continuation }, i) => {
    const isVerbatim = continuation.every((token, at) => written[i][at] === token);
    return { id, value: Number(isVerbatim), weight: 1 };
  });
}
