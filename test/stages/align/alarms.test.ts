// The alarms of alignment: a policy that falls apart, or games its reward, is named with what to try; one that is well is not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import type { Unit } from '../../../src/base/statistics.js';
import { alarmsSchema } from '../../../src/config/alarms.js';
import type { Answer } from '../../../src/evaluation/tasks.js';
import { answerAlarms, mannerOf, StepAlarms } from '../../../src/stages/align/alarms.js';
import { OnlineAlarms } from '../../../src/stages/align/online-alarms.js';

const limits = alarmsSchema.parse({});

describe('the alarms of a training', () => {
  const course = (values: readonly number[], name: string, tokens = 10) => {
    const alarms = new StepAlarms(limits, { answerTokens: tokens });
    const at = values.findIndex((value) => alarms.see({ loss: 1, [name]: value }) !== undefined);
    return { at, fault: alarms.see({ loss: 1 }), state: alarms.state };
  };

  test('chosen answers that become unlikely: by the mean of the latest steps, in nats a token', () => {
    const falling = Array.from({ length: 40 }, (_, i) => -20 - i);
    const { at, fault } = course(falling, 'logps/chosen');
    // The beginning is −21.5; the mean of steps i−7 … i is −20 − (i − 3.5): more than 20 nats below it from i = 26 on.
    assert.equal(at, 26);
    assert.match(String(fault?.what), /fallen by 2\.10 nats a token, more than align\.alarms\.chosenFall \(2\)/);
    assert.match(String(fault?.next), /align\.sftWeight.*--resume --set align\.alarms\.chosenFall=0 --override/);
    assert.equal(course(falling, 'logps/chosen', 20).at, -1, 'of longer answers it is less');
    const jumping = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? -5 : -35));
    assert.equal(course(jumping, 'logps/chosen').at, -1, 'a single batch is no alarm');
  });

  test('a policy that no longer hesitates; what it saw is plain JSON, from which another goes on', () => {
    const values = [2, 2, 2, 2, ...Array.from({ length: 20 }, () => 0.1)];
    const whole = course(values, 'entropy');
    assert.ok(whole.at > 4 && whole.at < 12, String(whole.at));
    assert.match(String(whole.fault?.what), /hardly hesitates any more: 0\.100 nats a token, 2\.000 before/);
    const first = new StepAlarms(limits, { answerTokens: 10 });
    for (const entropy of values.slice(0, 6)) assert.equal(first.see({ loss: 1, entropy }), undefined);
    const second = new StepAlarms(limits, { answerTokens: 10 });
    second.state = JSON.parse(JSON.stringify(first.state)) as typeof first.state;
    const at = values.slice(6).findIndex((entropy) => second.see({ loss: 1, entropy }) !== undefined);
    assert.equal(at + 6, whole.at);
  });

  test('0 is off, and figures that are not there or not numbers are no alarm', () => {
    const off = new StepAlarms(alarmsSchema.parse({ chosenFall: 0, entropyFall: 0 }), { answerTokens: 1 });
    for (let i = 0; i < 20; i++)
      assert.equal(off.see({ loss: 1, 'logps/chosen': -100 * i, entropy: 1 / (i + 1) }), undefined);
    assert.equal(course(new Array<number>(20).fill(Number.NaN), 'logps/chosen').at, -1);
  });
});

test('of answers that serve several steps an alarm waits for eight samplings, and names a setting that its method reads', () => {
  const alarmed = (
    stepsPerSampling: number,
    figures: Record<string, number>,
    { isTaught = false, heldBy }: { isTaught?: boolean; heldBy?: 'beta' } = {},
  ) => {
    const say = () => assert.fail('nothing to say');
    const alarms = new OnlineAlarms(limits, { stepsPerSampling, isTaught, heldBy, say });
    for (let step = 1; step <= 100; step++) {
      const fault = alarms.see({ loss: 1, entropy: 1, ...(step > 4 * stepsPerSampling && figures) });
      if (fault !== undefined) return { step, next: fault.next };
      alarms.state = JSON.parse(JSON.stringify(alarms.state)) as typeof alarms.state;
    }
    return assert.fail('no alarm');
  };
  const far = { kl: 3 };
  assert.deepEqual([alarmed(1, far).step, alarmed(8, far).step], [12, 96]);
  const sure = { entropy: 0.001 };
  assert.match(alarmed(1, sure).next ?? '', /raise align\.klWeight/);
  assert.doesNotMatch(alarmed(1, sure, { isTaught: true }).next ?? '', /klWeight|beta/);
  for (const figures of [sure, far]) {
    assert.match(alarmed(1, figures, { heldBy: 'beta' }).next ?? '', /aise align\.beta/);
  }
});

