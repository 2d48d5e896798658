// `mossctl serve` as a person starts it: a process of its own that serves two models, a feedback store and a folder with runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { measuredManifestText, readManifest } from '../../src/checkpoint/manifest.js';
import { entry, root } from '../e2e/cli.js';
import { demoEvents } from '../report/fixtures/demo.js';
import { saveTrained, temporaryFolder } from '../serve/world.js';

export const pageFolder = join(root, 'dist/page');
/** What a run, or a person, may say to take over a page. */
export const hostile = `<img src=x onerror="document.title='taken over'">`;

export interface PageWorld {
  url: string;
  /** The feedback store. */
  file: string;
  runs: string;
  /** Ends the process where it stands; `start` brings it back at the same address. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param steps of training; 0: it says anything at all. */
export async function startPage(steps: number): Promise<PageWorld> {
  const { folder, remove } = await temporaryFolder();
  const [sft, base, runs, file] = ['sft', 'base', 'runs', 'feedback.jsonl'].map((name) => join(folder, name));
  await saveTrained(sft, steps);
  await copyAsBase(sft, base);
  await writeRun(join(runs, 'demo'));
  await writeRun(join(runs, 'other'));
  let running = await serve([sft, base], { runs, file, port: 0 });
  const { url } = running;
  const kill = async (): Promise<void> => {
    const ended = once(running.child, 'exit');
    running.child.kill('SIGKILL');
    await ended;
  };
  const start = async (): Promise<void> => {
    running = await serve([sft, base], { runs, file, port: Number(new URL(url).port) });
  };
  return { url, file, runs, kill, start, stop: () => kill().then(remove) };
}

interface ServeOptions {
  runs: string;
  file: string;
  port: number;
}

async function serve(
  models: readonly string[],
  { runs, file, port }: ServeOptions,
): Promise<{ url: string; child: ChildProcess }> {
  const places = ['--port', String(port), '--runs', runs, '--feedback', file, '--annotator', 'anna'];
  const args = [...entry, 'serve', ...models, ...places, '--threads', '1', '--json'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) {
    const { type, url } = JSON.parse(line) as { type: string; url: string };
    if (type === 'listening') return { url, child };
  }
  throw new Error('mossctl serve ended before it listened');
}

/** The same weights as what pretraining would have made. */
async function copyAsBase(from: string, folder: string): Promise<void> {
  await cp(from, folder, { recursive: true });
  const { manifest } = await readManifest(folder);
  const text = measuredManifestText({ ...manifest, stage: 'pretrain' }, manifest.metrics);
  await writeFile(join(folder, 'mossctl.json'), text);
}

async function writeRun(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const said = { type: 'sample', stage: 'align', step: 240, prompt: `${hostile}?`, completion: hostile };
  const lines = [...demoEvents(), said].map((event, i) => JSON.stringify({ ...event, time: 1000 + i }));
  await writeFile(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'pipeline.yaml'), 'name: demo\n');
}
