// mossctl init: a pipeline to begin with, from the commented ones in pipelines/init.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { nearest, UserError } from '../../base/errors.js';
import { exists, makeDirectory } from '../../base/files.js';
import { commandLine, mossctlCommand } from '../../base/shell.js';
import { isModelName } from '../../network/model-name.js';
import { type StartingPoint, startingPoints } from '../init-program.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';

const templates = fileURLToPath(new URL('../../../pipelines/init/', import.meta.url));

/** Beside the pipeline of each: a data-spec, or rows that show how they are written, which a person's own take the place of. */
const files: Record<StartingPoint, { spec?: string; rows?: string; folder?: string; put: string }> = {
  texts: { spec: 'texts-spec.yaml', folder: 'texts', put: 'Put your .txt and .md files into texts/' },
  conversations: { rows: 'conversations.jsonl', put: 'Put your conversations into conversations.jsonl' },
  model: { rows: 'conversations.jsonl', put: 'Put your conversations into conversations.jsonl' },
  preferences: { rows: 'preferences.jsonl', put: 'Put your preferences into preferences.jsonl' },
};

const isKind = (text: string): text is StartingPoint => Object.hasOwn(startingPoints, text);

export async function init(
  typed: string | undefined,
  directory: string | undefined,
  { from, json, quiet }: OutputOptions & { from?: string },
): Promise<void> {
  const kind = typed === undefined ? await askKind() : checkedKind(typed);
  const folder = directory ?? '.';
  const { spec, rows, folder: texts, put } = files[kind];
  if (kind === 'texts' && from !== undefined) {
    const next = `Omit it: texts.yaml says how to continue a model; or: ${mossctlCommand('pretrain', '--text', 'texts/', '--from', from)}`;
    throw new UserError({ what: '--from is for conversations, model and preferences', next });
  }
  const pipeline = `${kind}.yaml`;
  const written = [pipeline, ...(spec === undefined ? [] : [spec])];
  for (const name of written) await refuseThere(join(folder, name));
  await makeDirectory(folder);
  for (const name of written) await writeNew(name, folder, name === pipeline ? from : undefined);
  if (rows !== undefined && !(await exists(join(folder, rows)))) {
    await writeNew(rows, folder);
    written.push(rows);
  }
  if (texts !== undefined) await mkdir(join(folder, texts), { recursive: true });
  const paths = written.map((name) => shownPath(join(folder, name)));
  if (json) return printJson({ type: 'result', kind, files: paths });
  const away = shownPath(folder);
  const enter = away === '.' ? '' : `${commandLine('cd', away)} && `;
  if (!quiet) for (const path of paths) printLine(`wrote  ${path}`);
  const kept = rows !== undefined && !written.includes(rows);
  printLine(`next   ${kept ? `${rows} is there already` : put}, then: ${enter}${mossctlCommand('run', pipeline)}`);
}

function checkedKind(text: string): StartingPoint {
  if (isKind(text)) return text;
  const kinds = Object.keys(startingPoints);
  const near = nearest(text, kinds);
  throw new UserError({
    what: `there is nothing to begin with called ${text}`,
    why: `there are ${kinds.join(', ')}`,
    next: near === undefined ? `Name one of them: ${mossctlCommand('init', 'texts')}` : `Did you mean ${near}?`,
  });
}

/** In a terminal, what a person has. @throws UserError where nobody can be asked. */
async function askKind(): Promise<StartingPoint> {
  const kinds = Object.keys(startingPoints) as StartingPoint[];
  if (!process.stdin.isTTY) {
    throw new UserError({
      what: 'it was not said what to begin with',
      why: `there are ${kinds.join(', ')}`,
      next: `Name one of them: ${mossctlCommand('init', 'texts')}`,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const lines = kinds.map((kind, i) => `  ${i + 1}  ${startingPoints[kind]}\n`);
    const answer = (await terminal.question(`What do you have?\n${lines.join('')}1 to ${kinds.length}: `)).trim();
    return kinds[Number(answer) - 1] ?? checkedKind(answer);
  } finally {
    terminal.close();
  }
}

async function refuseThere(path: string): Promise<void> {
  if (!(await exists(path))) return;
  throw new UserError({ what: 'this is there already', where: path, next: 'Move it away, or name another folder' });
}

/** A file of ours, with another model to start from where one is given. */
async function writeNew(name: string, folder: string, from?: string): Promise<void> {
  const text = await readFile(join(templates, name), 'utf8');
  const start = from === undefined ? undefined : JSON.stringify(await relativeTo(folder, from));
  const own = start === undefined ? text : text.replace(/^( {2}from: )\S+/m, (_, key: string) => key + start);
  await writeFile(join(folder, name), own, { flag: 'wx' });
}

/** As the file in `folder` has to name what was typed here. */
async function relativeTo(folder: string, model: string): Promise<string> {
  if (isAbsolute(model) || (isModelName(model) && !(await exists(model)))) return model;
  return relative(resolve(folder), resolve(model)).replaceAll('\\', '/') || '.';
}