describe('rewards of a training that samples', () => {
  const after = (more: object, steps: (step: number) => Record<string, number>) => {
    const said: string[] = [];
    const options = { stepsPerSampling: 1, isTaught: false, say: (text: string) => void said.push(text), ...more };
    const alarms = new OnlineAlarms(limits, options);
    for (let step = 1; step <= 60; step++) {
      const fault = alarms.see({ loss: 1, ...steps(step) });
      if (fault !== undefined) return { step, what: fault.what, said };
    }
    return { said };
  };
  const alike = (reward: number) => () => ({ frac_reward_zero_std: 0.95, 'rewards/alike': reward });

  test('groups that are rewarded alike are solved by the scale of what scores them; where there is none, nobody can say so', () => {
    const solved = after({ highest: 1 }, alike(0.9));
    assert.match(solved.said.join(), /95 % of the groups have nothing but good answers/);
    assert.match(after({ highest: 1 }, alike(0.4)).what ?? '', /rewarded alike, and low \(0\.40\)/);
    assert.match(after({ highest: 3 }, alike(0.9)).what ?? '', /rewarded alike, and low/, 'of three at most');
    for (const reward of [-4, 40]) {
      const { what, said } = after({}, alike(reward));
      assert.match(what ?? '', /answers that are all rewarded alike, more than align\.alarms\.alike/);
      assert.deepEqual(said, []);
    }
  });

  test('a reward that rises while fewer answers pass their check is named; one that is noise, or lifts both, is not', () => {
    const noise = (step: number): number => Math.sin(7 * step) / 20;
    const course = (reward: number, right: number) => (step: number) => ({
      reward: -3 + (reward * step) / 20 + noise(step),
      'rewards/right': 0.8 + (right * step) / 100 + noise(step + 1),
    });
    const gamed = after({}, course(1, -1));
    assert.match(
      gamed.what ?? '',
      /the reward rises \(-2\.\d+ → -\d\.\d+\) while fewer sampled answers pass their check/,
    );
    assert.ok((gamed.step ?? 0) > 11);
    for (const well of [course(0, 0), course(1, 0.1), course(0, -1), course(1, 0)])
      assert.equal(after({}, well).what, undefined);
  });

  test('of 48 answers a sampling, a constant share that is right is never taken for a fall, and a real fall always is', () => {
    const alarmed = (seed: number, right: (sampling: number) => number): number | undefined => {
      const random = Random.stream(seed, 'alarms');
      const options = { stepsPerSampling: 1, isTaught: false, heldBy: 'beta', say: () => undefined } as const;
      const alarms = new OnlineAlarms(limits, options);
      for (let sampling = 0; sampling < 200; sampling++) {
        const passed = Array.from({ length: 48 }, () => random.uniform() < right(sampling)).filter(Boolean).length;
        const reward = 0.2 + 0.003 * sampling + 0.02 * (random.uniform() - 0.5);
        const fault = alarms.see({ loss: 1, reward, 'rewards/right': passed / 48 });
        if (fault === undefined) continue;
        assert.match(String(fault.next), /or stay nearer \(align\.beta\)/);
        return sampling;
      }
      return undefined;
    };
    const falls = (sampling: number): number => Math.min(0.3, Math.max(0.1, 0.3 - 0.002 * (sampling - 50)));
    for (let seed = 0; seed < 20; seed++) {
      assert.equal(
        alarmed(seed, () => 0.3),
        undefined,
        `seed ${seed}`,
      );
      const at = alarmed(seed, falls);
      assert.ok(at !== undefined && at > 60, `seed ${seed}: ${at}`);
    }
  });

  test('where many answers have no reward a person is told, once', () => {
    const { said } = after({}, () => ({ 'rewards/missing': 0.5 }));
    assert.match(said.join(), /^50 % of the answers have no reward: nothing is learnt from them/);
    assert.equal(said.length, 1);
    assert.deepEqual(after({}, (step) => ({ 'rewards/missing': step === 20 ? 0.9 : 0 })).said, []);
  });
});

