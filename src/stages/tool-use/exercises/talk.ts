// What needs no tool though tools are there: thanks, greetings, feelings, and remarks that hold numbers, words, sums, places, in the
// very words of questions, but told.
import type { Random } from '../../../base/random.js';
import { partFor } from '../../../tools/wordings.js';
import type { Draw, Exercise, Spoken } from '../exercise.js';
import { asked, type WordingSet, wordingSets } from '../wordings.js';
import { placesOf } from './clock.js';
import { linear } from './equations.js';
import { side, type Words } from './words.js';

const kinds = [
  ...(['thanks', 'greetings', 'goodbyes', 'goodFeelings', 'badFeelings', 'opinions', 'agreement', 'praise'] as const),
  ...(['numbers', 'words', 'sums', 'equations', 'places', 'people', 'tools', 'things'] as const),
];

const people: Record<Spoken, readonly string[]> = {
  en: 'Anna Ben Carl Diana Eric Fiona George Helen Ivan Julia Kevin Laura Martin Nora Oscar Paula Robert Sarah Tom Wendy'.split(
    ' ',
  ),
  zh: '王明 李红 张伟 刘洋 陈静 杨光 赵敏 黄丽 周强 吴芳 小明 小红 小华 小李 老王 老张 马云 何平 高山 林风'.split(' '),
};
const tools = ['Calculate', 'Solve', 'Define', 'Search', 'Query', 'Now', 'World'];
const things: Record<Spoken, readonly string[]> = {
  en: 'cup book key lamp ball coat knife plate spoon pen clock map hat bag chair bottle box letter towel umbrella'.split(
    ' ',
  ),
  zh: '杯子 书包 钥匙 灯 球 帽子 刀 盘子 勺子 笔 钟 地图 箱子 袋子 椅子 瓶子 盒子 信封 毛巾 雨伞'.split(' '),
};

/** @param words as questions to a dictionary have them. */
export function talk(words: Words): (draw: Draw) => Exercise {
  const sides = { learnt: side(words, false), heldOut: side(words, true) };
  return (draw) => {
    const { random, language, isHeldOut } = draw;
    const set: WordingSet = wordingSets('talk', kinds)[random.choose(kinds)];
    const answer = set.answer?.[language] ?? '';
    const known = sides[isHeldOut ? 'heldOut' : 'learnt'][language];
    const ownThings = partFor(things[language], isHeldOut);
    const number = (): number => random.integer(2, 10 ** random.integer(1, 5));
    const values = {
      n: number() + 1,
      m: number(),
      // A corpus may have no dictionary.
      w: random.choose(known.length > 0 ? known : ownThings),
      c: random.choose(placesOf(language, isHeldOut)),
      s: sum(random),
      e: linear(random, random.choose(['x', 'y', 'n'])),
      p: random.choose(partFor(people[language], isHeldOut)),
      t: random.choose(tools),
      h: random.choose(ownThings),
    };
    return {
      ...{ kind: 'talk', language, needs: [] },
      ...asked(set, values, draw),
      turns: [],
      ending: () => ({ answer, check: { type: 'equals', answer: answer.replace(/[.。]$/, '') } }),
    };
  };
}

function sum(random: Random): string {
  return `${random.integer(2, 1000)}${random.choose(['+', '-', '*', '×', ' + ', ' * '])}${random.integer(2, 1000)}`;
}
