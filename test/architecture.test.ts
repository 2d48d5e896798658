// The import table of the design, held by a test: imports go one way, dependencies have one door each, only the CLI
// touches the terminal and the process, and no file outgrows its reader.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLines = 350;

/** Lowest first. A folder may import itself and any folder of a lower layer, never its neighbours. */
const layers = [
  ['base'],
  ['language'],
  ['config'],
  ['report'],
  ['architecture', 'tokenizer', 'tensor', 'network'],
  ['data', 'model', 'checkpoint', 'distributed'],
  ['tools'],
  ['train', 'inference'],
  ['evaluation'],
  ['feedback'],
  ['stages', 'bench', 'inspect'],
  ['pipeline'],
  ['serve'],
  ['cli', 'page', 'api'],
  ['index.ts'],
];

/** Package → the only folders that may import it. */
const doors: readonly [RegExp, readonly string[]][] = [
  [/^@tensorflow\//, ['tensor']],
  [/^apache-arrow/, ['data']],
  [/^(commander|cli-progress)$/, ['cli', 'report']],
  [/^(hono|@hono\/node-server)(\/|$)/, ['serve']],
  [/^(opencc-js|tar)(\/|$)/, ['data']],
  [/^@duckdb\/node-api(\/|$)/, ['tools']],
  [/^koffi(\/|$)/, ['distributed']],
  [/^(preact|uplot)(\/|$)/, ['page']],
];

interface SourceFile {
  path: string;
  folder: string;
  text: string;
}

const files: SourceFile[] = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.tsx?$/.test(path))
  .sort()
  .map((path) => ({ path, folder: path.split('/')[0], text: readFileSync(`${root}src/${path}`, 'utf8') }));

/** What a file imports, types included, at the top or inside a function. */
function importsOf(text: string): string[] {
  const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  return [...code.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm)].map((match) => match[1]);
}

const layerOf = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));

test('every folder of src/ has its layer', () => {
  assert.ok(files.length > 30, `${files.length} files`);
  const unknown = files.filter(({ folder }) => layerOf(folder) === -1).map(({ path }) => path);
  assert.deepEqual(unknown, []);
});

test('imports go down the layers, never up, and never between neighbours', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const { path, folder, text } of files) {
    for (const name of importsOf(text).filter((name) => name.startsWith('.'))) {
      const target = relative(`${root}src`, resolve(dirname(`${root}src/${path}`), name)).split('/')[0];
      seen++;
      const isAllowed = target === folder || (layerOf(target) !== -1 && layerOf(target) < layerOf(folder));
      if (!isAllowed) wrong.push(`${path} imports ${name}`);
    }
  }
  assert.ok(seen > 100, `${seen} imports were looked at`);
  assert.deepEqual(wrong, []);
});

/** What the page takes of the rest: types of what it is told, and how numbers are written, which loads nothing else. */
const pageImports = ['base/format.js', 'report/meaning.js', 'report/svg.js', 'serve/contract.js'];

test('the page, which a browser runs, imports types of the server and how numbers are written and drawn', () => {
  const seen = files
    .filter(({ folder }) => folder === 'page')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^import (type )?[^;]*?from '(\.[^']+)'/gm)].map(([, type, name]) => ({
        name: relative(`${root}src`, resolve(dirname(`${root}src/${path}`), name)).replaceAll('\\', '/'),
        isType: type !== undefined,
      })),
    )
    .filter(({ name }) => !name.startsWith('page/'));
  assert.deepEqual([...new Set(seen.map(({ name }) => name))].sort(), pageImports);
  assert.ok(seen.every(({ name, isType }) => isType || !name.startsWith('serve/')));
});

test('commands do not import each other: what two of them share lies beside them', () => {
  const commands = files.filter(({ path }) => path.startsWith('cli/commands/'));
  const wrong = commands.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((name) => name.startsWith('./'))
      .map((name) => `${path} imports ${name}`),
  );
  assert.ok(commands.length > 10, `${commands.length} commands`);
  assert.deepEqual(wrong, []);
});

test('each large dependency has one door', () => {
  const wrong: string[] = [];
  const used = new Set<string>();
  for (const { path, folder, text } of files) {
    for (const name of importsOf(text)) {
      for (const [pattern, folders] of doors) {
        if (!pattern.test(name)) continue;
        used.add(name);
        if (!folders.includes(folder)) wrong.push(`${path} imports ${name}`);
      }
    }
  }
  assert.ok(used.size >= 4, [...used].join(', '));
  assert.deepEqual(wrong, []);
});

test('every package that is imported is a declared dependency', () => {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(
    readFileSync(`${root}package.json`, 'utf8'),
  ) as Record<string, Record<string, string>>;
  const installed = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  const missing = files.flatMap(({ path, folder, text }) => {
    // The page is bundled when this project is built.
    const declared = new Set(folder === 'page' ? [...Object.keys(devDependencies), ...installed] : installed);
    return importsOf(text)
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      .map((name) => name.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? name)
      .filter((name) => !declared.has(name))
      .map((name) => `${path} imports ${name}`);
  });
  assert.deepEqual(missing, []);
});

test('only the CLI reads the command line, prints or exits', () => {
  const pattern = /\bprocess\.(argv|exit\b|exitCode|stdout|stderr|stdin)|\bconsole\./;
  const wrong = files
    .filter(({ folder }) => folder !== 'cli' && folder !== 'page') // a browser's console is no terminal
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && pattern.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
  assert.deepEqual(wrong, []);
  assert.ok(files.some(({ folder, text }) => folder === 'cli' && pattern.test(text)));
});

/** Beside src/tensor/host.ts only kernels, timers and what sees into a forward pass, who cannot wait for it. */
const hostReaders = [
  'bench/measure.ts',
  'tensor/host.ts',
  'tensor/native/backend.ts',
  'tensor/native/fused.ts',
  'tensor/ops/cached-attention.ts',
  'tensor/wasm-repairs.ts',
  'train/statistics.ts',
];

test('a tensor is read on the host by src/tensor/host.ts', () => {
  const readers = files
    .filter(({ text }) => /\.(dataSync|readSync|arraySync)\(|\.(data|array)\(\)/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(readers, hostReaders);
});

test('randomness and time come from where they can be repeated', () => {
  const wrong = files
    .filter(({ text }) => /\bMath\.random\b|\bDate\.now\b|\bnew Date\(\)/.test(text))
    .map(({ path }) => path);
  // Whoever asks what time it is has to be told; a conversation that says its own time is told that.
  assert.deepEqual(wrong, ['tools/now.ts']);
});

test(`no file is longer than ${maxLines} lines`, () => {
  const native = existsSync(`${root}native`)
    ? readdirSync(`${root}native`, { recursive: true, encoding: 'utf8' })
        .filter((path) => /\.(cc|h|cpp|hpp|ts|mjs)$/.test(path) && !path.includes('node_modules'))
        .map((path) => ({ path: `native/${path}`, text: readFileSync(`${root}native/${path}`, 'utf8') }))
    : [];
  const long = [...files, ...native]
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}: ${lines}`);
  assert.deepEqual(long, []);
});

test('each file opens with its idea', () => {
  const bare = files.filter(({ text }) => !text.startsWith('// ')).map(({ path }) => path);
  assert.deepEqual(bare, []);
});

test('no npm script runs before or after another because of its name', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
  // npm runs `prebuild` whenever somebody types `npm run build`.
  const hooks = Object.keys(scripts).filter((name) =>
    ['pre', 'post'].some((at) => name.replace(at, '') in scripts && name.startsWith(at)),
  );
  assert.deepEqual(hooks, []);
});
