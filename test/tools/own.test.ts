// Tools of one's own, attacked with harmless input: over-long, slow, huge, an option for an argument, a program that fails, an
// endpoint that never ends. Each ends in a clear result.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTools } from '../../src/tools/open.js';

const folder = mkdtempSync(join(tmpdir(), 'mossctl-own-'));
const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (path === '/never') return void response.write('x');
  if (path === '/picture') return void response.writeHead(200, { 'content-type': 'image/png' }).end('\u0089PNG');
  if (path === '/gone') return void response.writeHead(404).end('no such city');
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () =>
    response.end(`${request.method} ${path} ${Buffer.concat(parts)} ${request.headers['x-key']}`),
  );
});
let host = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close().closeAllConnections();
  rmSync(folder, { recursive: true });
});

interface Arguments {
  [name: string]: { type: string; [key: string]: unknown };
}

/** The file of a tool with one required argument and one that is optional. */
function write(
  name: string,
  run: object,
  more: object = {},
  args: Arguments = { city: { type: 'string' }, days: { type: 'integer' } },
): string {
  const file = join(folder, `${name}.yaml`);
  const parameters = { type: 'object', properties: args, required: Object.keys(args).slice(0, 1) };
  writeFileSync(file, JSON.stringify({ name, description: 'A test.', parameters, run, ...more }));
  return file;
}
async function call(file: string, given: Record<string, unknown>, signal?: AbortSignal) {
  const box = await openTools([file]);
  return box.session().call({ name: box.tools[0].name, arguments: given }, signal);
}
const fault = (file: string): Promise<string> =>
  openTools([file]).then(
    () => 'opened',
    (error: Error) => error.message.replaceAll(`${file}: `, ''),
  );
const one = { city: { type: 'string' } };

test('a command is given its arguments as they are, each one item, and a small environment', async () => {
  const show = ['node', '-p', 'JSON.stringify([process.argv.slice(1), Object.keys(process.env).sort()])', '--'];
  const file = write('Show', { command: [...show, '{city}', '--days={days}', '{{city}}', '$HOME'] });
  const hostile = '$(touch /tmp/x); `id` "q" \'s\' | & {days} -北京';
  const { content } = await call(file, { city: hostile });
  const [argv, environment] = JSON.parse(content) as [string[], string[]];
  assert.deepEqual(argv, [hostile, '{city}', '$HOME']);
  assert.deepEqual(
    environment.filter((name) => !['HOME', 'LANG', 'PATH'].includes(name)),
    [],
  );
  assert.deepEqual((JSON.parse((await call(file, { city: '-x', days: 3 })).content) as string[][])[0], [
    '-x',
    '--days=3',
    '{city}',
    '$HOME',
  ]);
  const bare = write('Bare', { command: ['echo', '{city}'] }, {}, one);
  assert.deepEqual(await call(bare, { city: '-n' }), {
    content: 'city must not begin with -: the program would take it for an option.',
    fault: 'failed',
  });
  assert.match((await call(bare, { city: 'a\0b' })).content, /holds a NUL character/);
  assert.match((await call(bare, { city: 'x'.repeat(20_000) })).content, /longer than 16384 characters/);
  const stdin = write('Stdin', { command: ['cat'], stdin: 'json' });
  assert.equal((await call(stdin, { city: '北京', days: 2 })).content, '{"city":"北京","days":2}');
});

