// A text that a person changes: on the line where they type, or, where it has several lines, in the editor that they
// named ($VISUAL, $EDITOR).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Interface } from 'node:readline';
import pc from 'picocolors';
import { UserError } from '../base/errors.js';
import { printableLines } from '../base/format.js';

/** Stands for a line end where there is one line only. */
const lineEnd = '⏎';

/** The text as the person left it; undefined where they gave up, or left nothing. `nextLine`: what they type next. */
export async function editedText(
  text: string,
  terminal: Interface,
  nextLine: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const editor = process.env.VISUAL || process.env.EDITOR;
  const changed =
    text.includes('\n') && editor !== undefined
      ? await inEditor(text, editor, terminal)
      : await onLine(text, terminal, nextLine);
  return changed === undefined || changed.trim() === '' ? undefined : changed;
}

async function onLine(text: string, terminal: Interface, nextLine: () => Promise<string | undefined>) {
  const before = terminal.getPrompt();
  terminal.setPrompt(pc.bold('edit › '));
  terminal.prompt();
  terminal.write(printableLines(text.trimEnd()).replaceAll('\t', ' ').replaceAll('\n', lineEnd));
  const line = await nextLine();
  terminal.setPrompt(before);
  return line?.replaceAll(lineEnd, '\n');
}

async function inEditor(text: string, editor: string, terminal: Interface): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-edit-')); // for this person's eyes alone
  const file = join(folder, 'answer.txt');
  terminal.pause();
  try {
    await writeFile(file, text);
    const child = startEditor(editor, file);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    if (code !== 0) throw new UserError({ what: `the editor ended with code ${code}`, where: editor });
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } finally {
    terminal.resume();
    await rm(folder, { recursive: true, force: true });
  }
}

/** As git starts it: the variable may hold words of its own (`code --wait`). */
function startEditor(editor: string, file: string): ChildProcess {
  const options = { stdio: 'inherit' } as const;
  if (process.platform === 'win32') return spawn(`${editor} "${file}"`, { ...options, shell: true });
  return spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], options);
}
