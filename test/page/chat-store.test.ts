// The conversation behind the page, without a browser: what it keeps where, while an answer is still being written.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

interface Judged {
  verdict?: { id: string };
  state: string;
}
interface Store {
  id: string;
  turns: { question: string; answers: Judged[]; preference?: { id: string } }[];
  conversations: { title?: string }[];
  isRunning: boolean;
  ask(question: string, setup: object): void;
  judge(turn: unknown, answer: unknown, kind: string): Promise<void>;
  prefer(turn: unknown, better: number): Promise<void>;
  forget(judgement: string): void;
}

/** As a browser's: what is kept lies in it under its keys. */
class Shelf {
  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? (this as unknown as Record<string, string>)[key] : null;
  }
  setItem(key: string, text: string): void {
    (this as unknown as Record<string, string>)[key] = text;
  }
  removeItem(key: string): void {
    delete (this as unknown as Record<string, string>)[key];
  }
}
const local = new Shelf();
for (const [name, value] of Object.entries({
  localStorage: local,
  sessionStorage: new Shelf(),
  addEventListener: (): void => undefined,
  requestAnimationFrame: (): number => 0,
}))
  Object.defineProperty(globalThis, name, { value, configurable: true });

// The page is no part of what these tests are compiled with: it is for a browser, and bundled as it is for one.
const folder = await mkdtemp(join(tmpdir(), 'mossctl-chat-store-'));
after(() => rm(folder, { recursive: true }));
const outfile = join(folder, 'chat-store.mjs');
const source = fileURLToPath(new URL('../../src/page/chat-store.ts', import.meta.url));
await build({ entryPoints: [source], outfile, bundle: true, format: 'esm', platform: 'node', tsconfigRaw: {} });
const { ChatStore } = (await import(pathToFileURL(outfile).href)) as {
  ChatStore: new (connection: object, changed: () => void) => Store;
};

/** A server that writes as far as it is let. */
function connection() {
  let judgements = 0;
  const waiting: (() => void)[] = [];
  return {
    post: async () => ({ id: (++judgements).toString(16).padStart(16, '0') }),
    async *stream() {
      yield { type: 'text', text: 'so far' };
      await new Promise<void>((resolve) => waiting.push(resolve));
      yield {
        type: 'end',
        finish: 'stop',
        usage: { input: 1, output: 1 },
        seed: 1,
        messages: [{ role: 'assistant', content: 'so far' }],
      };
    },
    finish: async () => {
      for (const go of waiting.splice(0)) go();
      await nextTurn();
    },
  };
}

test('a judgement that is erased while another answer is written is gone, and the conversation stays one', async () => {
  const server = connection();
  const store = new ChatStore(server, () => undefined);
  const setup = { model: 'a', tools: false, sampling: {} };
  store.ask('q1', { ...setup, second: 'b' });
  await nextTurn();
  await server.finish();
  const [turn] = store.turns;
  await store.judge(turn, turn.answers[0], 'good');
  await store.prefer(turn, 0);
  const [verdict, preference] = [turn.answers[0].verdict?.id ?? '', turn.preference?.id ?? ''];
  store.ask('q2', setup);
  await nextTurn();
  assert.ok(store.isRunning);
  const { id } = store;
  store.forget(verdict);
  store.forget(preference);
  await server.finish();
  assert.equal(store.id, id);
  assert.equal(store.conversations.length, 1);
  assert.deepEqual([store.turns[0].answers[0].verdict, store.turns[0].preference], [undefined, undefined]);
  const kept = JSON.stringify({ ...local });
  assert.ok(kept.includes('q2') && !kept.includes(verdict) && !kept.includes(preference), kept);
});
