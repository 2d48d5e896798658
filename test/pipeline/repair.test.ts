// What the runner does after kills and damage: remakes outputs, mends `latest`, clears half-written files, takes over locks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { exists } from '../../src/base/files.js';
import type { Event } from '../../src/report/event.js';
import { freshRun, stageNames, start, type World, whole } from './world.js';

test('an output that was deleted or damaged is rebuilt', async () => {
  const run = freshRun();
  const world: World = { ran: [] };
  await start(run, world);
  const output = (folder: string) => join(run, folder, 'step-000002', 'mossctl.json');
  await rm(output('sft'));
  await start(run, world);
  assert.deepEqual(world.ran, ['sft']);
  const saved = await readFile(output('data'), 'utf8');
  await writeFile(output('data'), `${saved} `);
  const { events } = await start(run, world);
  assert.deepEqual(world.ran, ['data']);
  assert.equal(await readFile(output('data'), 'utf8'), saved);
  const warnings = events.flatMap((event) => (event.type === 'note' && event.level === 'warning' ? [event.text] : []));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /it changed on disk: .*data.step-000002.mossctl\.json/);
  await start(run, world);
  assert.deepEqual(world.ran, []);
});

test('`latest` leads to a checkpoint: through a link, after settings came back, after a kill between two renames', async () => {
  const real = freshRun();
  await mkdir(real);
  const run = freshRun();
  await symlink(real, run);
  const world: World = { ran: [] };
  const leadsTo = async (target: string) => {
    assert.equal(await readlink(join(run, 'latest')), target);
    assert.ok(await exists(join(run, 'latest', 'mossctl.json')));
  };
  await start(run, world, { only: 'pretrain' });
  await start(run, world, { only: 'sft' });
  await leadsTo('sft/step-000002');
  const changed = whole();
  if (changed.sft) changed.sft.train.epochs = 5;
  world.stopAt = 'sft';
  await assert.rejects(start(run, world, { only: 'sft', config: changed }), Interrupted);
  const old = (await readdir(run)).find((name) => name.startsWith('sft.replaced-'));
  await leadsTo(`${old}/step-000002`);
  await start(run, world, { only: 'sft' });
  assert.deepEqual(world.ran, []);
  await leadsTo('sft/step-000002');
  await rm(join(run, 'latest'));
  for (const damaged of ['', 'mossctl li', 'mossctl link: sft/step-9\n']) {
    await writeFile(join(run, 'latest'), damaged);
    await start(run, world, { only: 'sft' });
    await leadsTo('sft/step-000002');
    await rm(join(run, 'latest'));
  }
  await rename(join(run, 'sft'), join(run, 'sft.replaced-elsewhere'));
  world.stopAt = 'selfInstruct';
  world.outside = 'other';
  await assert.rejects(start(run, world, { only: 'selfInstruct', config: { ...whole(), seed: 2 } }), Interrupted);
  await leadsTo('pretrain/step-000002');
});

test('what a killed run left half-written is cleared away, and only that', async () => {
  const run = freshRun();
  await start(run, { ran: [] });
  for (const name of ['.tmp-pipeline.yaml-00000000', 'sft/.tmp-stage.json-00000000', 'mine']) {
    await writeFile(join(run, name), 'half');
  }
  await start(run, { ran: [] });
  const left = await readdir(run, { recursive: true });
  assert.deepEqual(
    left.filter((name) => name.includes('.tmp-')),
    [],
  );
  assert.ok(left.includes('mine'));
});