describe('the alarms of answers', () => {
  interface Made {
    text?: (i: number) => string;
    tokens?: number;
    ended?: boolean;
    right?: (i: number) => boolean;
  }
  const answers = ({ text, tokens = 10, ended = true, right = () => true }: Made): Answer[] =>
    Array.from({ length: 40 }, (_, i) => {
      const language = i % 2 === 0 ? ('zh' as const) : ('en' as const);
      const said = language === 'zh' ? `好的，第${i}个答案是对的` : `Fine, answer ${i} is right`;
      return {
        task: {
          id: String(i),
          language,
          messages: [{ role: 'user' as const, content: language === 'zh' ? '问' : 'ask' }],
          check: { type: 'contains' as const, any: right(i) ? ['对', 'right'] : ['错', 'wrong'] },
        },
        promptTokens: [],
        tokens: new Array<number>(tokens).fill(1),
        text: text?.(i) ?? said,
        ended,
      };
    });
  const well = mannerOf(answers({}), { entropy: 1, kl: 0 });
  const rewards = (value: number): Unit[] =>
    Array.from({ length: 40 }, (_, i) => ({ id: String(i), value: value + (i % 3) / 50, weight: 1 }));
  const same = { before: rewards(0.5), after: rewards(0.5) };
  const alarmsOf = (made: Made, more = {}, given = same, with_ = limits) =>
    answerAlarms(well, mannerOf(answers(made), { entropy: 1, kl: 0.1, ...more }), given, with_).map(({ what }) => what);

  test('a policy that is well raises none', () => {
    assert.deepEqual(alarmsOf({}), []);
    assert.deepEqual(alarmsOf({ tokens: 15 }), []);
  });

  test('each way to fall apart is named, and only that one', () => {
    const cases: [Made, object, RegExp][] = [
      [{}, { kl: 1.5 }, /gone 1\.50 nats a token.*align\.alarms\.kl \(1\)/],
      [{}, { entropy: 0.05 }, /hardly hesitates/],
      [{ tokens: 25 }, {}, /become longer: 10\.0 → 25\.0 tokens/],
      [{ tokens: 3 }, {}, /become shorter: 10\.0 → 3\.0 tokens/],
      [{ text: () => '对 right '.repeat(30) }, {}, /repeat themselves/],
      [{ ended: false }, {}, /run on without an end: 0\.0 % → 100\.0 %/],
      [{ text: () => 'it is right' }, {}, /in Chinese leave the language: 0\.0 % → 100\.0 %/],
    ];
    for (const [made, more, expected] of cases) {
      const said = alarmsOf(made, more).filter(
        (what) => !/leave the language/.test(what) || /language/.test(expected.source),
      );
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0], expected);
    }
  });

  test('a reward that rises while fewer answers are right', () => {
    const better = { before: rewards(0.5), after: rewards(0.8) };
    const wrong = { right: (i: number) => i < 15 };
    assert.match(
      alarmsOf(wrong, {}, better).join(),
      /the reward rises \(0\.519 → 0\.820\) while fewer answers are right \(100\.0 → 37\.5 %\)/,
    );
    assert.deepEqual(alarmsOf(wrong), [], 'a reward that does not rise is for the gate to judge');
    assert.deepEqual(alarmsOf(wrong, {}, better, alarmsSchema.parse({ gold: false })), []);
  });
});
