// The pages that a reader types from, cut into their fenced blocks. What the fence says of a block (CONTRIBUTING, "Pages that can
// be typed") decides what becomes of it: run, started, parsed only, compared with a file, or shown.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../e2e/cli.js';

/** Records of what was measured and decided, in which nothing is typed. */
const records = ['docs/lab-book.md'];

/** Every README and page of docs/, from the root. */
export const pages: readonly string[] = [
  ...readdirSync(root).filter((name) => /^README.*\.md$/.test(name)),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
  .filter((page) => !records.includes(page))
  .sort();

export interface Block {
  /** `README.md:17` */
  at: string;
  /** First word behind the fence: sh, yaml, … */
  language: string;
  /** Second word: how a block of commands is treated, or the file that an excerpt is from. */
  info?: string;
  body: string;
}

/** @param lines of a page; the fence opens and ends a line. */
export function blocksOf(page: string, text: string = readFileSync(join(root, page), 'utf8')): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, fence, words] = /^\s*(```+)(.*)$/.exec(lines[i]) ?? [];
    if (fence === undefined) continue;
    const [language = '', info] = words.trim().split(/\s+/);
    const end = lines.findIndex((line, j) => j > i && line.trim() === fence);
    if (end === -1) throw new Error(`${page}:${i + 1}: this block has no end`);
    blocks.push({ at: `${page}:${i + 1}`, language, info, body: lines.slice(i + 1, end).join('\n') });
    i = end;
  }
  return blocks;
}

/** What prose quotes as code, `so`, with its place. */
export function quotedIn(page: string): { at: string; code: string }[] {
  const text = readFileSync(join(root, page), 'utf8').replace(/^\s*```[\s\S]*?^\s*```/gm, (block) =>
    block.replace(/[^\n]/g, ''),
  );
  return text
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => ({ at: `${page}:${i + 1}`, code })));
}

/** Commands of a block of shell, one each: comments and blank lines are gone, continued lines joined. */
export function commandsOf(body: string): string[] {
  return body
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Words of a command as a shell cuts them, in the programs that it pipes or chains; redirections are gone. */
export function programsOf(command: string): string[][] {
  const programs: string[][] = [[]];
  const token =
    /\s+|(#.*$)|(\|\||&&|[|;&])|\d?>>?\s*(\S+)|<\s*\S+|((?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\|;&<>])+)/g;
  for (const [, comment, ends, , word] of command.matchAll(token)) {
    if (comment !== undefined) break;
    if (ends !== undefined) programs.push([]);
    if (word === undefined) continue;
    const bare = word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_, single, double, escaped) => {
      return single ?? double?.replace(/\\(.)/g, '$1') ?? escaped;
    });
    programs.at(-1)?.push(bare);
  }
  return programs
    .map((words) => words.slice(words.findIndex((each) => !/^[A-Z_]+=/.test(each))))
    .filter(({ length }) => length > 0);
}
