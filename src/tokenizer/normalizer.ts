// Unicode normalization of tokenizer.json: none, or NFC.

export type Normalize = (text: string) => string;

/** No normalization. */
export const unchanged: Normalize = (text) => text;

/** Marks in a row that are put in order together: for longer runs the engine's sorting takes quadratic time. */
const longMarks = /\p{M}{129}/u;
const stretches = /\P{M}*\p{M}{0,128}/gu;

/** NFC. Of more than 128 marks in a row, which no language writes, each 128 are normalized for themselves. */
export function nfc(text: string): string {
  if (!longMarks.test(text)) return text.normalize('NFC');
  return (text.match(stretches) ?? []).map((stretch) => stretch.normalize('NFC')).join('');
}

/** What a tokenizer.json's `normalizer` does: nothing, NFC, or a Sequence of NFCs; undefined for anything else. */
export function findNormalizer(json: unknown): Normalize | undefined {
  if (json === null || json === undefined) return unchanged;
  const { type, normalizers } = json as Record<string, unknown>;
  const list: unknown[] = type === 'Sequence' && Array.isArray(normalizers) ? (normalizers as unknown[]) : [json];
  if (list.length === 0) return unchanged;
  return list.every((item) => (item as { type?: unknown } | null)?.type === 'NFC') ? nfc : undefined;
}
