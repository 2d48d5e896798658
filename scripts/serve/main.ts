// What `mossctl serve` endures: malformed requests by the hundred thousand, 200 clients at once whose answers are those that each
// gets alone, memory that stays where it was; and how much of the engine's own speed 32 clients see. Figures are printed; a
// crash, a 500, a mixed-up answer, an open slot or memory above the bound ends it with exit code 1.
// Run: npm run test:serve [-- --requests N] [--seed N]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.ts';
import { saveTrained } from '../../test/serve/world.ts';
import { halfOpen, type MalformedRequest, malformedRequest } from './malformed.ts';
import { engineSpeed, saveLarger, servedSpeed } from './speed.ts';

const { values: given } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const requests = Number(given.requests);
const clients = 200;
const maxGrowth = 0.1;
const entry = fileURLToPath(new URL('../../bin/mossctl.js', import.meta.url));
/** So small that what is not collected yet weighs little in what is measured. */
const heap = ['--max-old-space-size=80', '--max-semi-space-size=2'];
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const faults: string[] = [];

interface Server {
  child: ChildProcess;
  url: string;
  errors(): string;
}

export async function startServer(path: string, ...flags: string[]): Promise<Server> {
  const child = spawn(process.execPath, [...heap, entry, 'serve', path, '--port', '0', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-10_000)));
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, url: (JSON.parse(line) as { url: string }).url, errors: () => errors };
  }
  throw new Error(`it never listened: ${errors}`);
}

export function send(url: string, asked: MalformedRequest, own = agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { method, path, headers, body, leavesAfter } = asked;
    const sent = request(url + path, { method, headers, agent: own }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', () => resolve({ status: 0, text }));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // A refusal may come, and the connection end, before all of a body was sent.
      if (leavesAfter !== undefined || ['EPIPE', 'ECONNRESET'].includes(error.code ?? ''))
        resolve({ status: 0, text: '' });
      else reject(error);
    });
    if (leavesAfter !== undefined) setTimeout(() => sent.destroy(), leavesAfter);
    sent.end(body);
  });
}

async function figure(url: string, name: string): Promise<number> {
  const { text } = await send(url, { method: 'GET', path: '/metrics', headers: {} });
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function idle(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const busy = (await figure(url, 'mossctl_answers_in_progress')) + (await figure(url, 'mossctl_engine_sequences'));
    if (busy === 0) return;
    await sleep(50);
  }
  faults.push('answers are still in progress when nobody asks any more');
}

async function malformed(url: string, count: number, random: Random): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const port = Number(new URL(url).port);
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      if (random.uniform() < 0.02) {
        await halfOpen(port, random);
        continue;
      }
      const asked = malformedRequest(random);
      const { status, text } = await send(url, asked);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500 && faults.length < 10)
        faults.push(`${status} of ${JSON.stringify(asked).slice(0, 300)}: ${text.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
  return statuses;
}

/** Text of the answer to client `i`, whichever way it asks for it. */
async function answerTo(url: string, i: number, own: Agent): Promise<string> {
  const asked = { model: 'a', seed: i, temperature: 1, max_tokens: 16 + (i % 17), stream: i % 2 === 1 };
  const isChat = i % 3 !== 0;
  const body = isChat
    ? { ...asked, messages: [{ role: 'user', content: `Count. ${'ab '.repeat(i % 13)}` }] }
    : { ...asked, prompt: `One two ${'three '.repeat(i % 11)}` };
  const path = isChat ? '/v1/chat/completions' : '/v1/completions';
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await send(url, { method: 'POST', path, headers, body: JSON.stringify(body) }, own);
  if (status !== 200) throw new Error(`client ${i}: ${status} ${text.slice(0, 300)}`);
  const bodies = asked.stream
    ? text.split('\n\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []))
    : [JSON.parse(text)];
  return bodies
    .flatMap(({ choices }) => choices)
    .map((choice) => choice.text ?? choice.delta?.content ?? choice.message?.content ?? '')
    .join('');
}

async function together(url: string): Promise<void> {
  const own = new Agent({ keepAlive: true, maxSockets: 1000 });
  const alone: string[] = [];
  for (let i = 0; i < clients; i++) alone.push(await answerTo(url, i, own));
  for (let round = 1; round <= 3; round++) {
    const all = await Promise.all(Array.from({ length: clients }, (_, i) => answerTo(url, i, own)));
    const mixed = all.filter((text, i) => text !== alone[i]).length;
    if (mixed > 0) faults.push(`${mixed} of ${clients} answers differ from those given alone`);
  }
  const distinct = new Set(alone).size;
  console.log(`${clients} clients at once, three times: the answers of each alone (${distinct} different ones)`);
  own.destroy();
}

const scratch = mkdtempSync(join(tmpdir(), 'mossctl-serve-'));
try {
  const tiny = join(scratch, 'tiny');
  await saveTrained(tiny, 0);
  const server = await startServer(tiny, '--max-tokens', '4');
  const { url, child } = server;
  child.on('exit', (code, signal) => faults.push(`the server ended: ${code ?? signal} ${server.errors()}`));
  const random = Random.stream(Number(given.seed), 'malformed');
  await malformed(url, Math.min(10_000, requests), random);
  await together(url);
  await idle(url);
  const before = await figure(url, 'process_resident_memory_bytes');
  const started = performance.now();
  const statuses = new Map<number, number>();
  const parts = 10;
  for (let part = 1; part <= parts; part++) {
    for (const [status, count] of await malformed(url, requests / parts, random)) {
      statuses.set(status, (statuses.get(status) ?? 0) + count);
    }
    const resident = await figure(url, 'process_resident_memory_bytes');
    console.log(`  ${(part * requests) / parts} requests: ${(resident / 2 ** 20).toFixed(0)} MiB`);
  }
  const seconds = (performance.now() - started) / 1000;
  const told = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status || 'gone'}`);
  console.log(`${requests} malformed requests in ${seconds.toFixed(0)} s: ${told.join(', ')}`);
  await together(url);
  await idle(url);
  const after = await figure(url, 'process_resident_memory_bytes');
  const growth = after / before - 1;
  console.log(
    `memory: ${(before / 2 ** 20).toFixed(0)} MiB after a warm-up, ${(after / 2 ** 20).toFixed(0)} MiB afterwards (${(100 * growth).toFixed(1)} %)`,
  );
  if (growth > maxGrowth) faults.push(`memory grew by ${(100 * growth).toFixed(1)} %`);
  if (/should not have/.test(server.errors())) faults.push(server.errors());
  child.removeAllListeners('exit');
  agent.destroy();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) faults.push(`it did not stop as asked: ${code} ${server.errors()}`);

  const larger = join(scratch, 'larger');
  await saveLarger(larger);
  const own = await engineSpeed(larger);
  const served = await servedSpeed(larger, startServer, (url) => figure(url, 'process_cpu_seconds_total'));
  for (const [name, unit] of [
    ['perSecond', 'a second'],
    ['perCpuSecond', 'a second of processor time'],
  ] as const) {
    const share = (100 * served[name]) / own[name];
    console.log(
      `32 clients: ${served[name].toFixed(0)} tokens ${unit}, the engine by itself ${own[name].toFixed(0)}: ${share.toFixed(0)} %`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const fault of faults) console.error(`FAULT ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);
