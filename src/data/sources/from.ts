// Where a source comes from, as a data-spec writes it: `file:…`, `stdin`, `npm:…`, `hf:…` or `https://…`.
// One table of kinds; the error for anything else is made from it.
import { isAllowedUrl } from '../../base/address.js';

export type From =
  | { kind: 'file'; path: string }
  | { kind: 'stdin' }
  | { kind: 'npm'; package: string; version: string; path: string }
  | { kind: 'hf'; dataset: string; revision: string; path: string }
  | { kind: 'https'; url: string };

interface Kind {
  /** What a person writes. */
  form: string;
  prefix: RegExp;
  /** undefined where the rest is not of the form. */
  parse(text: string): From | undefined;
  /** What is said then, beside the form. */
  hint?: string;
  /** The checksum that pins it, where it must be pinned: what it is of, and who says it. */
  integrity?: { pattern: RegExp; missing: string };
}

const npmPattern = /^npm:((?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)@([0-9][0-9A-Za-z.+-]*)#([^\\]+)$/;
const hfPattern = /^hf:([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,199}))?#([^\\]+)$/;

const kinds: readonly Kind[] = [
  {
    form: 'file:PATH',
    prefix: /^file:/,
    parse: (text) => (text.length > 5 ? { kind: 'file', path: text.slice(5) } : undefined),
  },
  { form: 'stdin', prefix: /^stdin$/, parse: () => ({ kind: 'stdin' }) },
  {
    form: 'npm:PACKAGE@VERSION#PATH',
    prefix: /^npm:/,
    parse(text) {
      const match = npmPattern.exec(text);
      return match === null ? undefined : { kind: 'npm', package: match[1], version: match[2], path: match[3] };
    },
    hint: ', with an exact version',
    integrity: {
      pattern: /^sha512-[A-Za-z0-9+/]{86}==$/,
      missing:
        'an npm source is pinned by the sha512 of its tarball: integrity is missing; ' +
        'write sha512-… as `npm view PACKAGE@VERSION dist.integrity` says it',
    },
  },
  {
    form: 'hf:ORG/NAME@REVISION#PATH',
    prefix: /^hf:/,
    parse(text) {
      const match = hfPattern.exec(text);
      return match === null
        ? undefined
        : { kind: 'hf', dataset: match[1], revision: match[2] ?? 'main', path: match[3] };
    },
    hint: '; a dataset of the Hugging Face hub; without @REVISION it is main',
  },
  {
    form: 'https://HOST/FILE',
    prefix: /^https?:/,
    parse: (text) => (isAllowedUrl(text) ? { kind: 'https', url: text } : undefined),
    hint: ', without a name or password in it; http: only for this machine',
    integrity: {
      pattern: /^(?:sha256-(?:[A-Za-z0-9+/]{43}=|[0-9a-f]{64})|sha512-(?:[A-Za-z0-9+/]{86}==|[0-9a-f]{128}))$/,
      missing:
        'an https source is pinned by the checksum of its file: integrity is missing; ' +
        'write sha256-… with what `curl -L URL | sha256sum` says',
    },
  },
];

const forms = kinds.map(({ form }) => form);
export const fromForms = `${forms.slice(0, -1).join(', ')} or ${forms.at(-1)} (PATH: a file, a folder, or with * ** ? {a,b})`;
export const fromPrefix = new RegExp(kinds.map(({ prefix }) => prefix.source).join('|'));

/** What is wrong with a source's `from` and `integrity`, by key. */
export function* fromFaults({ from, integrity }: { from: string; integrity?: string }): Generator<[string, string]> {
  const kind = kindOf(from);
  const parsed = kind?.parse(from);
  // The schema refuses what is of no kind.
  if (kind === undefined) return;
  if (parsed === undefined) yield ['from', `write ${kind.form}${kind.hint ?? ''}`];
  else if ('path' in parsed && parsed.kind !== 'file' && parsed.path.split('/').includes('..')) {
    yield ['from', 'the path lies inside the package or dataset, without ..'];
  }
  if (kind.integrity === undefined) {
    if (integrity !== undefined) yield ['integrity', `integrity is for npm: and https: sources, not for ${kind.form}`];
  } else if (integrity === undefined || !kind.integrity.pattern.test(integrity)) {
    const { missing } = kind.integrity;
    yield ['integrity', integrity === undefined ? missing : missing.replace('integrity is missing', 'this is none')];
  }
}

/** The schema has checked the form. */
export function parseFrom(from: string): From {
  const parsed = kindOf(from)?.parse(from);
  if (parsed === undefined) throw new Error(`unchecked: ${from}`);
  return parsed;
}

/** As it is shown and kept in manifests: the query of an address may hold a signature. */
export function shownFrom(from: string): string {
  return kindOf(from)?.parse(from)?.kind === 'https' ? from.replace(/[?#].*$/s, '') : from;
}

function kindOf(from: string): Kind | undefined {
  return kinds.find(({ prefix }) => prefix.test(from));
}
