// Finished messages, found again in a catalog of templates. A template is a message as the source writes it, with {1}, {2}, …
// where something is put in; what stands there is carried over as it is, or is a message itself and translated in turn.
// No regular expression: a template is its literal pieces, looked for from the left, so the time is linear in the text.

/** Template → the same in another language, with the same places in any order. */
export type Catalog = Readonly<Record<string, string>>;

interface Template {
  /** What stands before, between and after the places. */
  pieces: readonly string[];
  /** Literal letters: how much of a message it accounts for. */
  letters: number;
  translation: string;
}

/** The place of an interpolation. */
const place = /\{(\d{1,2})\}/g;
/** A template with fewer letters says little of whether a text was made from it. */
const minLetters = 12;
/** Words of an English sentence, next to each other. */
const prose = /(?:^|[ (])[a-z]{2,} [a-z]{2,}(?:[ ,.;:)]|$)/;
/** Messages in messages in messages. */
const maxDepth = 8;
/** Look-ups for one text: text from outside may look like nested messages without end. */
const maxLookups = 3000;
/** Colons behind which a message is looked for. */
const maxPlaces = 4;
/** What is longer was not written here. */
const maxLength = 4000;

export class Messages {
  readonly #exact = new Map<string, string>();
  /** The most specific first, by the first two letters of their texts. */
  readonly #templates = new Map<string, Template[]>();
  /** Those that begin with a place. */
  readonly #open: Template[] = [];
  readonly #nouns: Catalog;
  #lookups = 0;

  /** @param nouns what is counted, in the singular of the source: `row` for `1 row` and `1,000 rows`. */
  constructor(catalogs: readonly Catalog[], nouns: Catalog) {
    this.#nouns = nouns;
    for (const [written, translated] of catalogs.flatMap(Object.entries<string>)) {
      const [key, translation] = [written.trim(), translated.trim()];
      const pieces = key.split(/\{\d{1,2}\}/);
      if (pieces.length === 1) {
        this.#exact.set(key, translation);
        continue;
      }
      const letters = pieces.join('').replace(/[^\p{L}]/gu, '').length;
      const template = { pieces, letters, translation };
      const start = startOf(pieces[0]);
      if (start === '') this.#open.push(template);
      else this.#templates.set(start, [...(this.#templates.get(start) ?? []), template]);
    }
    for (const [start, templates] of this.#templates) {
      this.#templates.set(start, [...templates, ...this.#open].sort(bySpecificity));
    }
    this.#open.sort(bySpecificity);
  }

  /** One message, whatever blanks are around it; undefined where the catalog does not have it. */
  message(around: string, depth = 0): string | undefined {
    const text = around.trim();
    if (depth === 0) this.#lookups = 0;
    if (this.#lookups++ > maxLookups) return undefined;
    if (depth > maxDepth || text.length > maxLength || text === '') return undefined;
    return this.#exact.get(text) ?? this.#counted(text) ?? this.#fromTemplate(text, depth);
  }

  /** `1,000 rows`. */
  #counted(text: string): string | undefined {
    const [, count, noun] = /^([\d,.]{1,30}[kMBT]?) ([a-z][a-z -]{1,40})$/.exec(text) ?? [];
    if (noun === undefined) return undefined;
    const singular = [noun, noun.replace(/s$/, '')].find((form) => Object.hasOwn(this.#nouns, form));
    return singular === undefined ? undefined : `${count} ${this.#nouns[singular]}`;
  }

  #fromTemplate(text: string, depth: number): string | undefined {
    for (const { pieces, letters, translation } of this.#templates.get(startOf(text)) ?? this.#open) {
      const values = valuesBetween(pieces, text, (value) => this.message(value, depth + 1) !== undefined);
      if (values === undefined) continue;
      const parts = values.map((value) => this.#part(value, depth + 1));
      // `of {1}` would take any sentence apart and put it together again half in English.
      if (letters < minLetters && parts.some((part) => prose.test(part))) continue;
      return translation.replace(place, (_, number) => parts[Number(number) - 1] ?? '');
    }
    return undefined;
  }

  /** What was put in: a message, several, or something of its own. */
  #part(text: string, depth: number): string {
    const bare = text.trim();
    const said =
      this.message(bare, depth) ?? this.sentences(bare, depth) ?? this.#all(bare.split(', '), depth)?.join('，');
    if (said !== undefined) return said;
    if (/^\(.*\)$/.test(bare)) {
      const inner = this.#part(bare.slice(1, -1), depth + 1);
      if (inner !== bare.slice(1, -1)) return `（${inner}）`;
    }
    // `a, b and c`, of names.
    const list = /^[^\s,]+(?:, [^\s,]+)* and [^\s,]+$/.test(bare) ? bare.split(/, | and /) : [];
    return list.length < 2 ? text : `${list.slice(0, -1).join('、')} 和 ${list.at(-1)}`;
  }

  /** Each of them; undefined where one is not in the catalog, or there is only one. */
  #all(parts: readonly string[], depth: number): string[] | undefined {
    if (parts.length < 2 || depth > maxDepth) return undefined;
    const said: string[] = [];
    for (const part of parts) {
      const own = this.message(part, depth + 1);
      if (own === undefined) return undefined;
      said.push(own);
    }
    return said;
  }

