// A report in another language: headings, labels and sentences of ours are translated in the finished page. What models and
// people wrote stands in other elements, and stays as it is.
import type { Speech } from '../language/speech.js';
import { escapeHtml } from './escape.js';

/** Elements that hold nothing but what the report itself says. */
const own = /^<(?:h2|h3|p|dt|th|figcaption|summary|footer|li|td class="words"|span class="(?:soft|tag)")[ >]/;

/** Words of ours within elements that hold names and numbers too. */
const inner = /^<(?:b|small|text|span)[ >]/;
const innerWords =
  /^(?:(?:lower|higher) is better|better|worse|within noise|promoted|stays|finished|interrupted|the policy|\(nothing\)|step|round|share of the way .*|all|training(?: loss)?|held-out|read|kept|[+−]?[\d.]+ points)$/;

/** Before a lone word, which elsewhere may be the name of a field or a file. */
const wordOfReport = 'in a report: ';

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

export function spokenHtml(html: string, { language, say }: Speech): string {
  if (language === 'en') return html;
  const pieces = html.split(/(<[^>]*>)/);
  const others = withinExamples(pieces);
  const spoken = pieces.map((piece, i) => {
    if (i % 2 === 1 || piece.trim() === '' || others.has(i) || !isOwn(pieces, i)) return piece;
    const text = piece.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]);
    return escapeHtml(saidWithMarks(text, say));
  });
  return spoken.join('').replace('<html lang="en">', `<html lang="${language}">`);
}

/** `a · b` of a caption, `(a)` and `a — ` are said without their marks. */
function saidWithMarks(text: string, say: Speech['say']): string {
  const word = /^\(?[a-z-]+\)?$/.test(text) ? say(`${wordOfReport}${text}`) : wordOfReport;
  if (!word.startsWith(wordOfReport.slice(0, -2))) return word;
  const hint = / · (?:lower|higher) is better$/.exec(text);
  if (hint !== null) return `${say(text.slice(0, hint.index))} · ${say(hint[0].slice(3))}`;
  const whole = say(text);
  if (whole !== text) return whole;
  const [, bracketed] = /^\(([^()]+)\)$/.exec(text.trim()) ?? [];
  if (bracketed !== undefined && say(bracketed) !== bracketed) return `（${say(bracketed)}）`;
  const [, explained] = /^(.+) — $/s.exec(text) ?? [];
  if (explained !== undefined) return `${say(explained)} — `;
  const [, place, rest] = /^(: )(.*)$/s.exec(text) ?? [];
  return place === undefined ? text : place + say(rest);
}

/** A note stands behind the tag that names its stage. */
function isOwn(pieces: readonly string[], i: number): boolean {
  const tag = pieces[i - 1] ?? '';
  // How often a rule took something, behind its name.
  if (tag === '</b>' && /^<(?:summary|p)[ >]/.test(pieces[i - 5] ?? '')) return true;
  if (inner.test(tag) && innerWords.test(pieces[i])) return true;
  return own.test(tag) || (tag === '</span>' && pieces[i - 3]?.startsWith('<span class="tag"') === true);
}

/** The pieces of rows of a corpus, which are list items as our notes are. */
function withinExamples(pieces: readonly string[]): ReadonlySet<number> {
  const inner = new Set<number>();
  let isInside = false;
  for (const [i, piece] of pieces.entries()) {
    if (piece === '<ul class="examples">') isInside = true;
    else if (piece === '</ul>') isInside = false;
    else if (isInside) inner.add(i);
  }
  return inner;
}
