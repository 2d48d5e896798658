// Lines of poems: what is asked for is found by the real Search, and told with its poet; what is not there is not made up.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { toJsonl } from '../../src/base/jsonl.js';
import { Random } from '../../src/base/random.js';
import { isHeldOutWord } from '../../src/data/held-out-words.js';
import { answerCredit } from '../../src/evaluation/checks.js';
import { drawExchanges } from '../../src/stages/tool-use/exchange.js';
import { coupletsOf, poems } from '../../src/stages/tool-use/exercises/poems.js';
import { openTools } from '../../src/tools/open.js';

const characters = [
  ...'春风月山水花雨雪云天地人家江河日夜星草木鸟声青白红黄金玉酒诗书门路马秋冬夏北南西东明清远近高低古今来去归行',
];

/** Couplets that nobody wrote, of poets that are none. */
async function* documents() {
  const random = Random.stream(1, 'verses');
  const half = (): string => Array.from({ length: 5 }, () => random.choose(characters)).join('');
  yield { text: '《静夜思》李白\n床前明月光，疑是地上霜，\n举头望明月，低头思故乡。' };
  yield { text: '关关雎鸠，在河之洲。' };
  yield { text: '《长歌》无名\n青青园中葵，朝露待日晞。阳春布德泽，万物生光辉。\n这一行太短，不是。' };
  for (let i = 0; i < 60; i++) {
    const lines = Array.from({ length: 4 }, () => `${half()}，${half()}${random.choose(['。', '？', '；'])}`);
    yield {
      text: [`《${half().slice(0, 2)}》${random.choose(['甲乙', '丙丁', '戊己', '庚辛', '壬癸'])}`, ...lines].join(
        '\n',
      ),
    };
  }
}

test('couplets with poet and title, of characters that are met often', async () => {
  const repeated = async function* () {
    for (let i = 0; i < 6; i++)
      yield { text: `《其${i === 0 ? '一' : '二'}》李白\n床前明月光，疑是地上霜，\n举头望明月，低头思故乡。` };
    for await (const each of documents()) yield each;
  };
  // Told once however often it stands there, and each character as often.
  assert.equal((await coupletsOf(repeated())).filter(({ poet }) => poet === '李白').length, 0);
  const couplets = await coupletsOf(documents());
  assert.equal(couplets.length, 240);
  assert.ok(
    couplets.every(
      ({ source, text, halves, poet }) =>
        source.startsWith(`${poet}《`) && text.startsWith(`${halves[0]}，${halves[1]}`),
    ),
  );
  assert.ok(couplets.every(({ text }) => /[。？]$/.test(text)));
});

test('each exercise is answered by the first result, word for word; characters and wordings of one side are none of the other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'poems-'));
  const file = join(folder, 'poems.jsonl');
  const couplets = await coupletsOf(documents());
  await writeFile(file, toJsonl(couplets.map(({ source, text }) => ({ title: source, text }))));
  const toolbox = await openTools([`Search=${file}`]);
  const makers = { search: { maker: poems(couplets), share: 1 } };
  const draw = (isHeldOut: boolean, count: number) =>
    drawExchanges({ makers, count, seed: 5, isHeldOut, toolbox }).then(({ exchanges }) => exchanges);
  const [learnt, heldOut] = [await draw(false, 100), await draw(true, 24)];
  await toolbox.close();
  await rm(folder, { recursive: true });
  const wordings = new Set(learnt.map(({ wording }) => wording));
  assert.ok(wordings.size > 60, `${wordings.size}`);
  assert.deepEqual(
    heldOut.filter(({ wording }) => wordings.has(wording)),
    [],
  );
  let missing = 0;
  for (const [isHeldOut, exchanges] of [
    [false, learnt],
    [true, heldOut],
  ] as const) {
    for (const { messages, check, language } of exchanges) {
      const calls = messages.flatMap(({ toolCalls = [], weight }) => (weight === 0 ? [] : toolCalls));
      assert.equal(calls.length, 1);
      const query = String(calls[0].arguments.query);
      assert.ok(messages[0].content.includes(query));
      assert.equal(isHeldOutWord(query), isHeldOut, query);
      const result = messages.at(-2)?.content ?? '';
      const answer = messages.at(-1)?.content ?? '';
      assert.equal(answerCredit({ task: { check, language }, text: answer, calls: [] }), 1);
      const [source, line] = answer.split(/：|: /);
      const known = couplets.find(({ text }) => text === line);
      if (known === undefined) {
        missing++;
        assert.match(answer, new RegExp(`没有找到有“${query}”字的诗|found no poem with “${query}”`));
        continue;
      }
      assert.equal(source, known.source);
      assert.ok(result.startsWith(`1. poems.jsonl › ${source}: ${line}`));
      assert.ok(line.includes(query) || known.poet === query, `${query} in ${answer}`);
    }
  }
  assert.ok(missing > 0, `${missing}`);
});
