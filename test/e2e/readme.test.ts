import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { root } from './cli.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/npx mossctl ([^\n`]+)/g)].map(([, rest]) => rest.match(/"[^"]*"|\S+/g) ?? []);

function commandFor(words: readonly string[]): Command {
  let command: Command = buildProgram(() => '');
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

test('every command in the README exists, with every option it is given', () => {
  assert.ok(commands.length >= 8, `only ${commands.length} commands found`);
  for (const words of commands) {
    const command = commandFor(words);
    assert.notEqual(command.name(), 'mossctl', words.join(' '));
    const known = command.options.flatMap(({ short, long }) => [short, long]);
    for (const word of words.filter((each) => each.startsWith('-'))) assert.ok(known.includes(word), words.join(' '));
  }
});

test('every --set in the README is a key of the pipeline', async () => {
  const set = commands.flatMap((words) => words.flatMap((word, i) => (words[i - 1] === '--set' ? [word] : [])));
  assert.ok(set.length >= 2);
  await loadPipeline({ config: 'quickstart', set });
});

test('the file tree names what is there, and all folders of src', () => {
  const tree = readme.slice(readme.indexOf('## Where things are'));
  const named = [...tree.matchAll(/^( {2})?([a-z-]+)\/ /gm)].map(([, nested, name]) => (nested ? `src/${name}` : name));
  for (const folder of named) assert.ok(existsSync(join(root, folder)), folder);
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) assert.ok(named.includes(`src/${name}`), name);
});

test('no placeholder is left', () => {
  assert.doesNotMatch(readme, /@[A-Z_]+@|TODO|TBD/);
});
