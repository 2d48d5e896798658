// Builds llama-chat.cpp with the chat code of a source tree of llama.cpp: 36 files of its common folder, and no model code.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const driver = fileURLToPath(new URL('llama-chat.cpp', import.meta.url));

/** The program, kept in the user's cache folder, and how long it took to build now. */
export function buildLlamaChat(source) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'mossctl', `llama-chat-${basename(source)}`);
  mkdirSync(folder, { recursive: true });
  const start = Date.now();
  const files = (under, wanted) =>
    readdirSync(join(source, under)).flatMap((name) => (wanted.test(name) ? [`${under}/${name}`] : []));
  const sources = [
    ...files('common', /^(?:chat.*|json.*|peg-parser|log|unicode|trie|common)\.cpp$/),
    ...files('common/jinja', /\.cpp$/),
    ...files('common/parsers', /\.cpp$/),
  ].map((name) => [join(source, name), join(folder, `${name.replaceAll('/', '_')}.o`)]);
  const includes = ['common', 'include', 'ggml/include', 'src', 'vendor', ''].map((name) => `-I${join(source, name)}`);
  const flags = ['-std=c++17', '-O1', '-ffunction-sections', '-fdata-sections', ...includes];
  for (const [from, to] of [...sources, [driver, join(folder, 'driver.o')]]) {
    if (from === driver || !existsSync(to)) compile([...flags, '-c', from, '-o', to]);
  }
  const program = join(folder, 'llama-chat');
  const objects = [join(folder, 'driver.o'), ...sources.map(([, to]) => to)];
  compile(['-o', program, ...objects, '-Wl,--gc-sections', '-lpthread']);
  return { program, seconds: (Date.now() - start) / 1000 };
}

function compile(args) {
  const { status, stderr } = spawnSync('nice', ['-n', '19', 'g++', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`g++ ${args.at(-1)}: ${stderr.slice(0, 2000)}`);
}
