// Keys and passwords never leave the process. What is a secret here (the keys that we read from the environment, what a
// URL of the person's own holds), and the one redactor that every door applies: terminal, metrics, records, recordings.

const mark = '[redacted]';
/** Shorter parts of a key are found in any text; a key that is shorter protects nothing. */
const partLength = 8;
/** So much of a key is redacted even where it reads like words. */
const wordyLength = 16;

/** Variables that hold a key, whole. */
const keyVariables = [
  ...['MOSSCTL_API_KEY', 'OPENAI_API_KEY', 'OPENAI_ADMIN_KEY', 'OPENAI_WEBHOOK_SECRET', 'AZURE_OPENAI_API_KEY'],
  ...['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'NPM_TOKEN', 'NODE_AUTH_TOKEN'],
];
/** Variables that hold an address, which may hold a password. */
const addressVariables = [
  'OPENAI_BASE_URL',
  'HF_ENDPOINT',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'npm_config_proxy',
];
/** What people set where a server wants some key, any key. */
const placeholders = new Set(
  'lm-studio lmstudio localhost not-needed notneeded not-used no-key-required no-api-key sk-no-key-required placeholder anything your-api-key your_api_key required changeme'.split(
    ' ',
  ),
);

export type Environment = Readonly<Record<string, string | undefined>>;

/** The secrets among the variables that we, or the tools that we start, read. */
export function secretsOf(environment: Environment): string[] {
  const keys = keyVariables.map((name) => environment[name]);
  const headers = (environment.OPENAI_CUSTOM_HEADERS ?? '')
    .split('\n')
    .map((line) => line.slice(line.indexOf(':') + 1));
  const addresses = addressVariables
    .flatMap((name) => [environment[name], environment[name.toLowerCase()]])
    .flatMap((address) => secretsOfUrl(address ?? ''));
  return [...keys, ...headers, ...addresses].flatMap((value) =>
    value && isSecret(value.trim()) ? [value.trim()] : [],
  );
}

/** User, password and the values of the query that may be secrets: a version or a date is none. */
export function secretsOfUrl(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { username, password, searchParams } = new URL(address);
  const values = [...searchParams.values()].filter((value) => !/^v?\d{1,4}(?:[.-]\d+)*(?:-?preview)?$/.test(value));
  return [username, password].map(decoded).concat(values).filter(isSecret);
}

function isSecret(value: string): boolean {
  return value.length >= partLength && new Set(value).size > 4 && !placeholders.has(value.toLowerCase());
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A URL as it is shown and kept: without user and password, the values of its query and its fragment redacted. */
export function shownUrl(address: string): string {
  return withoutUser(address).replace(/([?&#][^=&#\s]*)=[^&#\s"'<>]*/g, `$1=${mark}`);
}

/** A text of our own, the URLs in it as they are shown. */
export function shownUrls(text: string): string {
  return text.replace(/\bhttps?:\/\/[^\s"'<>]*[^\s"'<>.,:;)]/gi, shownUrl);
}

/** Settings as they are kept: a text that is a URL as it is shown. */
export function shownSettings<T>(config: T): T {
  return mapTexts(config, (text) => (/^https?:\/\/\S+$/i.test(text) ? shownUrl(text) : text));
}

/** True for what `shownUrl` made of one that had a query: it cannot be asked. */
export function isRedacted(text: string): boolean {
  return text.includes(mark) || text.includes(encodeURIComponent(mark));
}

function withoutUser(text: string): string {
  return text.replace(/\b((?:https?|socks\w*|ftp):\/\/)[^\s/?#"'<>]+@/gi, `$1${mark}@`);
}

const digest = /^(?:sha(?:256|512)[-:])?(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/;

interface Place {
  secret: string;
  at: number;
}

/**
 * Finds keys in a text: whole or a part of at least 8 characters; split by spaces, line ends, quotes or commas; escaped for
 * JSON or a URL; in base64 or hexadecimal. A part that reads like words ("internal") is left alone unless it is long.
 */
export class Redactor {
  readonly #secrets: readonly string[];
  /** Every 8 characters of every form of every secret. */
  readonly #parts = new Map<string, Place[]>();
  /** [hash of two characters] 1: such a part may begin so. Most places of a text are passed over by it. */
  readonly #beginnings = new Uint8Array(1 << 16);

  constructor(secrets: Iterable<string>) {
    this.#secrets = [...secrets];
    const forms = this.#secrets.flatMap(formsOf).map((form) => squeeze(form).text);
    for (const secret of new Set(forms)) {
      for (let at = 0; at + partLength <= secret.length; at++) {
        const part = secret.slice(at, at + partLength);
        const places = this.#parts.get(part) ?? [];
        places.push({ secret, at });
        this.#parts.set(part, places);
        this.#beginnings[pairAt(part, 0)] = 1;
      }
    }
  }

  /** `text` without keys, and how many stood in it. */
  hide(text: string): { text: string; count: number } {
    const isHopeless = this.#parts.size === 0 || text.length < partLength;
    // A digest shares 8 characters with a hexadecimal key by chance, and must stay what it is.
    const isDigest = digest.test(text) && !this.#secrets.some((secret) => text.includes(secret));
    const found = isHopeless || isDigest ? [] : this.#find(text);
    let shown = '';
    let end = 0;
    for (const [from, to] of found) {
      shown += text.slice(end, from) + mark;
      end = to;
    }
    return { text: shown + text.slice(end), count: found.length };
  }

  /** Places of keys in `text`: from, to (exclusive), in order. */
  #find(text: string): [number, number][] {
    const squeezed = squeeze(text);
    const found: [number, number][] = [];
    for (let i = 0; i + partLength <= squeezed.text.length; ) {
      const length = this.#beginnings[pairAt(squeezed.text, i)] === 0 ? 0 : this.#longest(squeezed.text, i);
      if (length > 0) found.push([squeezed.index[i], squeezed.index[i + length - 1] + 1]);
      i += Math.max(length, 1);
    }
    return found;
  }

  /** How many characters of `text` from `i` on are a key's; 0 where they are none, or might be anything's. */
  #longest(text: string, i: number): number {
    let longest = 0;
    for (const { secret, at } of this.#parts.get(text.slice(i, i + partLength)) ?? []) {
      let length = partLength;
      while (at + length < secret.length && text[i + length] === secret[at + length]) length++;
      const isLong = length >= Math.min(wordyLength, secret.length);
      if (length > longest && (isLong || isTelling(text.slice(i, i + length)))) longest = length;
    }
    return longest;
  }
}

function pairAt(text: string, i: number): number {
  return ((text.charCodeAt(i) * 257) ^ text.charCodeAt(i + 1)) & 0xffff;
}

/** Some 8 characters of it are neither words nor a number. */
function isTelling(part: string): boolean {
  for (let at = 0; at + partLength <= part.length; at++) {
    const words = part.slice(at, at + partLength).split(/[^A-Za-z0-9]+/);
    if (
      words.length === 1
        ? !/^(?:\d+|[A-Z]?[a-z]+|[A-Z]+)$/.test(words[0])
        : !words.every((word) => /^(?:\d*|[A-Z]?[a-z]*|[A-Z]+)$/.test(word))
    )
      return true;
  }
  return false;
}

/** As the secret may be written by others. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // In base64 of a longer text (`user:KEY`) a key begins at any of three places; its first and last characters mix with others.
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const core = text.slice(before === 0 ? 0 : before + 1).replace(/.?=+$/, '');
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    json,
    encodeURIComponent(secret),
    ...inBase64,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
}

/** `text` without what may split a key, and where each of its characters stood. */
function squeeze(text: string): { text: string; index: Uint32Array } {
  const isSplitter = splittersTable();
  const codes = new Uint16Array(text.length);
  const index = new Uint32Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isSplitter[code] === 1) continue;
    codes[length] = code;
    index[length++] = i;
  }
  return { text: Buffer.from(codes.buffer, 0, 2 * length).toString('utf16le'), index };
}

/** [UTF-16 code] 1: may stand between the parts of one key. */
let splitters: Uint8Array | undefined;
function splittersTable(): Uint8Array {
  const isSplitter = (code: number): number => Number(/[\s\p{Cc}\p{Cf}"'`,+\\*]/u.test(String.fromCharCode(code)));
  splitters ??= Uint8Array.from({ length: 1 << 16 }, (_, code) => isSplitter(code));
  return splitters;
}

/** Secrets that came otherwise than through the environment: a URL in the settings, a file that a login wrote. */
const kept = new Set<string>();
let own: { known: string; redactor: Redactor } | undefined;

/** From here on the doors redact what `address` holds, too. */
export function keepSecretsOf(address: string): void {
  for (const secret of secretsOfUrl(address)) kept.add(secret);
}

/** The same for a key. */
export function keepSecret(key: string): void {
  if (isSecret(key)) kept.add(key);
}

function ownRedactor(): Redactor {
  const secrets = [...secretsOf(process.env), ...kept];
  const known = secrets.join('\0');
  if (own?.known !== known) own = { known, redactor: new Redactor(secrets) };
  return own.redactor;
}

/** A text as it may leave the process. */
export function redact(text: string): string {
  return redactAll(text);
}

/** The same for every text in a value of plain objects and lists. */
export function redactAll<T>(value: T): T {
  const redactor = ownRedactor(); // reads the environment: once for all the texts
  return mapTexts(value, (text) => withoutUser(redactor.hide(text).text));
}

/** A copy of a value of plain objects and lists, every text and key in it changed. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner: unknown) => mapTexts(inner, change)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [change(key), mapTexts(inner, change)])) as T;
}
