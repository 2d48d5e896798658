// How far a run of several stages is, and how long the rest takes: known here, expected, corrected as stages end, or said to be unknown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, PlannedStage } from '../../src/report/event.js';
import { RunClock } from '../../src/report/run-clock.js';

function clockOf(stages: readonly PlannedStage[]) {
  let seconds = 0;
  const clock = new RunClock(() => 1000 * seconds);
  clock.follow({ type: 'plan', stage: 'run', stages });
  return {
    clock,
    wait: (more: number) => {
      seconds += more;
    },
    stage: (stage: string, state: 'started' | 'finished' | 'skipped' | 'resumed') =>
      clock.follow({ type: 'stage', stage, state } satisfies Event),
  };
}

test('what was expected of another machine is corrected by the stages that are done, and by the pace of this one', () => {
  const { clock, wait, stage } = clockOf([
    { name: 'data', seconds: 10 },
    { name: 'pretrain', seconds: 100 },
    { name: 'align', seconds: 50 },
    { name: 'eval', seconds: 7, isMeasured: true },
  ]);
  stage('data', 'started');
  assert.equal(clock.position('data'), '1 of 4');
  wait(4);
  assert.deepEqual(clock.remaining('data', NaN, false), { seconds: 6 + 100 + 50 + 7, isLeast: false });
  wait(16);
  stage('data', 'finished'); // twice as long as expected
  stage('pretrain', 'started');
  assert.deepEqual(clock.remaining('pretrain', NaN, false), { seconds: 200 + 100 + 7, isLeast: false });
  wait(10);
  // Its own pace: 310 in all, with data 330 of 110 expected, so three times as long.
  assert.deepEqual(clock.remaining('pretrain', 300, true), { seconds: 300 + 150 + 7, isLeast: false });
  wait(300);
  stage('pretrain', 'finished');
  stage('align', 'started');
  wait(140);
  // A part of it needs longer than what is left of the estimate.
  assert.deepEqual(clock.remaining('align', 60, false), { seconds: 60 + 7, isLeast: false });
});

test('stages that are skipped cost nothing, those of no estimate make it a least, and one alone has no run', () => {
  const { clock, wait, stage } = clockOf([
    { name: 'data', seconds: 10 },
    { name: 'sft', seconds: 20 },
    { name: 'selfInstruct' },
  ]);
  stage('data', 'skipped');
  stage('sft', 'resumed');
  wait(5);
  assert.deepEqual(clock.remaining('sft', 40, true), { seconds: 40, isLeast: true });
  assert.deepEqual(clock.unknown(), ['self-instruct']);
  stage('sft', 'finished');
  stage('selfInstruct', 'started');
  assert.equal(clock.remaining('selfInstruct', NaN, false), undefined);
  const alone = clockOf([{ name: 'sft', seconds: 20 }]);
  alone.stage('sft', 'started');
  assert.equal(alone.clock.position('sft'), undefined);
  assert.equal(alone.clock.remaining('sft', 3, true), undefined);
});
