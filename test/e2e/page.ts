// A page of docs/ from top to bottom, as a reader who types what it says: its files written, its commands run in their order, on
// a tiny Qwen3 that a hub of our own gives out under the name that the pages use.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scratch } from '../data/scratch.js';
import { publish } from '../network/hub-server.js';
import { startWebServer } from '../network/web-server.js';
import { mossctl, root } from './cli.js';

export const publishedFolder = join(root, 'test/interop/fixtures/qwen3');

/**
 * @param stdin what is typed into a command, by its beginning.
 * @returns the folder that it worked in, and what the commands that begin so have printed.
 */
export async function followPage(page: string, stdin: Readonly<Record<string, string>> = {}) {
  const text = await readFile(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(([, language, name, body]) => {
    return { language, name, body };
  });
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ body }) => body.trim().split('\n'))
    .map((line) => line.replace(/^npx mossctl /, ''));

  const folder = await scratch();
  const [server, cdn] = [await startWebServer(), await startWebServer()];
  const names = (await readdir(publishedFolder)).filter((name) => name !== 'expected.json');
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(publishedFolder, name))] as const),
  );
  publish(
    { server, cdn },
    { kind: 'model', name: 'Qwen/Qwen3-0.6B', commit: 'a'.repeat(40), files: Object.fromEntries(files) },
  );
  const cache = join(folder, 'cache');
  const env = { HF_ENDPOINT: server.origin, HF_HOME: cache, MOSSCTL_CACHE: cache, HF_TOKEN: '', MOSSCTL_OFFLINE: '' };
  const written = blocks.filter(({ language }) => language === 'jsonl');
  for (const { name, body } of written) await writeFile(join(folder, name), body);

  const printed = new Map<string, string>();
  for (const command of commands) {
    const typed = Object.entries(stdin).find(([beginning]) => command.startsWith(beginning))?.[1] ?? '';
    const { code, stdout, stderr } = await mossctl(command.split(' '), { cwd: folder, env, stdin: typed });
    assert.equal(code, 0, `mossctl ${command}\n${stdout}\n${stderr}`);
    printed.set(command, stdout + stderr);
  }
  const said = (beginning: string): string =>
    [...printed].flatMap(([command, output]) => (command.startsWith(beginning) ? [output] : [])).join('\n');
  return { folder, files: written.map(({ name }) => name), commands, said };
}
