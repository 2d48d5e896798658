// The page of a run that has ended stays until Ctrl-C, which a terminal sends to the run and to the server behind the page alike.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { settingsName } from '../../src/base/layout.js';
import { RunPage } from '../../src/cli/run-page.js';
import { childrenOf } from './children.js';
import { saveTrained, temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);

test('one Ctrl-C on the terminal lets the answers that are being written come to their end', async (t) => {
  const run = join(folder, 'one');
  await mkdir(run);
  await writeFile(join(run, settingsName), 'name: one\n');
  await saveTrained(join(run, 'sft/step-000001'), 0);
  const before = new Set(await childrenOf('self'));
  let printed = '';
  const write = process.stdout.write.bind(process.stdout);
  const spy = t.mock.method(process.stdout, 'write', (text: string | Uint8Array) => {
    if (typeof text === 'string') printed += text;
    return write(text);
  });
  const page = (await RunPage.open([run], { root: folder, port: 0, threads: '1' })) ?? assert.fail('no page');
  spy.mock.restore();
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? assert.fail(printed);
  const [server] = (await childrenOf('self')).filter((pid) => !before.has(pid));
  if (server === undefined) return page.close(); // this system does not say

  const { isTTY } = process.stdout;
  process.stdout.isTTY = true;
  const stayed = page.stay({ quiet: true });
  process.stdout.isTTY = isTTY;
  const answer = await fetch(`${url}/v1/completions`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ prompt: 'a', stream: true, n: 8, max_tokens: 400, seed: 1 }),
  });
  let text = '';
  let isAsked = false;
  for await (const bytes of answer.body ?? []) {
    text += Buffer.from(bytes).toString();
    if (isAsked) continue;
    isAsked = true;
    process.kill(server, 'SIGINT');
    process.kill(process.pid, 'SIGINT');
  }
  assert.match(text, /data: \[DONE\]\s*$/);
  await stayed;
  await page.close();
  await assert.rejects(fetch(url));
});
