// Few long texts: of six novels, one held out whole would be a sixth of the text. So each gives its end, as much of it as is to
// be held out; with more texts than that whole ones are held out, which a model has read no line of.
import type { SourceSpec } from './spec.js';

/** Characters below which an end says little. */
const minEnd = 500;

/** @param files of the source. */
export function endsAreHeldOut(source: SourceSpec, files: number, share: number): boolean {
  return source.format === 'txt' && source.split === 'file' && source.separator === undefined && files * share < 1;
}

/** The text in two, between lines where there is one near; undefined where its end would be too short. */
export function cutEnd(text: string, share: number): { start: string; end: string } | undefined {
  const wanted = Math.round(text.length * share);
  if (wanted < minEnd) return undefined;
  const at = text.length - wanted;
  const lines = [text.indexOf('\n', at), text.lastIndexOf('\n', at)];
  const line = lines.find((end) => end !== -1 && Math.abs(end - at) <= wanted / 4);
  const cut = line ?? (isLowSurrogate(text, at) ? at + 1 : at);
  const [start, end] = [text.slice(0, cut).trimEnd(), text.slice(cut).trimStart()];
  return start === '' || end === '' ? undefined : { start, end };
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code < 0xe000;
}