  /** `what. Why. Next.`, each of which is a message, perhaps behind a place (`file.yaml:3: `); undefined unless all are. */
  sentences(text: string, depth = 0): string | undefined {
    if (depth > maxDepth || text.length > maxLength) return undefined;
    if (depth === 0) this.#lookups = 0;
    const parts = text.split(/(?<=[^.]\.|[!?]) (?=[A-Z`"'<])/);
    const said: string[] = [];
    for (let i = 0; i < parts.length; i++) {
      const own = this.#sentence(parts[i], depth, i === 0);
      if (own === undefined) return undefined;
      said.push(own);
    }
    return said.length === 0 ? undefined : said.map(ended(text)).join('');
  }

  #sentence(text: string, depth: number, isFirst: boolean): string | undefined {
    const bare = text.replace(/\.$/, '');
    const forms = [text, bare, bare.charAt(0).toLowerCase() + bare.slice(1)];
    for (const form of forms) {
      const said = this.message(form, depth + 1);
      if (said !== undefined) return said;
    }
    const clauses = this.#all(bare.split('; '), depth);
    if (clauses !== undefined) return clauses.join('；');
    if (!isFirst) return undefined;
    for (
      let at = bare.indexOf(': '), tries = 0;
      at !== -1 && tries < maxDepth;
      at = bare.indexOf(': ', at + 1), tries++
    ) {
      const rest = bare.slice(at + 2);
      const said = this.message(rest, depth + 1) ?? this.#all(rest.split('; '), depth + 1)?.join('；');
      if (said !== undefined) return `${this.message(bare.slice(0, at), depth + 1) ?? bare.slice(0, at)}：${said}`;
    }
    return undefined;
  }
}

/** Sentences end as one does in Chinese, but for a lone one that ends without a mark in the source. */
function ended(source: string): (sentence: string, index: number, all: readonly string[]) => string {
  return (sentence, index, all) => {
    const isOpen = index === all.length - 1 && !/[.!?]$/.test(source);
    return isOpen || /[。！？：]$/.test(sentence) ? sentence : `${sentence}。`;
  };
}

function bySpecificity(a: Template, b: Template): number {
  return b.letters - a.letters;
}

function startOf(text: string): string {
  return text.slice(0, 2).length < 2 ? '' : text.slice(0, 2);
}

/**
 * What stands between the pieces; undefined where the text is not made of them. Of two places side by side the second has
 * what `isMessage` at the end (`3 rows, of 5`), if anything.
 */
function valuesBetween(
  pieces: readonly string[],
  text: string,
  isMessage: (text: string) => boolean,
): string[] | undefined {
  const [first, last] = [pieces[0], pieces[pieces.length - 1]];
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return undefined;
  const end = text.length - last.length;
  const values: string[] = [];
  let waiting = 0;
  const add = (value: string): void => {
    const [own, suffix] = waiting === 0 ? [value, ''] : withSuffix(value, isMessage);
    values.push(own, ...Array.from({ length: waiting }, (_, i) => (i === waiting - 1 ? suffix : '')));
    waiting = 0;
  };
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    if (piece === '') {
      waiting++;
      continue;
    }
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return undefined;
    add(text.slice(from, at));
    from = at + piece.length;
  }
  add(text.slice(from, end));
  return values;
}

const maxSuffixes = 4;

function withSuffix(text: string, isMessage: (text: string) => boolean): [string, string] {
  if (isMessage(text)) return [text, ''];
  const starts = [...text.matchAll(/[ ,;:(]/g)].slice(0, maxSuffixes).map(({ index }) => index);
  const start = starts.find((at) => isMessage(text.slice(at)));
  return start === undefined ? [text, ''] : [text.slice(0, start), text.slice(start)];
}