test('two runs in one folder: the second is refused while the first lives, and takes over when it is gone', async () => {
  const run = freshRun();
  await mkdir(run);
  const holder = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  await writeFile(join(run, '.lock'), `${holder.pid}\n`);
  await assert.rejects(start(run, { ran: [] }), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, new RegExp(`Process ${holder.pid} holds it`));
    return true;
  });
  const gone = new Promise((resolve) => holder.on('exit', resolve));
  holder.kill('SIGKILL');
  await gone;
  const world: World = { ran: [] };
  await start(run, world);
  assert.deepEqual(world.ran, stageNames);
  // In a container a new process may have the id of the one that died.
  for (const [left, why] of [
    ['not a number', /damaged and names no process/],
    [`${process.pid}\n`, /lock of an earlier version, whose process \d+ is gone/],
  ] as const) {
    await writeFile(join(run, '.lock'), left);
    const { events } = await start(run, world);
    assert.ok(events[0].type === 'note' && why.test(events[0].text), JSON.stringify(events[0]));
  }
  assert.deepEqual(
    (await readdir(run)).filter((name) => name.startsWith('.')),
    [],
  );
});

test('`latest` leads to a stage before its record says that it has finished, whatever comes in between', async () => {
  const run = freshRun();
  const links: string[] = [];
  const reporter = {
    emit(event: Event): void {
      if (event.type === 'stage' && event.state === 'finished' && ['pretrain', 'sft'].includes(event.stage))
        links.push(readlinkSync(join(run, 'latest')));
    },
  };
  await start(run, { ran: [] }, { only: 'pretrain', reporter });
  await start(run, { ran: [] }, { only: 'sft', reporter });
  assert.deepEqual(links, ['pretrain/step-000002', 'sft/step-000002']);
});

test('what another run or stage made is not believed: a record, a finished checkpoint, and what `latest` leads to', async () => {
  const [run, other] = [freshRun(), freshRun()];
  const world: World = { ran: [] };
  await start(run, world);
  await start(other, { ran: [] }, { config: { ...whole(), seed: 2 } });
  const warnings = (events: readonly Event[]) =>
    events.flatMap((event) =>
      event.type === 'note' && event.level === 'warning' ? [`${event.stage}: ${event.text}`] : [],
    );

  // A record of another stage, of which there is a copy; then one of another run, which has other settings.
  await cp(join(run, 'sft', 'stage.json'), join(run, 'pretrain', 'stage.json'));
  const copied = await start(run, world);
  assert.deepEqual(world.ran, []);
  const record = join(run, 'pretrain', 'stage.json');
  assert.deepEqual(warnings(copied.events), [`pretrain: ${record} is of another stage: its copy takes its place`]);
  for (const name of ['stage.json', '.stage.json']) await cp(join(other, 'sft', name), join(run, 'sft', name));
  await start(run, world);
  assert.deepEqual(world.ran, ['sft']);
  assert.ok((await readdir(run)).some((name) => name.startsWith('sft.replaced-')));

  // A checkpoint under the name of the one that pretrain finished with: nothing is built on it.
  const base = join(run, 'pretrain', 'step-000002');
  await writeFile(join(base, 'mossctl.json'), JSON.stringify({ name: 'another' }));
  const events: Event[] = [];
  const options = { only: 'sft' as const, reporter: { emit: (event: Event) => events.push(event) } };
  const needed = { ...whole(), seed: 3 };
  await assert.rejects(start(run, world, { ...options, config: needed }), /sft needs .*holds none yet/);
  assert.deepEqual(warnings(events), [
    `pretrain: ${base} is not the checkpoint that pretrain finished with here, so nothing is built on it`,
  ]);
  await start(run, world);
  assert.deepEqual(world.ran, ['pretrain'], 'as one that was damaged it is rebuilt');

  // A link to another run.
  await rm(join(run, 'latest'));
  await symlink(join(other, 'sft', 'step-000002'), join(run, 'latest'));
  const relinked = await start(run, world, { only: 'data' });
  assert.match(
    warnings(relinked.events).join(),
    /run: .*latest pointed to .*, which no stage of this run made: it now points to /,
  );
  assert.equal(await readlink(join(run, 'latest')), 'align/step-000002');
  const empty = freshRun();
  await mkdir(empty);
  await symlink(join(other, 'sft', 'step-000002'), join(empty, 'latest'));
  await start(empty, world, { only: 'data' });
  assert.deepEqual((await readdir(empty)).sort(), ['data', 'latest.foreign', 'pipeline.yaml']);
});
