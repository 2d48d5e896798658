// Texts → passages: pieces short enough to be read as a result, each with where it stands. Cut between paragraphs, else between
// sentences; a Markdown heading begins a passage and is part of its title.

export interface Passage {
  /** `notes/whales.md › What they eat` */
  title: string;
  text: string;
  /** Index of its file. */
  file: number;
}

/** In characters: what is shown of a passage, in all but the last of a text. */
const maxPassage = 400;
const heading = /^#{1,6}\s+(.+?)\s*#*$/;
/** A sentence ends at a full stop of any script; the stop stays with it. */
const sentenceEnd = /(?<=[。！？；])|(?<=[.!?;][)"'’”]?)\s+/u;
const maxTitle = 120;

/** @param lines of one text. */
export function* passagesOf(title: string, lines: Iterable<string>, file: number): Generator<Passage> {
  let section = '';
  let paragraph = '';
  let pending = '';
  const named = (): string =>
    (section === '' ? title : `${title} › ${section}`).replace(/\s+/gu, ' ').slice(0, maxTitle);
  const take = function* (): Generator<Passage> {
    const text = pending;
    pending = '';
    if (text !== '') yield { title: named(), text, file };
  };
  const endParagraph = function* (): Generator<Passage> {
    for (const piece of piecesOf(paragraph)) {
      if (pending.length + piece.length + 1 > maxPassage) yield* take();
      pending = pending === '' ? piece : `${pending} ${piece}`;
    }
    paragraph = '';
  };
  for (const line of lines) {
    const text = line.replace(/\s+/gu, ' ').trim();
    const found = heading.exec(text);
    if (text === '' || found !== null || paragraph.length > 4 * maxPassage) yield* endParagraph();
    if (found !== null) {
      yield* take();
      section = found[1];
    } else if (text !== '') paragraph = paragraph === '' ? text : `${paragraph} ${text}`;
  }
  yield* endParagraph();
  yield* take();
}

/** None longer than a passage. */
function piecesOf(paragraph: string): string[] {
  if (paragraph.length <= maxPassage) return paragraph === '' ? [] : [paragraph];
  return paragraph.split(sentenceEnd).flatMap((sentence) => {
    const pieces: string[] = [];
    for (let rest = sentence; rest !== ''; ) {
      // Of a sentence without end, between words where there are some, never inside of a character.
      const space = rest.length <= maxPassage ? rest.length : rest.lastIndexOf(' ', maxPassage);
      const end = space > maxPassage / 2 ? space : maxPassage - (/[\uD800-\uDBFF]/.test(rest[maxPassage - 1]) ? 1 : 0);
      pieces.push(rest.slice(0, end));
      rest = rest.slice(end).trimStart();
    }
    return pieces;
  });
}
