// Kills processes that write to one feedback store and delete from it, at random instants, and looks at what is left: each
// judgement that was acknowledged is there, each text whose deletion was acknowledged is gone, and of what nobody
// acknowledged at most one line a kill is damaged.
//   npm run test:crash-feedback -- --kills 60 --seed 1
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.js';
import { finishDeletions, indexStore, readFeedback } from '../../src/feedback/store.js';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 60);
const random = Random.stream(Number(values.seed ?? 1), 'feedback crashes');
const folder = mkdtempSync(join(tmpdir(), 'mossctl-crash-feedback-'));
const store = join(folder, 'feedback.jsonl');
const built = new URL('../../dist/feedback/', import.meta.url).href;

/** Writes judgements of growing length until it dies; says the id of each that is on the disk. */
const writer = `
  import { FeedbackSession } from '${built}session.js';
  const session = await FeedbackSession.open('${store}', 'w', () => performance.timeOrigin + performance.now());
  for (let i = 0; ; i++) {
    const text = \`text-\${process.argv[2]}-\${i}- \${'长'.repeat((i * 977) % 5000)}\`;
    const prompt = [{ role: 'user', content: text }];
    const answers = [{ messages: [{ role: 'assistant', content: 'yes' }] }];
    const { id } = await session.judge({ conversation: '0'.repeat(16), verdict: 'good', prompt, answers });
    process.stdout.write(\`\${id} text-\${process.argv[2]}-\${i}-\\n\`);
  }`;
/** Deletes what it finds, some of it, until it dies. */
const eraser = `
  import { eraseLines, finishDeletions, indexStore } from '${built}store.js';
  for (;;) {
    await finishDeletions('${store}');
    const { live } = await indexStore('${store}');
    const places = live.filter(({ id }) => id.endsWith('0') || id.endsWith('7'));
    for (const place of places) {
      await eraseLines('${store}', [place]);
      process.stdout.write(place.id + '\\n');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }`;
writeFileSync(join(folder, 'writer.mjs'), writer);
writeFileSync(join(folder, 'eraser.mjs'), eraser);

interface Worker {
  child: ChildProcess;
  closed: Promise<unknown>;
  /** Whole lines that it printed. */
  lines(): string[];
}

function start(name: string, ...args: string[]): Worker {
  const child = spawn(process.execPath, [join(folder, name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  return { child, closed: once(child, 'close'), lines: () => text.split('\n').slice(0, -1) };
}

const written = new Map<string, string>();
const deleted = new Set<string>();
const violations: string[] = [];
let killed = 0;
let damagedBefore = 0;
while (killed < kills && violations.length === 0) {
  const workers = [start('writer.mjs', `${killed}a`), start('writer.mjs', `${killed}b`), start('eraser.mjs')];
  while (workers[0].lines().length === 0) await sleep(20);
  for (const { child } of random.shuffle([...workers])) {
    await sleep(random.uniform() * 200);
    child.kill('SIGKILL');
    killed++;
  }
  await Promise.all(workers.map(({ closed }) => closed));
  for (const line of workers.slice(0, 2).flatMap(({ lines }) => lines())) {
    const [id, mark] = line.split(' ');
    written.set(id, mark);
  }
  for (const id of workers[2].lines()) deleted.add(id);
  const { deleted: erased, damaged } = await indexStore(store);
  const here = new Set(erased.map(({ id }) => id));
  for await (const { id } of readFeedback(store)) here.add(id);
  for (const id of written.keys()) if (!here.has(id)) violations.push(`judgement ${id} is lost`);
  await finishDeletions(store);
  const text = readFileSync(store, 'utf8');
  for (const id of deleted) {
    const mark = written.get(id);
    if (mark !== undefined && text.includes(mark)) violations.push(`the text of ${id} is still there`);
  }
  if (damaged.length - damagedBefore > 2) violations.push(`${damaged.length - damagedBefore} lines are damaged`);
  damagedBefore = damaged.length;
}
rmSync(folder, { recursive: true });
for (const violation of violations.slice(0, 10)) console.error(violation);
console.log(
  `${killed} kills: ${written.size} judgements and ${deleted.size} deletions acknowledged, ${damagedBefore} lines cut, ${violations.length} violations`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