test('a command that fails, writes too much or does not end gives a result', async () => {
  const node = (name: string, script: string, more: object = {}): string =>
    write(name, { command: ['node', '-e', script, '--', '{city}'] }, more, one);
  const fails = node('Fails', 'console.error("a\\nb\\nc\\nd"); process.exitCode = 3');
  assert.deepEqual(await call(fails, { city: 'x' }), {
    content: 'Fails failed with exit code 3: b\nc\nd',
    fault: 'failed',
  });
  assert.equal((await call(node('Silent', ''), { city: 'x' })).content, 'No output.');
  const huge = write('Huge', { command: ['yes', '{city}'] }, { limits: { characters: 100 } }, one);
  assert.match(
    (await call(huge, { city: '\u001b[2J' })).content,
    /^(\\u001b\[2J\n)+\[Cut here: the result is longer\.\]$/,
  );
  // The limit ends those that it started as well.
  const slow = node(
    'Slow',
    'const c = require("child_process").spawn("sleep", ["30"]); require("fs").writeFileSync(process.argv[1], process.pid + " " + c.pid); setInterval(() => {}, 1000)',
    { limits: { seconds: 1 } },
  );
  const pids = join(folder, 'pids');
  assert.deepEqual(await call(slow, { city: pids }), {
    content: 'Slow took longer than 1 s and was stopped.',
    fault: 'timeout',
  });
  // One that ended may wait for a parent to notice.
  const stateOf = (pid: string): string =>
    spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim();
  for (const pid of readFileSync(pids, 'utf8').split(' '))
    assert.match(stateOf(pid), /^(Z.*)?$/, `process ${pid} lives on`);
});

test('a spec that cannot work is refused with every reason', async () => {
  delete process.env.MOSSCTL_TEST_ABSENT;
  const absent = write('Absent', {
    command: ['no-such-program', '{city}', '{town}', '-d', '{days}'],
    env: ['MOSSCTL_TEST_ABSENT'],
  });
  assert.deepEqual((await fault(absent)).split('\n'), [
    '{town} is no argument of Absent: known are city, days; {{town}} is {town} as text.',
    'no-such-program cannot be run: there is no such program here, or it is not executable (chmod +x).',
    '-d would stand alone where days is not given: write -d={days}, or give days a default.',
    'the variable MOSSCTL_TEST_ABSENT is not set.',
  ]);
  assert.match(await fault(write('Lost', { command: ['echo', '{city}'] })), /\{days\} stands nowhere/);
  assert.match(await fault(write('Chosen', { command: ['{city}', '{days}'] })), /the program is fixed/);
  assert.match(await fault(write('Host', { http: { url: 'https://{city}.example/' } }, {}, one)), /the host is fixed/);
  assert.match(
    await fault(write('Inner', { http: { url: 'http://10.0.0.1/{city}' } }, {}, one)),
    /only https is asked, but for hosts listed/,
  );
  assert.match(
    await fault(write('Inner', { http: { url: 'https://10.0.0.1/{city}' } }, {}, one)),
    /private, and not listed/,
  );
  assert.match(
    await fault(write('Ref', { command: ['echo', '{city}'] }, {}, { city: { type: 'string', pattern: '(a+)+' } })),
    /city\.pattern: this keyword is not checked/,
  );
});

test('an endpoint is asked with arguments as values, and each bad answer is a result', async () => {
  process.env.MOSSCTL_TEST_KEY = 'abcdefgh12345';
  const http = (path: string, more: object = {}): object => ({
    http: { url: `http://${host}${path}`, allow: [host], headers: { 'x-key': '$MOSSCTL_TEST_KEY' }, ...more },
  });
  const get = write('Get', http('/w/{city}?n={days}&u=c'));
  assert.equal(
    (await call(get, { city: 'a/b?c=d&e 北' })).content,
    'GET /w/a%2Fb%3Fc%3Dd%26e%20%E5%8C%97?u=c  [redacted]',
  );
  assert.equal((await call(get, { city: 'x', days: 3 })).content, 'GET /w/x?n=3&u=c  [redacted]');
  assert.deepEqual(await call(get, { city: '..' }), {
    content: 'An argument must not be . or .. here.',
    fault: 'failed',
  });
  const post = write('Post', http('/p', { method: 'POST' }));
  assert.match((await call(post, { city: '北京', days: 2 })).content, /^POST \/p \{"city":"北京","days":2\}/);
  const bad = (path: string, more: object = {}) => call(write('Bad', http(path), more, {}), {});
  assert.deepEqual(await bad('/gone'), { content: 'Bad answered 404 Not Found: no such city', fault: 'failed' });
  assert.equal((await bad('/picture')).content, 'Bad answered image/png, which is no text.');
  assert.deepEqual(await bad('/never', { limits: { seconds: 0.2 } }), {
    content: 'Bad took longer than 0.2 s and was stopped.',
    fault: 'timeout',
  });
  const closed = write('Closed', { http: { url: 'http://127.0.0.1:1/', allow: ['127.0.0.1:1'] } }, {}, {});
  assert.equal((await call(closed, {})).content, 'Closed cannot be asked: nothing listens there.');
});
