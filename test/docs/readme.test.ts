// What stands in README.md and CONTRIBUTING.md beside commands: the size of the one, the map of the code in the other.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../e2e/cli.js';
import { pages } from './pages.js';

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

test('the README is read in a minute: its beginning on one screen, the whole in ninety lines', () => {
  const lines = read('README.md').trimEnd().split('\n');
  assert.ok(lines.length <= 95, `${lines.length} lines`);
  for (const command of ['npm ci && npx mossctl run pipelines/quickstart.yaml', 'npm ci && npm test']) {
    assert.ok(lines.includes(command), command);
  }
});

test('the map of the code names what is there, and all folders of src', () => {
  const text = read('CONTRIBUTING.md');
  const tree = text.slice(text.indexOf('## Where things are'));
  const named = [...tree.matchAll(/^( {2})?([a-z-]+)\/ /gm)].map(([, nested, name]) => (nested ? `src/${name}` : name));
  for (const folder of named) assert.ok(existsSync(join(root, folder)), folder);
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) assert.ok(named.includes(`src/${name}`), name);
});

test('every link of a page leads to a file, and to a heading where it names one', () => {
  const anchors = (page: string): string[] =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const records = readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`);
  const broken = [...pages, ...records, 'CONTRIBUTING.md', 'docs/lab-book.md', 'examples/README.md'].flatMap((page) =>
    [
      ...read(page)
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].flatMap(([, target]) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : join(page, '..', path);
      if (!existsSync(join(root, file))) return [`${page}: ${target}`];
      return anchor === undefined || anchors(file).includes(anchor) ? [] : [`${page}: ${target}`];
    }),
  );
  assert.deepEqual(broken, []);
});

test('every page can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, path] of read(page).matchAll(/\]\(([^)\s#:]+\.md)(?:#[^)]*)?\)/g)) {
      const target = join(page, '..', path);
      if (existsSync(join(root, target))) reached.add(target);
    }
  }
  assert.deepEqual(
    pages.filter((page) => !reached.has(page) && !page.startsWith('README')),
    [],
  );
});

test('every file of examples/ is small, and said what it is', () => {
  const said = read('examples/README.md');
  const entries = readdirSync(join(root, 'examples'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  assert.ok(files.length > 10, `${files.length} files`);
  for (const file of files) {
    const name = file.slice(join(root, 'examples/').length);
    assert.ok(statSync(file).size <= 20_000, name);
    const top = name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : name;
    assert.ok(name === 'README.md' || said.includes(`\`${top}\``), `${name}: examples/README.md does not name it`);
  }
});

test('no placeholder is left', () => {
  for (const page of pages) assert.doesNotMatch(read(page), /@[A-Z_]+@|TODO|TBD/, page);
});
