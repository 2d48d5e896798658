// A slice of `npm run test:crash`: the same tiny run, killed a few times, then damaged and opened again.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { damageFile } from '../../scripts/crash/damage.js';
import { killRound, type Reference, runArguments, uninterrupted } from '../../scripts/crash/rounds.js';
import { runSession, said } from '../../scripts/crash/session.js';
import { recordOf, stepsIn } from '../../scripts/crash/survey.js';
import { Table } from '../../scripts/crash/table.js';
import { Trial } from '../../scripts/crash/trial.js';
import { Random } from '../../src/base/random.js';
import { entry } from './cli.js';

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 32);
const random = Random.stream(seed, 'crash-slice');
const command = entry;
let folder: string;
let reference: Reference;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mossctl-crash-slice-'));
  reference = await uninterrupted({ command }, join(folder, 'whole'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('killed at random instants of random stages and run again, it comes to the same result', async (t) => {
  t.diagnostic(`CRASH_SEED=${seed}`);
  const table = new Table();
  const run = join(folder, 'killed');
  const { kills, violations, isEqual } = await killRound({ command, random, table }, run, reference, {
    kills: 3,
    damageShare: 0,
    letGo: false,
  });
  t.diagnostic(`${kills} kills\n${table}`);
  assert.deepEqual(violations, []);
  assert.ok(isEqual);
});

test('files that were flipped and cut are refused by name, then made again, the same', async (t) => {
  t.diagnostic(`CRASH_SEED=${seed}`);
  const run = join(folder, 'whole');
  const trial = new Trial(run, new Table());
  const pretrain = stepsIn(run, 'pretrain').at(-1) ?? '';
  const align = recordOf(run, 'align')?.output?.path ?? '';
  const damages = [
    damageFile(run, `${pretrain}/model.safetensors`, 'flipped', random),
    damageFile(run, `${align}/tokenizer.json`, 'truncated', random),
    damageFile(run, 'self-instruct/train.jsonl', 'truncated', random),
    damageFile(run, 'sft/stage.json', 'flipped', random),
  ];
  for (const damage of damages) {
    assert.ok(damage?.matters, damage?.file);
    trial.damage(damage);
  }
  const opened = await runSession({ command, args: ['inspect', join(run, pretrain)] });
  assert.equal(opened.code, 2, opened.stderr);
  assert.ok(opened.stderr.includes(`${pretrain}/model.safetensors`), opened.stderr);

  trial.survey();
  const session = await runSession({ command, args: runArguments(run) });
  assert.ok(trial.take(session, undefined), session.stderr);
  for (const { file } of damages.flatMap((damage) => damage ?? [])) assert.ok(said(session).includes(file), file);
  trial.finish(reference.fingerprint);
  assert.deepEqual(trial.violations, []);
  // A round that is refused hands on the checkpoint that it began with.
  const damaged = align.split('/')[0];
  const skipped = session.events.filter((event) => event.type === 'stage' && event.state === 'skipped');
  assert.deepEqual(
    skipped.map(({ stage }) => stage),
    ['data', 'tokenizer', 'tokens', 'sft', 'align', 'eval'].filter((stage) => stage !== damaged),
  );
});
