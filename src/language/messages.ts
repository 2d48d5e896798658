// Finished messages, found again in a catalog of templates. A template is a message as the source writes it, with {1}, {2}, …
// where something is put in; what stands there is carried over as it is, or is a message itself and translated in turn.
// No regular expression: a template is its literal pieces, looked for from the left, so the time is linear in the text.

/** Template → the same in another language, with the same places in any order. */
export type Catalog = Readonly<Record<string, string>>;

interface Found {
  said: string;
  /** Nothing that was put in reads as English. */
  isWhole: boolean;
}

interface Template {
  /** What stands before, between and after the places. */
  pieces: readonly string[];
  /** Literal letters: how much of a message it accounts for. */
  letters: number;
  translation: string;
}

/** A template with fewer letters says little of whether a text was made from it. */
const minLetters = 12;
/** What no count, path or setting is. */
const plainWords = /^[a-z]{2,}( [a-z]+)*$/;
/** A quantity with its unit: `3 min`, `1.5 GiB`. */
const measured = /\d (?:min|ms|s|h|d|[kMGT]?i?B|bytes?)(?![\p{L}\p{N}])/gu;
/** A word that a sentence is made of: `cat`, `The`, `Иван`; no code or name in capitals (`ENOENT`), and no Chinese. */
const word = "\\p{Lu}?[\\p{Ll}\\p{M}'’]+";
const before = '(?<=^|[ (“"])';
const after = '(?=$|[ ,.;:!?)”"])';
const anyWord = new RegExp(`${before}${word}${after}`, 'u');
/** Several, or what begins a sentence or is a person's name. */
const sentenceWords = new RegExp(`${before}(?:${word} ${word}|\\p{Lu}[\\p{Ll}\\p{M}'’]+(?:-\\p{L}+)*)${after}`, 'u');
/** Words of an English sentence, next to each other. */
const prose = /(?:^|[ (])[a-z]{2,} [a-z]{2,}(?:[ ,.;:)]|$)/;
/** What a comparison lists: `correct (+4.8 points [+1.0, +9.0])`. */
const comparedMetric = /([^\s,()]+) \(([^()[\]]+) (\[[^()[\]]*\])\)/g;
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

  /** How often the catalog was asked for the last text. */
  get lookups(): number {
    return this.#lookups;
  }

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
      const letters = pieces.join('').replace(/[^\p{L}\p{N}]/gu, '').length;
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
  message(text: string, depth = 0): string | undefined {
    return this.#find(text, depth)?.said;
  }

  /** @param isLowered its first letter was made small: then a name at the beginning would be another. */
  #find(around: string, depth: number, isLowered = false): Found | undefined {
    const text = around.trim();
    if (depth === 0) this.#lookups = 0;
    if (this.#lookups++ > maxLookups || depth > maxDepth || text.length > maxLength || text === '') return undefined;
    const said = this.#exact.get(text) ?? this.#counted(text);
    return said === undefined ? this.#fromTemplate(text, depth, isLowered) : { said, isWhole: true };
  }

  /** `1,000 rows`. */
  #counted(text: string): string | undefined {
    const [, count, noun] = /^([\d,.]{1,30}[kMBT]?) ([a-z][a-z -]{1,40})$/.exec(text) ?? [];
    if (noun === undefined) return undefined;
    const singular = [noun, noun.replace(/s$/, '')].find((form) => Object.hasOwn(this.#nouns, form));
    return singular === undefined ? undefined : `${count} ${this.#nouns[singular]}`;
  }

  #fromTemplate(text: string, depth: number, isLowered: boolean): Found | undefined {
    let second: string | undefined;
    for (const { pieces, letters, translation } of this.#templates.get(startOf(text)) ?? this.#open) {
      const spans = spansBetween(pieces, text);
      if (spans === undefined) continue;
      const values = spans.flatMap((span) => (span.length === 1 ? span : this.#shared(span, depth + 1)));
      // `of {1}` would take any sentence apart and put it together again half in English.
      if (letters < minLetters && values.some(isSeveral)) continue;
      if (letters < minLetters / 2 && values.some((value) => plainWords.test(value))) continue;
      // `{1} read{2}` is in no `reads`.
      if (letters < minLetters && !standsOnBorders(pieces, text, spans)) continue;
      const parts = values.map((value) => this.#part(value, depth + 1));
      // `{1} lost` is not said of Tom.
      if (letters < minLetters && parts.some((part) => isProse(part, letters))) continue;
      if (isLowered && pieces[0] === '' && parts[0] === values[0]) continue;
      const said = filled(translation, parts);
      if (!parts.some((part) => prose.test(part))) return { said, isWhole: true };
      // What a person wrote may be prose; another template may know better.
      if (letters >= minLetters) second ??= said;
    }
    return second === undefined ? undefined : { said: second, isWhole: false };
  }

  /** Of places side by side the last has what is a message at the end (`3 rows, of 5`), if anything. */
  #shared([text, ...others]: readonly string[], depth: number): string[] {
    const bracket = / \([^()]*\)$/.exec(text)?.index ?? [];
    const starts = [bracket, [...text.matchAll(/[ ,;(]/g)].slice(0, maxSuffixes).map(({ index }) => index)].flat(2);
    const start = starts.find((at) => this.#part(text.slice(at), depth) !== text.slice(at));
    if (start === undefined) return [text, ...others];
    return [text.slice(0, start), ...others.slice(1), text.slice(start)];
  }

  /** What was put in: a message, several, or something of its own. */
  #part(text: string, depth: number): string {
    const bare = text.trim();
    if (/^\([^()]*\)$/.test(bare)) {
      const inner = this.#part(bare.slice(1, -1), depth + 1);
      return inner === bare.slice(1, -1) ? text : `（${inner}）`;
    }
    const said =
      this.message(bare, depth) ?? this.sentences(bare, depth) ?? this.#all(bare.split(', '), depth)?.join('，');
    if (said !== undefined) return said;
    if (/^M(?:, M)*(?: and M)?$/.test(bare.replace(comparedMetric, 'M'))) {
      const items = [...bare.matchAll(comparedMetric)];
      return items
        .map(([, name, gain, interval]) => `${name}（${this.#part(gain, depth + 1)} ${interval}）`)
        .join('、');
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
    if (depth === 0) this.#lookups = 0;
    if (depth > maxDepth || text.length > maxLength) return undefined;
    const whole = this.#exact.get(text.trim());
    if (whole !== undefined) return whole;
    const parts = text.split(/(?<=[^.]\.|[!?]) (?=[A-Z`"'<])/);
    const said: string[] = [];
    for (let i = 0; i < parts.length; i++) {
      const own = this.#sentence(parts[i], depth, i === 0);
      if (own === undefined) return undefined;
      said.push(own);
    }
    return said.length === 0 ? undefined : said.map(ended(text)).join('');
  }

  /** `a; b`; undefined where there is only one. */
  #clauses(text: string, depth: number): Found | undefined {
    const said = this.#all(text.split('; '), depth)?.join('；');
    return said === undefined ? undefined : { said, isWhole: true };
  }

  #sentence(text: string, depth: number, isFirst: boolean): string | undefined {
    const bare = text.replace(/\.$/, '');
    const forms = [text, bare, bare.charAt(0).toLowerCase() + bare.slice(1)];
    const found = forms.map((form) => this.#find(form, depth + 1, form[0] !== bare[0]));
    const whole = found.find((each) => each?.isWhole) ?? this.#clauses(bare, depth);
    if (whole !== undefined) return whole.said;
    const second = found.find((each) => each !== undefined)?.said;
    if (!isFirst) return second;
    for (
      let at = bare.indexOf(': '), tries = 0;
      at !== -1 && tries < maxPlaces;
      at = bare.indexOf(': ', at + 1), tries++
    ) {
      const rest = bare.slice(at + 2);
      const said = this.#clauses(rest, depth)?.said ?? this.message(rest, depth + 1);
      if (said !== undefined) return `${this.message(bare.slice(0, at), depth + 1) ?? bare.slice(0, at)}：${said}`;
    }
    return second;
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

/** What stands between the pieces: of places side by side all in the first; undefined where the text is not made of them. */
function spansBetween(pieces: readonly string[], text: string): string[][] | undefined {
  const [first, last] = [pieces[0], pieces[pieces.length - 1]];
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return undefined;
  const end = text.length - last.length;
  const spans: string[][] = [];
  let from = first.length;
  let waiting: string[] = [];
  for (const piece of pieces.slice(1, -1)) {
    if (piece === '') {
      waiting.push('');
      continue;
    }
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return undefined;
    spans.push([text.slice(from, at), ...waiting]);
    waiting = [];
    from = at + piece.length;
  }
  return [...spans, [text.slice(from, end), ...waiting]];
}

/** Whether no word of the text is half a piece and half a value, but for the `s` of a plural. */
function standsOnBorders(pieces: readonly string[], text: string, spans: readonly string[][]): boolean {
  const literals = pieces.filter((piece, i) => piece !== '' || i === 0 || i === pieces.length - 1);
  let at = 0;
  for (const [i, [value]] of spans.entries()) {
    at += literals[i].length;
    const end = at + value.length;
    if (value !== '' && isInWord(text, at)) return false;
    if (isInWord(text, end) && !/^s(?!\p{L})/u.test(literals[i + 1])) return false;
    at = end;
  }
  return true;
}

function isInWord(text: string, at: number): boolean {
  return /^\p{Script=Latin}{2}$/u.test(text.slice(at - 1, at + 1));
}

/** Whether what was put in, said as far as it can be, still has words of a sentence. */
function isProse(part: string, letters: number): boolean {
  const bare = part.replace(measured, '');
  return (letters < minLetters / 2 ? anyWord : sentenceWords).test(bare);
}

/** More than one clause; a mark at the beginning joins it to what is before it. */
function isSeveral(text: string): boolean {
  return /.[:;,.] /.test(text.replace(/\([^()]*\)/g, ''));
}

/** With the parts in their places; between Chinese and Chinese is no blank. */
function filled(translation: string, parts: readonly string[]): string {
  return translation.replace(
    /( ?)\{(\d{1,2})\}( ?)/g,
    (_, before: string, number: string, after: string, at: number) => {
      const part = parts[Number(number) - 1] ?? '';
      const end = at + before.length + number.length + 2 + after.length;
      const isTight = (one: string | undefined, other: string | undefined): boolean =>
        part === '' || (wide.test(one ?? '') && wide.test(other ?? ''));
      const [left, right] = [isTight(translation[at - 1], part[0]), isTight(part.at(-1), translation[end])];
      return `${left ? '' : before}${part}${right ? '' : after}`;
    },
  );
}

const wide = /[\u3000-\u9fff\uff00-\uffef]/;
const maxSuffixes = 4;
