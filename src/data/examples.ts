// What a report quotes of the documents. It is scrubbed whatever the filters are, and cut only after that: a report is
// read by more people than a corpus is.
import { scrubText } from './filters/scrub.js';

const quoted = 80;
/** Scrubbed together, so that a number is not cut in half before it is recognised. */
const looked = 400;
/** What is shown before the place of an edit. */
const lead = 20;

/** `"before" → "after"` around the place of an edit; only what came out of it where the difference is personal. */
export function quoteEdit(before: string, after: string, kind: string): string {
  const placeholder = after.indexOf(`<${kind}>`);
  let place = placeholder;
  if (placeholder === -1) for (place = 0; place < before.length && before[place] === after[place]; ) place++;
  const [old, edited] = [before, after].map((text) => quote(text, place));
  return placeholder !== -1 || old === edited ? edited : `${old} → ${edited}`;
}

/** How the text begins, or reads around `place`, as a JSON string. */
export function quote(text: string, place = 0): string {
  const from = Math.max(0, place - looked);
  const window = text.slice(from, place + looked);
  const start = (scrubText(text.slice(from, place))?.text ?? text.slice(from, place)).length;
  const clean = scrubText(window)?.text ?? window;
  const part = clean.slice(Math.max(0, start - lead), Math.max(0, start - lead) + quoted);
  return JSON.stringify(`${start > lead ? '…' : ''}${part}${part.length === quoted ? '…' : ''}`);
}
