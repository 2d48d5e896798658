// A report in another language: headings, labels and sentences of ours are translated in the finished page. What models and
// people wrote stands in other elements, and stays as it is.
import type { Speech } from '../language/speech.js';
import { escapeHtml } from './escape.js';

/** Elements that hold nothing but what the report itself says. */
const own = /^<(?:h2|h3|p|dt|th|figcaption|summary|footer|li|td class="words"|span class="(?:soft|tag)")[ >]/;

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

export function spokenHtml(html: string, { language, say }: Speech): string {
  if (language === 'en') return html;
  const pieces = html.split(/(<[^>]*>)/);
  const others = withinExamples(pieces);
  const spoken = pieces.map((piece, i) => {
    if (i % 2 === 1 || piece.trim() === '' || others.has(i) || !isOwn(pieces, i)) return piece;
    const text = piece.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]);
    return escapeHtml(say(text));
  });
  return spoken.join('').replace('<html lang="en">', `<html lang="${language}">`);
}

/** A note stands behind the tag that names its stage. */
function isOwn(pieces: readonly string[], i: number): boolean {
  const tag = pieces[i - 1] ?? '';
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
