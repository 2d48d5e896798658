// Lines of poems that the corpus has: Search. Small models make verses up; one that is found is real, with its poet. The couplets are
// written beside the rows for the tool to search, one a passage, so that a result is short enough to be copied.
import { isHeldOutWord } from '../../../data/held-out-words.js';
import type { Document } from '../../../data/types.js';
import { call, type Draw, type Ending, type Exercise, type Maker } from '../exercise.js';
import { asked, type WordingSet, wordingSets } from '../wordings.js';

export interface Couplet {
  /** 孟浩然《春晓》 */
  source: string;
  poet: string;
  /** 春眠不觉晓，处处闻啼鸟。 */
  text: string;
  halves: readonly [string, string];
}

/** 《春晓》孟浩然, as the reader of poems writes the first line of a document. */
const heading = /^《(\p{Script=Han}{1,8})》(\p{Script=Han}{2,4})$/u;
const coupletLine = /^(\p{Script=Han}{5}|\p{Script=Han}{7})，(\p{Script=Han}{5}|\p{Script=Han}{7})([。！？；，])$/u;
/** A character that the poems have less often is nothing that a small model has learnt to write. */
const minCharacter = 5;
/** What is asked for stands in so many couplets. */
const minFound = 8;

/** Couplets of five or seven characters a half, of poems whose poet is known. */
export async function coupletsOf(documents: AsyncIterable<Pick<Document, 'text'>>): Promise<Couplet[]> {
  const found = new Map<string, Couplet>();
  const counts = new Map<string, number>();
  for await (const document of documents) {
    const [first, ...lines] = document.text.split('\n');
    const [, title, poet] = heading.exec(first) ?? [];
    if (poet === undefined) continue;
    for (const line of lines) {
      const [, one, other, mark] = coupletLine.exec(line) ?? [];
      if (one === undefined || one.length !== other.length) continue;
      // In the middle of a sentence, it ends one here.
      const text = `${one}，${other}${/[；，]/.test(mark) ? '。' : mark}`;
      if (found.has(text)) continue;
      found.set(text, { source: `${poet}《${title}》`, poet, text, halves: [one, other] });
      for (const character of one + other) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  const isCommon = ({ halves }: Couplet): boolean =>
    [...halves.join('')].every((each) => (counts.get(each) ?? 0) >= minCharacter);
  return [...found.values()].filter(isCommon);
}

const setNames = ['character', 'word', 'poet', 'next', 'author'] as const;
type SetName = (typeof setNames)[number];

/** What no poem of then has. */
const modern = '您吗哪啊咖啡吧它们妈爸糖鞋袜厨锅碗楼梯灯泡糕饼饺饿够跑跳丢找拿放忙累票钱包裤衫蛋糕纸笔课班铁街站店信';
const missing = { zh: '没有找到有“{c}”字的诗。', en: 'I found no poem with “{c}”.' };
const kinds = [
  ...Array<SetName>(8).fill('character'),
  ...(['word', 'word', 'word', 'poet', 'poet', 'poet', 'next', 'next', 'next', 'author', 'author', 'missing'] as const),
];

/** What Search says first: `1. poems.jsonl › 孟浩然《春晓》: 春眠不觉晓，处处闻啼鸟。` */
const firstResult = /^1\. (?:.* › )?(\p{Script=Han}+《\p{Script=Han}+》): (\S+)$/mu;

/** Exercises on these couplets, which Search reads as passages of their own. */
export function poems(couplets: readonly Couplet[]): Maker {
  const sets = wordingSets('poems', setNames);
  const byPoet = tally(couplets, ({ poet }) => [poet]);
  const characters = tally(couplets, ({ text }) => [...text].filter((each) => /\p{Script=Han}/u.test(each)));
  const words = tally(couplets, ({ halves }) => halves.flatMap(pairsOf));
  const often = (counts: ReadonlyMap<string, number>): string[] =>
    [...counts].filter(([, count]) => count >= minFound).map(([each]) => each);
  const asks = {
    ...{ character: often(characters), word: often(words), poet: often(byPoet) },
    missing: [...new Set(modern)].filter((each) => !characters.has(each)),
  };
  const sides = [false, true].map((isHeldOut) => {
    const of = <T>(list: readonly T[], wordOf: (item: T) => string): T[] =>
      list.filter((item) => isHeldOutWord(wordOf(item)) === isHeldOut);
    const own = (list: readonly string[]): string[] => of(list, (each) => each);
    return {
      ...{ character: own(asks.character), word: own(asks.word), poet: own(asks.poet), missing: own(asks.missing) },
      couplets: of(couplets, ({ halves }) => halves[0]),
    };
  });
  return (draw: Draw): Exercise | undefined => {
    const { random, language, isHeldOut } = draw;
    const side = sides[isHeldOut ? 1 : 0];
    const what = random.choose(kinds);
    const searched = (set: WordingSet, query: string, isRight: (found: Found) => string | undefined): Exercise => ({
      ...{ kind: 'search', language, needs: ['Search'] },
      ...asked(set, { q: query }, draw),
      turns: [() => [call('Search', { query })]],
      ending: ([result]) => told(result, language, isRight),
    });
    if (what === 'next' || what === 'author') {
      if (side.couplets.length === 0) return undefined;
      const { halves, poet } = random.choose(side.couplets);
      return searched(sets[what], halves[0], (found) =>
        found.text.startsWith(halves[0]) ? (what === 'next' ? halves[1] : poet) : undefined,
      );
    }
    if (side[what].length === 0) return undefined;
    const query = random.choose(side[what]);
    if (what === 'missing') {
      const answer = missing[language].replace('{c}', query);
      const ending = ([result]: readonly string[]): Ending | undefined =>
        result.startsWith('No passage')
          ? { answer, check: { type: 'contains', any: [answer.slice(0, -1)] } }
          : undefined;
      return { ...searched(sets.character, query, () => undefined), ending };
    }
    return searched(sets[what], query, (found) => {
      const isFound = what === 'poet' ? found.source.startsWith(`${query}《`) : found.text.includes(query);
      return isFound ? found.text : undefined;
    });
  };
}

interface Found {
  source: string;
  text: string;
}

/** The first result word for word; right where it holds what was asked for. */
function told(
  result: string,
  language: Draw['language'],
  isRight: (found: Found) => string | undefined,
): Ending | undefined {
  const [, source, text] = firstResult.exec(result) ?? [];
  const wanted = source === undefined ? undefined : isRight({ source, text });
  if (wanted === undefined) return undefined;
  return { answer: `${source}${language === 'zh' ? '：' : ': '}${text}`, check: { type: 'contains', any: [wanted] } };
}

function tally(couplets: readonly Couplet[], of: (couplet: Couplet) => readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const each of couplets) for (const key of new Set(of(each))) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Where a line of verse is cut into words: 春眠 不觉晓, 处处 闻啼鸟. */
function pairsOf(half: string): string[] {
  return half.length === 5 ? [half.slice(0, 2)] : [half.slice(0, 2), half.slice(2, 4)];
}
