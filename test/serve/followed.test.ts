// A run that is followed while it trains: which models it has at each moment, under which names; where a server can be opened; and
// which text a round's forgetting is measured on.
import assert from 'node:assert/strict';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { settingsName } from '../../src/base/layout.js';
import { writeRecord } from '../../src/pipeline/record.js';
import { openableHosts } from '../../src/serve/addresses.js';
import { Visit } from '../../src/serve/admission.js';
import { type ModelEntry, maxEarlier, ServedModels } from '../../src/serve/models.js';
import { RefusedRequest } from '../../src/serve/refusal.js';
import { heldOutTextOf } from '../../src/serve/round-start.js';
import { saveTrained, startServer, temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);

const finished = { inputDigest: 'a', overrides: [], files: {} };
const output = (path: string) => ({ path, digest: 'd', metrics: {} });

test('models appear as a run saves them; what a newer one follows still answers under its name, until it is removed', async (t) => {
  let looked = 0;
  t.mock.method(performance, 'now', () => (looked += 2000)); // it looks once a second
  const run = join(folder, 'followed');
  const models = await ServedModels.follow([run]);
  const ids = async () => {
    await models.refresh();
    return [models.all.map(({ id }) => id), models.defaultEntry?.id];
  };
  assert.deepEqual([models.all, models.run, models.follows], [[], 'followed', true]);
  const refusal = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof RefusedRequest) return error.refusal;
    }
    return assert.fail('it is not refused');
  };
  const early = refusal(() => models.find('sft'));
  assert.deepEqual([early.status, early.code], [503, 'no_model_yet']);

  const steps = ['step-000001', 'step-000002'].map((step) => join(run, 'sft', step));
  await saveTrained(steps[0], 0);
  await writeFile(join(run, settingsName), 'name: followed\n');
  assert.deepEqual(await ids(), [['sft/step-000001'], 'sft/step-000001']);
  const first = models.find('sft/step-000001');
  assert.equal(first.opened, undefined);
  await saveTrained(steps[1], 1);
  assert.deepEqual(await ids(), [['sft/step-000002'], 'sft/step-000002']);
  assert.equal(models.known('sft/step-000001'), first);
  await first.open();
  assert.equal(models.find(undefined).id, 'sft/step-000002');
  await rm(steps[0], { recursive: true });
  await first.release();
  await assert.rejects(first.open(), /there no longer: the run has saved newer checkpoints/);

  await writeRecord(run, 'sft', { stage: 'sft', state: 'finished', ...finished, output: output('sft/step-000002') });
  assert.deepEqual(await ids(), [['sft'], 'sft']);
  await models.add({ id: 'feedback-1', path: steps[1] });
  assert.deepEqual(await ids(), [['sft', 'feedback-1'], 'feedback-1']);
  models.setDefault(undefined);
  assert.equal(models.default.id, 'sft');
  await models.close();
});

test('an earlier checkpoint that is named keeps its weights only while it answers, and the oldest are forgotten', async (t) => {
  let looked = 0;
  t.mock.method(performance, 'now', () => (looked += 2000)); // it looks once a second
  const run = join(folder, 'long');
  const stepOf = (step: number) => `step-${String(step).padStart(6, '0')}`;
  const save = (step: number) => cp(join(folder, 'saved'), join(run, 'sft', stepOf(step)), { recursive: true });
  const visit = () => new Visit(new AbortController().signal, 60, () => undefined);
  await saveTrained(join(folder, 'saved'), 0);
  await save(1);
  await writeFile(join(run, settingsName), 'name: long\n');
  const models = await ServedModels.follow([run]);
  const asked: { entry: ModelEntry; running: Visit }[] = [];
  for (let step = 1; step <= 3; step++) {
    const entry = models.find(`sft/${stepOf(step)}`);
    asked.push({ entry, running: visit() });
    await entry.open(asked[step - 1].running); // this answer runs still when the next checkpoint comes
    await save(step + 1);
    await models.refresh();
    assert.ok(entry.opened, 'an answer lost its model');
  }
  assert.equal(models.find(undefined).id, 'sft/step-000004');
  for (const { entry, running } of asked) {
    const later = visit();
    assert.equal(models.known(entry.id), entry);
    await entry.open(later);
    later.leave();
    assert.ok(entry.opened, 'the first answer runs still');
    running.leave();
    assert.equal(entry.opened, undefined);
    const again = visit();
    await entry.open(again);
    again.leave();
    assert.equal(entry.opened, undefined);
  }
  for (let step = 5; step < 5 + maxEarlier; step++) {
    await save(step);
    await models.refresh();
  }
  assert.equal(models.known('sft/step-000001'), undefined);
  assert.notEqual(models.known(`sft/${stepOf(4 + maxEarlier - 1)}`), undefined);
  await models.close();
});

test('without a port the next is taken that no other program has', async () => {
  const path = join(folder, 'one');
  await saveTrained(path, 0);
  const servers = [await startServer([path], { port: undefined }), await startServer([path], { port: undefined })];
  const ports = servers.map(({ url }) => Number(new URL(url).port));
  for (const server of servers) await server.stop();
  assert.ok(ports[0] >= 8080 && ports[1] > ports[0] && ports[1] < 8100, String(ports));
});

test('an address that stands for all of them is said as those that can be opened', () => {
  const interfaces = {
    lo: [{ address: '127.0.0.1', family: 'IPv4' as const, internal: true }],
    eth0: [
      { address: '192.168.1.7', family: 'IPv4' as const, internal: false },
      { address: 'fe80::1', family: 'IPv6' as const, internal: false },
      { address: '2001:db8::7', family: 'IPv6' as const, internal: false },
    ],
  };
  assert.deepEqual(openableHosts('0.0.0.0', interfaces), ['127.0.0.1', '192.168.1.7']);
  assert.deepEqual(openableHosts('::', interfaces), ['127.0.0.1', '[::1]', '192.168.1.7', '[2001:db8::7]']);
  assert.deepEqual(openableHosts('::1', interfaces), ['[::1]']);
  assert.deepEqual(openableHosts('127.0.0.1', interfaces), ['127.0.0.1']);
  for (const host of openableHosts('::')) assert.ok(URL.canParse(`http://${host}:1`), host);
});

test("a round's forgetting is measured on the text of the run that its model came from, also through another round", async () => {
  const run = join(folder, 'runs/own');
  const step = join(run, 'sft/step-000001');
  await mkdir(join(run, 'tokens/corpus'), { recursive: true });
  await mkdir(step, { recursive: true });
  await writeFile(join(run, settingsName), 'name: own\n');
  assert.equal(await heldOutTextOf(step), undefined);
  await writeRecord(run, 'tokens', {
    stage: 'tokens',
    state: 'finished',
    ...finished,
    output: output('tokens/corpus'),
  });
  assert.equal(await heldOutTextOf(step), join(run, 'tokens/corpus'));
  const round = join(folder, 'runs/feedback-1');
  const promoted = join(round, 'align/round-01/step-000001');
  await mkdir(promoted, { recursive: true });
  await writeFile(join(round, settingsName), 'align: {gate: {text: ../own/tokens/corpus}}\n');
  assert.equal(await heldOutTextOf(promoted), join(run, 'tokens/corpus'));
  await cp(promoted, join(folder, 'elsewhere'), { recursive: true });
  assert.equal(await heldOutTextOf(join(folder, 'elsewhere')), undefined);
});
