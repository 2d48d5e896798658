// Each method against a real HTTP server that does as the prompts of that method ask, with a mistake here and there: which rows
// come of it, what each says of where it is from, and which mistakes are dropped under which name.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { type MethodName, methodNames, methodShares } from '../../../src/config/methods.js';
import type { SelfInstructConfig } from '../../../src/config/pipeline.js';
import { readRow } from '../../../src/data/conversations/formats.js';
import { taskLabels } from '../../../src/stages/self-instruct/methods/alpaca.js';
import { blocksOf, isNothing } from '../../../src/stages/self-instruct/methods/blocks.js';
import { soundInstances } from '../../../src/stages/self-instruct/methods/instances.js';
import { promptsPath, readPrompts } from '../../../src/stages/self-instruct/methods/prompts.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import { writeCorpus } from '../../data/corpus-folder.js';
import { digest, type Outcome, runWith } from './method-server.js';

/** Those of `method`: in both languages, and nothing of a template in them. */
function madeBy(method: MethodName, { rows: all, rejected: none, warnings, ...rest }: Outcome): Outcome {
  const label = `${method}@${readPrompts(method).version}`;
  const rows = all.filter(({ provenance }) => provenance?.method === label);
  const rejected = none.filter(({ provenance }) => provenance.method === label);
  assert.deepEqual([...new Set(rows.map(({ language }) => language))].sort(), ['en', 'zh'], method);
  assert.doesNotMatch(JSON.stringify(rows), /\{\w+\}|###|<noinput>/);
  assert.deepEqual(warnings, []);
  return { rows, rejected, warnings, ...rest, rules: new Set(rejected.map(({ rule }) => rule)) };
}

test('alpaca: whole tasks from one request, with and without input; what is cut, empty or forbidden is dropped', async (t) => {
  const made = await runWith(
    t,
    ({ isChinese, word }) =>
      [
        'Sure! Here they are:',
        ...Array.from({ length: 6 }, (_, i) =>
          isChinese
            ? `**指令**：请说明${word(i)}\n输入：${i % 2 ? word(i + 50) : '无'}\n输出：好的，${word(i + 100)}。\n###`
            : `${i + 1}. Instruction: Tell me of ${word(i)}\nInput: ${i % 2 ? word(i + 50) : '<noinput>'}\nOutput: It is ${word(i + 100)}.\n###`,
        ),
        `Instruction: ${isChinese ? '画一张图片，主题是' : 'Draw a picture of '}${word(7)}\nInput: <noinput>\nOutput: ok\n###`,
        `Instruction: ${isChinese ? '请解释一下' : 'Now explain to me '}${word(8)}\nOutput:`,
        `Instruction: ${isChinese ? '没有回答的任务' : 'A task without an answer, '}${word(9)}`,
      ].join('\n'),
    { methods: 'alpaca' },
  );
  madeBy('alpaca', made);
  assert.ok(made.rows.every(({ provenance }) => provenance?.method === 'alpaca@1'));
  assert.equal(made.rows.length, 24 - 12 + 4);
  assert.ok(
    made.rows.some(({ messages }) => messages[0].content.includes('\n\n')),
    'an input stands under its instruction',
  );
  assert.ok(
    made.rules.has('prompt asks for what text cannot do') && made.rules.has('answer empty'),
    [...made.rules].join(),
  );
  assert.match(
    made.requests[0].messages[1].content,
    /Write 10 tasks[\s\S]*(?:Instruction: .*\nInput: <noinput>\nOutput: [\s\S]*){3}Now the 10/,
  );
});

test('self-instruct: instructions after eight, then whether each is a classification, then instances by the published rules', async (t) => {
  const made = await runWith(
    t,
    ({ user, isChinese, word }) => {
      const [, from] = /numbered (\d+) to/.exec(user) ?? [];
      const sort = user.includes('classification tasks') ? 'Sort by mood:' : 'Explain';
      if (from !== undefined)
        return Array.from(
          { length: 7 },
          (_, i) => `${Number(from) + i}. ${isChinese ? (sort === 'Explain' ? '请解释' : '请分类') : sort} ${word(i)}`,
        )
          .concat(isChinese ? '99. 写一个程序，计算平方和' : '99. Write a program that adds up squares')
          .join('\n');
      if (user.endsWith('Classification:'))
        return /Sort|请分类/.test(user.split('Task:').at(-1) ?? '') ? '**Yes**' : 'No.';
      if (user.includes('Class label:'))
        return `Class label: ${isChinese ? '开心' : 'glad'}\nInput: ${word(1)}\n###\nClass label: ${isChinese ? '难过' : 'sad'}\nInput: ${word(2)}`;
      if (word(9).charCodeAt(0) % 5 === 0)
        return `Input: ${word(3)}\nOutput: ${word(4)}\n###\nInput: ${word(3)}\nOutput: ${word(5)}`;
      return `Input: ${word(3)}\nOutput: ${word(3)}\n###\nInput: <noinput>\nOutput: ${isChinese ? '好，' : 'Yes, '}${word(6)}`;
    },
    { methods: ['self-instruct'], count: 60, heldOut: 8 },
  );
  madeBy('self-instruct', made);
  for (const rule of ['prompt asks for a program', 'one input has two outputs', 'output is the input'])
    assert.ok(made.rules.has(rule), `${rule} of ${[...made.rules].join()}`);
  const [first] = made.requests;
  assert.match(
    first.messages[1].content,
    /\n1\. .*\n2\. .*\n3\. .*\n4\. .*\n5\. .*\n6\. [^\n]*\n\nContinue the series with 8 more, numbered 7 to 14/,
  );
  const grown = made.requests.find(({ messages }) => /\n8\. .*\n\nContinue/.test(messages[1].content));
  assert.ok(grown, 'two that were made are shown beside six seeds');
  const labels = made.rows.filter(({ messages }) => /^(?:glad|sad|开心|难过)$/.test(messages[1].content));
  assert.ok(labels.length > 0 && labels.every(({ group }) => group !== undefined), 'one instruction, one group');
});

test('dialogue, evolve, natural-instructions, personas: each in its steps, in one run', async (t) => {
  const made = await runWith(
    t,
    ({ system, user, isChinese, word }) => {
      const ask = isChinese ? '请说说' : 'Speak of ';
      const list = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}. ${ask}${word(i)}`).join('\n');
      const odd = word(70).charCodeAt(0) % 3 === 0;
      if (user.includes('first messages') || user.includes('names a person')) return list(6);
      if (user.includes('Write a conversation')) {
        const count = Number(/exactly (\d)/.exec(user)?.[1]);
        const opening = /begins:\nUser: (.*)/.exec(user)?.[1] ?? '';
        const sorry = isChinese ? '抱歉，我不能说。' : 'I am sorry, I cannot say.';
        const turns = Array.from({ length: count }, (_, i) => {
          const said = odd && i === 0 ? sorry : `${isChinese ? '好' : 'Well'} ${word(30 + i)}`;
          return `**User:** ${i === 0 ? opening : `${ask}${word(10 + i)}`}\n\n**Assistant:** ${said}`;
        });
        return turns.join('\n\n');
      }
      if (user.includes('Rewrite it')) return odd ? `${ask}the given prompt ${word(1)} 原指令` : `${ask}${word(2)}`;
      if (user.includes('Invent a different')) return `${ask}${word(3)}`;
      if (user.startsWith('First: ')) return odd ? 'Equal.' : 'More';
      if (user.includes('Design 2 text tasks')) {
        const shown = (name: string, i: number) =>
          `${name} input: ${word(i)}\n${name} output: ${word(i + 1)}\nWhy: ${word(i + 2)}`;
        const task = (i: number) => [
          `Definition: ${ask}${word(i)}`,
          shown('Good', i + 3),
          shown('Good', i + 6),
          shown('Bad', i + 9),
        ];
        return [...task(10), '###', ...task(30), '###', `Definition: ${ask}${word(50)}`, shown('Good', 60)].join('\n');
      }
      if (user.startsWith('Definition: ')) {
        const known = /^Input: (.*)$/m.exec(user)?.[1];
        return [known, word(1), word(2)].map((input, i) => `Input: ${input}\nOutput: ${word(20 + i)}`).join('\n###\n');
      }
      assert.match(system, /^You are an assistant that answers in/, user);
      return `${isChinese ? '好' : 'Well'} ${word(4)}`;
    },
    {
      methods: ['dialogue', 'evolve', 'natural-instructions', 'personas'],
      count: 100,
      heldOut: 8,
      turns: { share: 0, most: 6 },
    },
  );
  const dialogues = madeBy('dialogue', made);
  const lengths = new Set(dialogues.rows.map(({ messages }) => messages.length / 2));
  assert.ok(lengths.size > 1 && [...lengths].every((length) => length >= 2 && length <= 5), [...lengths].join());
  assert.ok(dialogues.rules.has('answer refuses'), 'a refusal in the middle is one too');
  const evolved = madeBy('evolve', made);
  for (const rule of ['evolved task asks no more', 'evolved task speaks of the rewriting'])
    assert.ok(evolved.rules.has(rule), [...evolved.rules].join());
  const people = made.requests.find(({ messages }) => messages[1].content.includes('names a person'));
  assert.match(people?.messages[1].content ?? '', /\n1\. .+ — .+ — .+\n[\s\S]*\n6\. .+ — .+ — .+\n/);
  madeBy('personas', made);
  const natural = madeBy('natural-instructions', made);
  assert.ok(natural.rules.has('instance is one of the examples'));
  const shown = natural.rows.map(({ messages }) => messages[0].content.match(/^(?:Why: |原因：)/gm)?.length ?? 0);
  assert.deepEqual([...new Set(shown)].sort(), [0, 1, 2, 3], 'with no example, one, two, and the bad one');
  assert.ok(natural.rows.every(({ group, messages }) => messages[0].content.startsWith(group ?? 'nothing')));
});

test('cot, backtranslate, tools: what a program knows, what the corpus says, what a call brings back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-passages-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const documents = (['en', 'zh'] as const).flatMap((language) =>
    Array.from({ length: 90 }, (_, i) => {
      const letters = Array.from({ length: 40 }, (_, at) => digest(`${i} ${at}`));
      const words = letters.map((each) =>
        language === 'en'
          ? each.slice(0, 6).replace(/\d/g, 'o')
          : String.fromCharCode(0x4e00 + Number.parseInt(each.slice(0, 3), 16)),
      );
      const text = language === 'en' ? `${words.join(' ')}.` : `${words.join('')}。`;
      return { id: `${language}:${i}`, text: `${text}\n\nshort`, source: 'test', language };
    }),
  );
  await writeCorpus(folder, { train: documents, validation: [] });
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  manifest.files['facts.jsonl'] = { bytes: 0, sha256: digest('') };
  await writeFile(join(folder, 'facts.jsonl'), '');
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const made = await runWith(
    t,
    ({ system, user, isChinese, word }) => {
      if (system.includes('work tasks out')) {
        const number = Number(/\d+/.exec(user)?.[0]);
        const isEven = number % 2 === 0 || number % 10 > 6; // wrong for 7 and 9
        if (number % 10 === 3) return 'It is odd, I think.';
        if (isChinese) return `看最后一位：${number % 10}。\n**答案：** ${isEven ? '偶数' : '奇数'}`;
        return `Look at the last digit: ${number % 10}.\nAnswer: ${isEven ? 'Even' : 'Odd'}.`;
      }
      if (user.startsWith('Passage:')) return `${isChinese ? '指令：请写写' : 'Instruction: Write of '}${word(1)}`;
      if (user.startsWith('Request:')) return `It fits.\n**Score:** ${digest(user) < 'c' ? 5 : 3}`;
      if (user.includes('questions in')) {
        const ask = (i: number) => (isChinese ? `请问${word(i)}是多少？` : `What comes of ${word(i)}?`);
        const sum = (i: number) =>
          JSON.stringify({ name: 'Calculate', arguments: { expression: `${word(i).charCodeAt(0)} * 1${i}` } });
        const calls = [
          `[${sum(2)}, ${sum(3)}]`,
          'none',
          '{"name":"Calculate","arguments":{"expression":"1 +"}}',
          '{"name":"Shell","arguments":{"command":"true"}}',
          '{"name": not JSON',
          sum(7),
          sum(1),
          sum(8),
          sum(9),
        ];
        const from = Number.parseInt(digest(user).slice(0, 4), 16) % calls.length;
        return [...calls.slice(from), ...calls.slice(0, from)]
          .map((call, i) => `Question: ${ask(i)}\nCall: ${call}`)
          .join('\n###\n');
      }
      const result = /→ (.*)\n/.exec(user)?.[1];
      if (result === undefined) return isChinese ? `我不知道${word(1)}。` : `Nobody knows ${word(1)}.`;
      if (Number(result) % 5 === 0) return 'REJECT';
      return Number(result) % 7 === 0
        ? isChinese
          ? '很多。'
          : 'A lot.'
        : isChinese
          ? `是${result}。`
          : `It is ${result}.`;
    },
    { methods: ['cot', 'backtranslate', 'tools'], kinds: ['parity', 'chat'], count: 84, heldOut: 6 },
    folder,
  );
  const worked = madeBy('cot', made);
  assert.ok(
    worked.rows.every(
      ({ kind, check, messages: [, answer] }) =>
        kind === 'parity' && check === undefined && /\n(?:Answer: |答案：)/.test(answer.content),
    ),
  );
  for (const rule of ['no answer after the steps', 'steps to a wrong answer'])
    assert.ok(worked.rules.has(rule), [...worked.rules].join());
  for (const { messages } of worked.rows) {
    const isEven = Number(/\d+/.exec(messages[0].content)?.[0]) % 2 === 0;
    assert.equal(/even|偶/i.test(messages[1].content.split('\n').at(-1) ?? ''), isEven);
  }
  const passages = new Set(documents.map(({ text }) => text.split('\n')[0]));
  const translated = madeBy('backtranslate', made);
  assert.ok(
    translated.rows.every(({ messages }) => passages.has(messages[1].content)),
    'word for word of the corpus',
  );
  assert.ok(translated.rules.has('passage does not answer the instruction'));
  const called = madeBy('tools', made);
  const wanted = [
    'call that fails (failed)',
    'call that fails (unknown)',
    'call cannot be read',
    'results do not answer the question',
    'answer has nothing of the results',
  ];
  assert.deepEqual(
    wanted.filter((rule) => !called.rules.has(rule)),
    [],
    [...called.rules].join(),
  );
  const calls = new Set(called.rows.map(({ messages }) => messages.filter(({ role }) => role === 'tool').length));
  assert.deepEqual([...calls].sort(), [0, 1, 2], 'none, one, a list of two');
  for (const row of called.rows) {
    assert.deepEqual(
      row.tools?.map(({ name }) => name),
      ['Calculate', 'Now'],
    );
    assert.equal(String(row.start?.now), '2026-03-02T09:30:00.000Z');
    const { conversation, notes } = readRow(JSON.parse(JSON.stringify(row)), row.id);
    assert.deepEqual([conversation.messages.length, notes], [row.messages.length, []], 'the row is read again whole');
  }
});

test('what a method lacks is said before anything is asked', async (t) => {
  const asked: [Partial<SelfInstructConfig>, RegExp][] = [
    [{ methods: 'backtranslate' }, /backtranslate has no passages to be answers.*this run has no corpus.*data block/is],
    [{ methods: 'cot', kinds: ['chat'] }, /cot has no family to work on.*these take steps: arithmetic/is],
    [{ methods: 'tools', tools: ['Calculator'] }, /no tool is called Calculator.*Did you mean Calculate\?/s],
  ];
  for (const [config, words] of asked)
    await assert.rejects(
      runWith(t, () => assert.fail('asked'), config),
      { name: UserError.name, message: words },
    );
});

test('shares: methods side by side, each with its part; offline says which it cannot do', async (t) => {
  const made = await runWith(
    t,
    ({ user, isChinese, word }) => {
      const [, from] = /numbered (\d+) to/.exec(user) ?? [];
      const ask = isChinese ? '你好，' : 'Hello ';
      if (from !== undefined)
        return Array.from({ length: 8 }, (_, i) => `${Number(from) + i}. ${ask}${word(i)}`).join('\n');
      if (user.endsWith('Answer:')) return `${ask}${word(1)}`;
      return Array.from({ length: 8 }, (_, i) => `Instruction: ${ask}${word(i)}\nOutput: ${ask}${word(90 + i)}`).join(
        '\n###\n',
      );
    },
    { methods: { families: 1, alpaca: 3 }, kinds: ['chat'], count: 48 },
  );
  const byMethod = (method?: string): number =>
    made.rows.filter(({ provenance }) => provenance?.method === method).length;
  const seeds = 48 - (made.rows.length - 4);
  assert.equal(byMethod() + byMethod('alpaca@1'), 52 - seeds);
  assert.ok(
    Math.abs(byMethod('alpaca@1') / made.rows.length - 0.75) < 0.1,
    `${byMethod('alpaca@1')} of ${made.rows.length}`,
  );
  assert.deepEqual(
    [...methodShares({ alpaca: 3, families: 1 })],
    [
      ['families', 0.25],
      ['alpaca', 0.75],
    ],
  );
  const config = { teacher: 'offline', methods: ['families', 'alpaca'], seeds: 'data-specs/seeds.jsonl' } as never;
  await assert.rejects(
    async () => selfInstructStage.check?.({ config } as never),
    (error: unknown) =>
      error instanceof UserError && /offline teacher cannot teach by alpaca.*a model that writes/s.test(error.message),
  );
});

test('labelled blocks, as models write them and as nobody should', () => {
  const read = (text: string, finish = 'stop') => blocksOf({ text, finish }, taskLabels, 'instruction');
  const one = { instruction: 'Do it', output: 'Done\n\nas said' };
  assert.deepEqual(read('Fine:\n**Instruction:** Do it\n**Output:** Done\n\nas said'), [one]);
  assert.deepEqual(read('```\n1. Instruction: Do it\nOutput: Done\n\nas said\n```'), [one]);
  assert.deepEqual(read('Instruction: A\nOutput: B\nInstruction: C\nOutput: D', 'length'), [
    { instruction: 'A', output: 'B' },
  ]);
  assert.deepEqual(read('指令：甲\n输出：乙\n\n指令 2：丙\n输出：丁'), [
    { instruction: '甲', output: '乙' },
    { instruction: '丙', output: '丁' },
  ]);
  assert.deepEqual(read('Instruction: a\u0000\u202eb\nOutput: c\n###\nBye!'), [{ instruction: 'ab', output: 'c' }]);
  assert.deepEqual(read(`Instruction: ${'x'.repeat(8001)}\nOutput: y`), [], 'never cut, but dropped');
  assert.deepEqual(read('Instruction: x\n'.repeat(10_000)), [], 'no end of blocks');
  // Every line end of Unicode ends a line.
  assert.deepEqual(read('Instruction: A\u2028Output: B\u0085and C'), [{ instruction: 'A', output: 'B\nand C' }]);
  const long = `Instruction: a\nOutput: A\nInstruction: ${'x'.repeat(8001)}\nOutput: B\nInstruction: c\nOutput: C`;
  const whole = blocksOf({ text: long, finish: 'stop' }, taskLabels, 'instruction', { isAllOrNone: true });
  assert.deepEqual([read(long).length, whole.length], [2, 0], 'what belongs together is not kept in part');
  assert.equal(read('Instruction: x\nOutput: y\n'.repeat(100)).length, 64);
  assert.deepEqual(read(`${'*'.repeat(50_000)}\n${' '.repeat(40_000)}`), []);
  assert.deepEqual(read('__proto__: x\nconstructor: y'), []);
  for (const text of ['<noinput>', 'None', '（无）'.slice(1, 2), '', 'N/A.']) assert.ok(isNothing(text), text);
  assert.ok(!isNothing('none of them'));
});

test('instances: one of each, none of an input with two outputs, five at most', () => {
  const rules = (found: [string, string][]): [number, string[]] => {
    const { kept, dropped } = soundInstances(
      found.map(([input, output]) => ({ input, output })),
      'Do',
    );
    return [kept.length, dropped.map(({ rule }) => rule)];
  };
  assert.deepEqual(
    rules([
      ['a', 'b'],
      ['a', 'b'],
      ['c', 'c'],
      ['d', ''],
      ['e', 'f:'],
    ]),
    [1, ['the same input and output twice', 'output is the input', 'output empty', 'input or output unfinished']],
  );
  assert.deepEqual(
    rules([
      ['a', 'b'],
      ['c', 'd'],
      ['a', 'z'],
    ])[0],
    0,
  );
  assert.equal(rules(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((each): [string, string] => [each, 'x']))[0], 5);
});

test('prompts: read whole, and changed only with their version', async () => {
  const versions: Record<string, string> = {};
  for (const method of methodNames) {
    if (method === 'families') continue;
    const { version, steps } = readPrompts(method);
    versions[`${method}@${version}`] = digest(JSON.stringify(steps)).slice(0, 8);
    assert.match(await readFile(promptsPath(method), 'utf8'), /^# \S/, 'opens with the idea');
  }
  assert.deepEqual(
    versions,
    JSON.parse(await readFile('test/golden/method-prompts.json', 'utf8')),
    'a change of what is asked is a version more',
  );
});
