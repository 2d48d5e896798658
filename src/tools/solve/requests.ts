// The words around equations that say what to do, as people and models write them, out of the way: what is left are equations
// and what is asked for, with ; between them. `find x and y if 2x=y; x+y=3` becomes `;x;y; 2x=y; x+y=3`, `2x=4, 求x` `2x=4;x;`.

/** Only in front of something that is asked for: alone, or in front of a sign, each is the name of an unknown. */
const verb = String.raw`(?:(?:please\s+)?(?:solve(?:\s+for)?|find|determine|compute|calculate|what\s+(?:is|are))\s+(?:the\s+values?\s+of\s+)?|(?:求解?|解出)\s*)(?=[\p{L}\d(])`;
const given = String.raw`(?:if|when|where|given(?:\s+that)?|such\s+that|from|in)`;
const start = String.raw`(?<=^|[;,\n]\s*|\s)`;

const request = new RegExp(String.raw`${start}${verb}([^=:;,\n]+?)\s*(?:[:;,\n]|$|\b${given}\b)`, 'giu');
/** A verb in front of an equation, or what introduces one. */
const introduction = new RegExp(
  String.raw`(?<=^|[;,\n])\s*(?:${verb}|(?:given(?:\s+that)?|if|let|suppose)\s+(?=[\p{L}\d(])|(?:已知|若|如果|解方程组?|解)\s*[:(]?|solve\s*[:(])`,
  'giu',
);
const trailing = /\b(?:solve\s+)?for\s+(?=\p{L}\w*(?:\s*(?:,|and)\s*\p{L}\w*)*\s*$)/iu;

/** @param text with plain signs */
export function withoutRequests(text: string): string {
  return text
    .replace(/[.?。]\s*$/, (end, at: number) => (/=\s*$/.test(text.slice(0, at)) ? end : ''))
    .replace(trailing, ';')
    .replace(request, (_, asked: string) => `;${asked.replace(/的值\s*$|\?/g, '').replace(/[和与、]/g, ';')};`)
    .replace(introduction, (found) => (found.endsWith('(') ? '(' : ''))
    .replace(/\s+and\s+/gi, ';');
}
