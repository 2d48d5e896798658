// Constraints on form: a program decides each, by examples written by hand; the tasks made of them are right by their own checks,
// and what is asked does not contradict itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import { type Constraint, constraintKinds } from '../../../src/data/constraints.js';
import { answerCredit, checkAnswer } from '../../../src/evaluation/checks.js';
import { fulfils } from '../../../src/evaluation/constraints.js';
import { scoreAnswer } from '../../../src/evaluation/scorers/rules.js';
import { constraintFamilies } from '../../../src/stages/self-instruct/families/constraints.js';
import { readWordings } from '../../../src/stages/self-instruct/families/wordings.js';
import { taskLanguages } from '../../../src/stages/self-instruct/teacher.js';

const cases: readonly [Constraint, passes: readonly string[], fails: readonly string[]][] = [
  [{ kind: 'words-at-least', n: 3 }, ['one two three', '大海蓝', 'a b 海'], ['one two', '大海', '']],
  [{ kind: 'words-at-most', n: 3 }, ['One, two: three!', '大海。'], ['one two three four', '大海很蓝']],
  [{ kind: 'words-exactly', n: 4 }, ['there are 12 boats', '大海很蓝。'], ['there are boats', '大海很蓝啊']],
  [
    { kind: 'sentences', n: 2 },
    ['It is 3.5 km. We walk.', '来了。走吧！', 'One.\nTwo'],
    ['One sentence.', '一。二。三。'],
  ],
  [{ kind: 'lines', n: 2 }, ['a\nb', 'a\n\nb\n'], ['a', 'a\nb\nc']],
  [{ kind: 'paragraphs', n: 2 }, ['a\nb\n\nc', 'a\n \nb'], ['a\nb', 'a\n\nb\n\nc']],
  [{ kind: 'parts', n: 2 }, ['a\n***\nb'], ['a *** b', 'a\n***\n', 'a\n***\nb\n***\nc']],
  [{ kind: 'bullets', n: 2 }, ['- a\n- b', 'Two:\n* a\n• b'], ['- a', '- a\n- b\n- c', 'a - b']],
  [{ kind: 'numbered', n: 2 }, ['1. a\n2. b', '1、鱼\n2、船', 'So:\n1) a\n2) b'], ['1. a', '1. a\n3. b', '2. a\n1. b']],
  [{ kind: 'begins-with', text: 'Of course,' }, ['Of course, yes.', ' of  course, yes'], ['Yes, of course,']],
  [{ kind: 'ends-with', text: 'That is all.' }, ['Good. That is all.\n'], ['That is all. Good.', 'That is all']],
  [{ kind: 'contains', text: 'cat' }, ['A cat!', 'the CAT sat'], ['concatenate', 'cats']],
  [{ kind: 'avoids', text: '海' }, ['大河'], ['大海']],
  [
    { kind: 'contains-times', text: 'very', n: 3 },
    ['very very very big', 'Very, very, VERY'],
    ['very very big', 'veryveryvery'],
  ],
  [{ kind: 'lines-begin-with', text: 'I like' }, ['I like tea.\nI like milk.'], ['I like tea.\nYou like milk.']],
  [{ kind: 'upper-case' }, ['THE SEA!', '大海 OK'], ['THE Sea', '大海']],
  [{ kind: 'lower-case' }, ['the sea, 3', 'ok 大海'], ['The sea', '123']],
  [{ kind: 'no-commas' }, ['a; b', '鱼、船'], ['a, b', '鱼，船']],
  [{ kind: 'no-punctuation' }, ['the sea is blue', '大海很蓝'], ['The sea.', '大海！', 'well-known']],
  [{ kind: 'no-digits' }, ['three boats', '三条船'], ['3 boats', '３条船']],
  [{ kind: 'has-digits' }, ['3 boats', '３条船'], ['three boats', '三条船']],
  [{ kind: 'no-repetition' }, ['a b c', '大海很蓝'], ['a b A', '大海大']],
  [{ kind: 'json' }, ['{"a": 1}', '["鱼"]', '```json\n{"a": 1}\n```'], ['{a: 1}', '{"a": 1} ok', '3', 'null', '"a"']],
  [{ kind: 'json-keys', any: ['a', 'b'] }, ['{"b":1,"a":2,"c":3}'], ['{"a":1}', '["a","b"]', '{"toString":1}', 'a b']],
  [{ kind: 'in-chinese' }, ['大海很蓝。', '我用的是 mossctl 来训练模型'], ['The sea is blue.', '海 is blue']],
  [{ kind: 'in-english' }, ['The sea is blue.'], ['大海很蓝。']],
  [{ kind: 'in-quotes' }, ['"Yes."', '“好。”'], ['"Yes', 'He said "yes"', '""']],
  [{ kind: 'title' }, ['《大海》\n很蓝。', '<<The sea>> It is blue.'], ['大海', '《》', '<The sea>']],
  [{ kind: 'postscript' }, ['Bye.\nP.S. Write soon.', '再见。\n附言：早点来。'], ['Bye. P.S.', 'Psalm one']],
  [{ kind: 'one-of', any: ['fish', 'boats'] }, ['Fish.', ' boats '], ['fish boats', 'fishes']],
];

