// What the program says, read off its source: every text of src/ that reads as English, a template with {1}, {2}, … for what
// is put in. `node --import tsx scripts/messages.ts [folder]` lists those that have
// no Chinese yet; `--prune` removes the entries whose English is no longer there.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SyntaxKind } from 'typescript/unstable/ast';
import { createScanner } from 'typescript/unstable/ast/scanner';

const root = fileURLToPath(new URL('../src/', import.meta.url));

export interface SourceText {
  /** `cli/main.ts:12`. */
  at: string;
  key: string;
  /** What stands in its places, as the source has it. */
  places: readonly string[];
}

/** What no person reads: prompts, exercises and wordings that models learn from, and SQL; the page has words of its own. */
const unread =
  /^(page|language)\/|self-instruct\/(families|methods|rules|wordings)|(stages\/tool-use|stages\/sft|stages|tools)\/(exercises|wordings|copying|repetitions)|tools\/(world|define)\/|^tokenizer\/(jinja|own-templates|sample-chats)/;

/** Every literal text of the source, in the order of its files. */
export function sourceTexts(): SourceText[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !unread.test(path))
    .sort()
    .flatMap((path) => textsIn(path, readFileSync(root + path, 'utf8')));
}

/** A text that reads as English: two words next to each other, or a word beside a place; command lines are none. */
export function isProse({ key }: SourceText): boolean {
  return (
    !key.startsWith('mossctl ') &&
    /[A-Za-z]{2,}[,;:]? [A-Za-z§]|§ [a-z]{2,}|[a-z]{2,} §/.test(key.replace(/\{\d+\}/g, '§'))
  );
}

interface OpenTemplate {
  depth: number;
  key: string;
  start: number;
  places: string[];
  /** Of the expression that is being read. */
  from: number;
}

function textsIn(path: string, text: string): SourceText[] {
  const found: SourceText[] = [];
  const add = (start: number, key: string, places: readonly string[] = []): void => {
    if (/[A-Za-z]/.test(key)) found.push({ at: `${path}:${text.slice(0, start).split('\n').length}`, key, places });
  };
  const open: OpenTemplate[] = [];
  let depth = 0;
  let before = SyntaxKind.Unknown as SyntaxKind;
  const scanner = createScanner(true, undefined, text);
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFile; kind = scanner.scan()) {
    const start = scanner.getTokenStart();
    const template = open.at(-1);
    if (kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) {
      if (!endsValue.has(before)) kind = scanner.reScanSlashToken();
    } else if (kind === SyntaxKind.CloseBraceToken && template?.depth === depth) {
      template.places.push(text.slice(template.from, start).trim());
      kind = scanner.reScanTemplateToken(false);
      template.key += `{${template.places.length}}${scanner.getTokenValue()}`;
      template.from = scanner.getTokenEnd();
      if (kind === SyntaxKind.TemplateTail) {
        open.pop();
        add(template.start, template.key, template.places);
      }
    } else if (kind === SyntaxKind.OpenBraceToken) depth++;
    else if (kind === SyntaxKind.CloseBraceToken) depth--;
    else if (kind === SyntaxKind.TemplateHead) {
      open.push({ depth, start, key: scanner.getTokenValue(), places: [], from: scanner.getTokenEnd() });
    } else if (kind === SyntaxKind.StringLiteral || kind === SyntaxKind.NoSubstitutionTemplateLiteral) {
      add(start, scanner.getTokenValue());
    }
    before = kind;
  }
  return found;
}

/** A slash behind one of these divides; elsewhere it opens a regular expression. */
const endsValue = new Set<SyntaxKind>([
  SyntaxKind.Identifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.StringLiteral,
  SyntaxKind.TemplateTail,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.ThisKeyword,
]);

/** What has to be translated: prose that is no page, no drawing and no citation. */
export function isMessage(text: SourceText): boolean {
  return (
    isProse(text) &&
    letters(text.key) > 3 &&
    !/, arXiv \d{4}\.\d{5}/.test(text.key) &&
    !/<\/?[a-z]\w*[ >\\{]|\{color:|^SELECT |[{;] *[a-z-]+: [^;]+;/.test(text.key)
  );
}

function letters(key: string): number {
  return key.replace(/\{\d+\}|[^A-Za-z]/g, '').length;
}

/** Whether commander, or a message that is put together from its words, is what an entry of zh/others.ts translates. */
export function isComposed(key: string, texts: readonly SourceText[], foreign: string): boolean {
  const words = key.replace(/\{\d+\}/g, ' ').match(/[A-Za-z]{2,}/g) ?? [];
  return words.every((word) => foreign.includes(word) || texts.some((text) => text.key.includes(word)));
}

async function listMissing(folder: string): Promise<void> {
  const { catalogs } = await import('../src/language/zh/index.js');
  const translated = new Set(catalogs.flatMap(Object.keys));
  const missing = sourceTexts().filter((text) => isMessage(text) && text.at.startsWith(folder));
  for (const { at, key } of missing)
    if (!translated.has(key)) process.stdout.write(`${at}  ${key.replace(/\n/g, '\\n')}\n`);
}

/** Removes the entries whose English is gone: one entry is one or two lines, as the formatter writes it. */
function prune(): void {
  const keys = new Set(sourceTexts().map(({ key }) => key));
  const folder = `${root}language/zh/`;
  for (const name of readdirSync(folder)) {
    if (['index.ts', 'nouns.ts', 'others.ts'].includes(name)) continue;
    const before = readFileSync(folder + name, 'utf8');
    const after = before.replace(entry, (whole, quoted: string | undefined, bare: string | undefined) => {
      const key = bare ?? unquoted(quoted ?? '');
      if (keys.has(key)) return whole;
      process.stdout.write(`${name}: ${key}\n`);
      return '';
    });
    if (after !== before) writeFileSync(folder + name, after);
  }
}

const entry =
  /^ {2}(?:('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|([A-Za-z]\w*)):\s+(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"),\n/gm;

/** A literal as the formatter quotes it. */
function unquoted(literal: string): string {
  return literal.slice(1, -1).replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--prune') prune();
  else await listMissing(process.argv[2] ?? '');
}
