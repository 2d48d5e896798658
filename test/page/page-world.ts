// The whole server with the page on it: two models, a feedback store, a folder with a run.
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import { measuredManifestText, readManifest } from '../../src/checkpoint/manifest.js';
import { feedbackRoutes } from '../../src/serve/feedback-routes.js';
import { roundRoutes } from '../../src/serve/round-routes.js';
import { runRoutes } from '../../src/serve/run-routes.js';
import { entry } from '../e2e/cli.js';
import { demoEvents } from '../report/fixtures/demo.js';
import { saveTrained, startServer, type TestServer, temporaryFolder } from '../serve/world.js';

export const pageFolder = fileURLToPath(new URL('../../dist/page/', import.meta.url));

export interface PageWorld extends TestServer {
  /** The feedback store. */
  file: string;
  runs: string;
}

/** @param steps of training; 0: it says anything at all. */
export async function startPage(steps: number): Promise<PageWorld> {
  const { folder, remove } = await temporaryFolder();
  const [sft, base, runs, file] = ['sft', 'base', 'runs', 'feedback.jsonl'].map((name) => join(folder, name));
  await saveTrained(sft, steps);
  await cp(sft, base, { recursive: true });
  await asBase(base);
  await writeRun(join(runs, 'demo'), `<img src=x onerror="document.title='run'">`);
  await writeRun(join(runs, 'other'), 'fine');
  const server = await startServer([sft, base], {
    pageFolder,
    verify: false,
    watch: { runs, file, annotator: 'anna', seed: 42, flags: ['--threads', '1', ...quick], program: entry },
  });
  return { ...server, file, runs, stop: () => server.stop().then(remove) };
}

/** The same weights as what pretraining would have made. */
async function asBase(folder: string): Promise<void> {
  const { manifest } = await readManifest(folder);
  await writeFile(
    join(folder, 'mossctl.json'),
    measuredManifestText({ ...manifest, stage: 'pretrain' }, manifest.metrics),
  );
}

async function writeRun(folder: string, said: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const sample = { type: 'sample', stage: 'sft', step: 240, prompt: `${said}?`, completion: said };
  const lines = [...demoEvents(), sample].map((event, i) => JSON.stringify({ ...event, time: 1000 + i }));
  await writeFile(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'pipeline.yaml'), 'name: demo\n');
}
