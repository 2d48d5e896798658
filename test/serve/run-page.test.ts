// A run with its page (--ui), as processes: what the page is told while it trains, and that neither outlives or ends the other in a
// way that costs work.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasProcess } from '../../src/base/process.js';
import { holderOf } from '../../src/pipeline/lock.js';
import type { RunDetail, RunList, Session } from '../../src/serve/contract.js';
import { entry, mossctl } from '../e2e/cli.js';
import { found, until } from '../until.js';
import { childrenOf } from './children.js';
import { readEvents } from './sse-client.js';
import { temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
const started: ChildProcess[] = [];
after(async () => {
  for (const child of started.filter(({ exitCode, signalCode }) => (exitCode ?? signalCode) === null)) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await remove();
});

interface Run {
  child: ChildProcess;
  /** Of the page. */
  url: string;
  /** The process of the server; undefined where the system does not say. */
  server: number | undefined;
  errors(): string;
}

const small = [
  ...['pretrain.train.checkpointEvery=20', 'pretrain.train.evaluateEvery=1000', 'pretrain.train.steps=5000'],
  ...['pretrain.model.hiddenSize=16', 'pretrain.model.layers=1', 'tokenizer.vocabSize=300'],
];
const textAlone = ['pretrain', 'selfInstruct', 'sft', 'align', 'eval'].map((block) => `${block}=null`);

/** The smoke pipeline with these settings, as soon as its page is there. */
async function start(out: string, command: readonly string[], settings: readonly string[]): Promise<Run> {
  const sets = settings.flatMap((set) => ['--set', set]);
  const words = [...command, '--out', join('runs', out), '--threads', '1', '--ui', '--port', '0', ...sets];
  const child = spawn(process.execPath, [...entry, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  let printed = '';
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    printed += text;
    const [, url] = /^page {4}(http:\/\/127\.0\.0\.1:\d+)\/#\/watch\/\S+$/m.exec(printed) ?? [];
    if (url === undefined) continue;
    child.stdout?.resume();
    return { child, url, server: (await childrenOf(child.pid ?? 0)).at(-1), errors: () => errors };
  }
  throw new Error(`no page: ${printed} ${errors}`);
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

test('a page is told of the run while it trains, and of what it has saved; its crash is a warning', async () => {
  const { url, server, errors } = await start('watched', ['pretrain', '--config', 'smoke'], small);
  const early = await fetch(`${url}/v1/completions`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ prompt: 'a' }),
  });
  assert.equal(early.status, 503);
  assert.match(await early.text(), /"message":"there is no model yet.*"code":"no_model_yet"/);
  const first = await get<Session>(`${url}/api/session`);
  assert.deepEqual([first.models, first.default, first.run, first.follows], [[], '', 'watched', true]);

  const [listed] = await found(async () => {
    const { runs } = await get<RunList>(`${url}/api/runs`);
    return runs.length > 0 ? runs : undefined;
  }, 'the run is listed');
  assert.deepEqual([listed.name, listed.state], ['watched', 'running']);
  for await (const { data } of readEvents(`${url}/api/runs/watched/events?from=0`)) {
    if (data.type !== 'step') continue;
    assert.equal(data.stage, 'pretrain');
    break;
  }
  const detail = await get<RunDetail>(`${url}/api/runs/watched`);
  assert.equal(detail.state, 'running');

  const model = await found(async () => (await get<Session>(`${url}/api/session`)).models.at(-1), 'a model is saved');
  assert.match(model.id, /^base\/step-\d{6}$/);
  if (server === undefined) return;
  process.kill(server, 'SIGKILL');
  await until(
    () => /warning: .*the page has ended \(it ended with SIGKILL\)/s.test(errors()),
    'the run says that its page has ended',
  );
  assert.ok((await holderOf(join(folder, 'runs/watched'))).isHeld, 'the run ended with its page');
});

test('a run that ends, and one that is killed, take their page with them', async () => {
  const whole = await start('whole', ['run', 'smoke'], textAlone);
  assert.deepEqual(await once(whole.child, 'exit'), [0, null]);
  await assert.rejects(fetch(whole.url));

  const killed = await start('killed', ['run', 'smoke'], textAlone);
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  await until(() => killed.server === undefined || !hasProcess(killed.server), 'the page has ended');
  await assert.rejects(fetch(killed.url));
});

test('a port that is named and taken is refused before anything is made', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await mossctl(['run', 'smoke', '--port', String(port), '--out', join(folder, 'runs/none')]);
  other.close();
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    new RegExp(`--port ${port}: the page cannot be shown there.*another program listens there.*omit it`, 's'),
  );
});
