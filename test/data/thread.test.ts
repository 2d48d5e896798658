// A library that loops for ever is ended, and what it was reading is reported.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReaderThread } from '../../src/data/sources/thread.js';
import type { ZstdAnswer } from '../../src/data/sources/zstd-worker.js';

const module = new URL('../../src/data/sources/zstd-worker.js', import.meta.url);
/** Found by the fuzzer: fzstd 0.1.1 never returns from it. */
const endless = Buffer.from(
  'KLUv/QRonQEAdAJ7InRleHQiOiJyb3cgMSwgcGFja2WUmWDtaru+b6EJ+xTrSCVZZXrjn2QgYnkgenN0ZCAxLjUifQoyMwMAoJaAvEWHegL+T5V/',
  'base64',
);

test('what takes too long is ended', async () => {
  const thread = new ReaderThread(module);
  const nothing: ZstdAnswer = { chunks: [], hasMore: false, isWhole: true };
  assert.deepEqual(await thread.ask<ZstdAnswer>({}, 60), nothing);
  const started = process.cpuUsage();
  await assert.rejects(thread.ask({ input: endless, isFirst: true }, 1), /it takes too long/);
  await thread.close();
  assert.ok(process.cpuUsage(started).user < 10e6);
});
