// What a tokenizer.json's post-processor puts before and after a text: Llama 3 begins every text with
// <|begin_of_text|>. Our encoding leaves it out, as control tokens are written by code that means them.

export interface Affixes {
  before: number[];
  after: number[];
}

const none: Affixes = { before: [], after: [] };

/** The ids around a single text; undefined for a post-processor that we do not know. */
export function readAffixes(json: unknown): Affixes | undefined {
  if (json === null || json === undefined) return none;
  const { type, processors } = json as { type?: unknown; processors?: unknown };
  if (type !== 'Sequence') return affixesOf(json);
  if (!Array.isArray(processors) || processors.length > 8) return undefined;
  const all = (processors as unknown[]).map(affixesOf);
  if (all.includes(undefined)) return undefined;
  const known = all as Affixes[];
  return {
    before: known.flatMap(({ before }) => before),
    after: known.flatMap(({ after }) => after),
  };
}

interface TemplateProcessing {
  type?: unknown;
  single?: unknown;
  special_tokens?: Record<string, { ids?: unknown }> | null;
}

/** TemplateProcessing's `single` is a list of special tokens and, once, the text `A`. */
function affixesOf(json: unknown): Affixes | undefined {
  const { type, single, special_tokens: specials } = (json ?? {}) as TemplateProcessing;
  if (type === 'ByteLevel') return none;
  if (type !== 'TemplateProcessing' || !Array.isArray(single) || single.length > 16) return undefined;
  const affixes: Affixes = { before: [], after: [] };
  let texts = 0;
  for (const item of single as ({ SpecialToken?: { id?: unknown }; Sequence?: unknown } | null)[]) {
    const name = item?.SpecialToken?.id;
    if (item?.Sequence !== undefined) texts++;
    else if (typeof name !== 'string' || !Object.hasOwn(specials ?? {}, name)) return undefined;
    else {
      const ids = specials?.[name]?.ids;
      if (!Array.isArray(ids) || ids.length > 16 || !ids.every((id) => Number.isInteger(id) && id >= 0))
        return undefined;
      (texts === 0 ? affixes.before : affixes.after).push(...(ids as number[]));
    }
  }
  return texts === 1 ? affixes : undefined;
}