test('each constraint holds for the answers that have it, and for no others', () => {
  assert.deepEqual(new Set(cases.map(([{ kind }]) => kind)), new Set(constraintKinds));
  assert.ok(constraintKinds.length >= 20);
  for (const [constraint, passes, fails] of cases) {
    for (const answer of passes) assert.ok(fulfils(constraint, answer), `${constraint.kind}: ${answer}`);
    for (const answer of fails) assert.ok(!fulfils(constraint, answer), `${constraint.kind}, not: ${answer}`);
  }
});

test('the reward is the share of the constraints that an answer fulfils, and silence fulfils none', () => {
  const all: Constraint[] = [{ kind: 'in-english' }, { kind: 'no-digits' }, { kind: 'words-at-most', n: 4 }];
  const task = { check: { type: 'constraints', all } as const, language: 'zh' as const };
  const credit = (text: string): number | undefined => answerCredit({ task, text });
  assert.equal(credit('The sea is blue.'), 1);
  assert.equal(credit('The 7 seas are very blue.'), 1 / 3);
  assert.equal(credit('...'), 0);
  assert.equal(checkAnswer(task.check, 'The 7 seas', 'zh'), false);
  const row = { id: 'a', messages: [{ role: 'user' as const, content: '用英文写大海。' }], ...task };
  const { parts } = scoreAnswer({ task: row, text: 'The sea is blue.', ended: true });
  assert.deepEqual([parts.correct, parts.language], [1, 1], 'English was asked for in Chinese');
});

test('an answer is about what is asked: it names the subject, or chooses what belongs to it', () => {
  const make = constraintFamilies.constraints.maker();
  const { names, called, things } = readWordings('topics');
  const parts = (lines: readonly string[], i: number): string[] => lines[i].split(' / ');
  const hasAny = (text: string, words: readonly string[]): boolean =>
    words.some((word) => fulfils({ kind: 'contains', text: word }, text));
  for (const language of taskLanguages) {
    let chosen = 0;
    for (let i = 0; i < 600; i++) {
      const { turns, solution } =
        make({ language, random: Random.stream(i, `subject/${language}`), isHeldOut: i % 2 === 1 }) ?? assert.fail();
      const [request] = turns[0].split(/(?<=[.?。？])/);
      const topic = names[language].findIndex((name) => request.includes(name));
      const { check, answer } = solution;
      assert.ok(topic >= 0 && check?.type === 'constraints', turns[0]);
      const [options] = check.all.flatMap((each) => (each.kind === 'one-of' ? [each.any] : []));
      if (options !== undefined) {
        const own = parts(things[language], topic);
        assert.deepEqual(
          options.filter((option) => own.includes(option)),
          [answer],
          'one of them belongs to the subject, and is chosen',
        );
        assert.equal(new Set(options).size, options.length);
        chosen++;
      } else {
        const asked = check.all.map(({ kind }) => kind);
        const spoken = asked.includes('in-english') ? 'en' : asked.includes('in-chinese') ? 'zh' : language;
        assert.ok(hasAny(answer, parts(called[spoken], topic)), `${turns[0]} → ${answer}`);
      }
    }
    assert.ok(chosen > 10);
  }
});

test('tasks: every kind is asked for, in both languages, and the answer fulfils what is asked', () => {
  const make = constraintFamilies.constraints.maker();
  const wordings = readWordings('constraints');
  const topics = readWordings('topics').names;
  assert.deepEqual(new Set(Object.keys(wordings)), new Set(['ask', ...constraintKinds]));
  for (const language of taskLanguages) {
    const kinds = new Set<string>();
    const names = [new Set<string>(), new Set<string>()];
    for (let i = 0; i < 600; i++) {
      const isHeldOut = i % 2 === 1;
      const task = make({ language, random: Random.stream(i, `constraints/${language}`), isHeldOut });
      assert.ok(task);
      const { answer, check } = task.solution;
      assert.ok(check?.type === 'constraints' && check.all.length <= 3);
      assert.ok(checkAnswer(check, answer, language), `${task.turns[0]} → ${answer}`);
      for (const { kind } of check.all) kinds.add(kind);
      assert.doesNotMatch(task.turns[0], /[{}<|]\w*[}>|]/, 'no place is open');
      const [name] = topics[language].filter((each) => task.turns[0].split(/[.?。？]/)[0].includes(each));
      names[Number(isHeldOut)].add(name);
    }
    assert.deepEqual(
      [...names[0]].filter((name) => names[1].has(name)),
      [],
      'topics of held-out tasks are held out',
    );
    const never = constraintKinds.filter(
      (kind) => !kinds.has(kind) && kind !== `in-${language === 'zh' ? 'chinese' : 'english'}`,
    );
    assert.deepEqual(never, [], language);
  }
});
