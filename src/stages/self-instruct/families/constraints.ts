// Requests for a form: to write about something with so many words, without commas, as JSON. An answer is put together from a
// topic's things and sentences and says what it is about, and what else is asked of it is true of it: so a program made it, and a
// program decides on others.
import type { Random } from '../../../base/random.js';
import { wordsOf } from '../../../base/words.js';
import type { Constraint } from '../../../data/constraints.js';
import { fulfils } from '../../../evaluation/constraints.js';
import { partFor, variantOf } from '../../../tools/wordings.js';
import type { TaskLanguage } from '../teacher.js';
import { type Draw, type FamilyRows, fill, type SolvedTask, type TaskMaker } from './family.js';
import { type NamedWordings, readWordings } from './wordings.js';

interface Topic {
  name: string;
  /** What a text about it says, one or the other. */
  called: readonly string[];
  things: readonly string[];
  sentences: readonly string[];
}

/** A topic in both languages, and phrases to begin and end with. */
interface Material {
  language: TaskLanguage;
  random: Random;
  topic: Topic;
  /** The same topic in the other language, and other topics in this one. */
  foreign: Topic;
  others: readonly Topic[];
  phrase(list: 'openings' | 'closings' | 'likes'): string;
}

interface Answer {
  text: string;
  /** What the form itself is asked for by. */
  constraints: readonly Constraint[];
  /** Whether more may be asked of it. */
  isWhole?: boolean;
}

const some = <T>(items: readonly T[], low: number, high: number, random: Random): T[] =>
  random.shuffle([...items]).slice(0, random.integer(low, high));

const isAbout = ({ called }: Topic, text: string): boolean =>
  called.some((name) => fulfils({ kind: 'contains', text: name }, text));

/** So many sentences of a topic, as they may follow each other: one of them says what it is about. */
function sentencesOn({ topic, random }: Material, low: number, high: number): string[] {
  const first = onTopic(topic, random);
  const others = topic.sentences.filter((sentence) => sentence !== first);
  const chosen = new Set([first, ...some(others, low - 1, high - 1, random)]);
  return topic.sentences.filter((sentence) => chosen.has(sentence));
}

const prose = (material: Material, low = 1, high = 4): string =>
  sentencesOn(material, low, high).join(material.language === 'zh' ? '' : ' ');

const items = ({ topic, random }: Material): string[] => some(topic.things, 2, 6, random);

/** What a list or a chapter is about, before it. */
const heading = ({ topic: { name } }: Material): string => name[0].toUpperCase() + name.slice(1);
const colon = ({ language }: Material): string => (language === 'zh' ? '：' : ': ');

const marks = /[.,!?。，！？、]/g;

/** Ways to answer, each with the constraint that asks for it. */
const forms: readonly ((material: Material) => Answer)[] = [
  (material) => ({ text: prose(material), constraints: [] }),
  (material) => ({ text: prose(material), constraints: [] }),
  (material) => {
    const list = items(material);
    const text = [heading(material) + colon(material).trim(), ...list.map((item) => `- ${item}`)].join('\n');
    return { text, constraints: [{ kind: 'bullets', n: list.length }] };
  },
  (material) => {
    const list = items(material);
    const text = [heading(material) + colon(material).trim(), ...list.map((item, i) => `${i + 1}. ${item}`)].join('\n');
    return { text, constraints: [{ kind: 'numbered', n: list.length }] };
  },
  (material) => {
    const list = [heading(material), ...items(material)];
    return { text: list.join('\n'), constraints: [{ kind: 'lines', n: list.length }] };
  },
  (material) => {
    const start = material.phrase('likes');
    const end = material.language === 'zh' ? '。' : '.';
    const lines = [material.topic.name, ...items(material)].map(
      (item) => `${start}${material.language === 'zh' ? '' : ' '}${item}${end}`,
    );
    const constraints: Constraint[] = [{ kind: 'lines-begin-with', text: start }];
    return { text: lines.join('\n'), constraints: [...constraints, { kind: 'lines', n: lines.length }] };
  },
  (material) => {
    const text = JSON.stringify({ [material.topic.name]: items(material) });
    return { text, constraints: [{ kind: 'json' }], isWhole: true };
  },
  (material) => {
    const [topic, things] = material.language === 'zh' ? ['主题', '东西'] : ['topic', 'things'];
    const text = JSON.stringify({ [topic]: material.topic.name, [things]: items(material) });
    return { text, constraints: [{ kind: 'json' }, { kind: 'json-keys', any: [topic, things] }], isWhole: true };
  },
  (material) => {
    const text = prose(material);
    return { text: material.language === 'zh' ? `“${text}”` : `"${text}"`, constraints: [{ kind: 'in-quotes' }] };
  },
  (material) => ({
    text: english(material).toUpperCase(),
    constraints: [...inEnglish(material), { kind: 'upper-case' }],
  }),
  (material) => ({
    text: english(material).toLowerCase(),
    constraints: [...inEnglish(material), { kind: 'lower-case' }],
  }),
  (material) => ({ text: onTopic(material.foreign, material.random), constraints: [inForeign(material)] }),
  (material) => {
    const text = prose(material, 1, 2).replace(marks, '');
    return { text, constraints: [{ kind: 'no-punctuation' }] };
  },
  (material) => {
    const { name } = material.topic;
    const title = material.language === 'zh' ? `《${name}》` : `<<${name}>>`;
    return { text: `${title}\n${prose(material)}`, constraints: [{ kind: 'title' }] };
  },
  (material) => {
    const [text, note] = sentencesOn(material, 2, 3);
    const mark = material.language === 'zh' ? '附言：' : 'P.S. ';
    return { text: `${text}\n${mark}${note}`, constraints: [{ kind: 'postscript' }] };
  },
  (material) => {
    const parts = sentencesOn(material, 2, 4);
    return { text: parts.join('\n***\n'), constraints: [{ kind: 'parts', n: parts.length }] };
  },
  (material) => {
    const parts = sentencesOn(material, 2, 4);
    return { text: parts.join('\n\n'), constraints: [{ kind: 'paragraphs', n: parts.length }] };
  },
  (material) => {
    const { random, topic, others } = material;
    const own = random.choose(topic.things);
    // The others have nothing to do with what is asked about, so that there is something to choose by.
    const any = [own, ...some(others, 1, 4, random).map(({ things }) => random.choose(things))];
    return { text: own, constraints: [{ kind: 'one-of', any: any.toSorted() }], isWhole: true };
  },
  (material) => {
    const start = material.phrase('openings');
    const text = prose(material);
    return {
      text: material.language === 'zh' ? start + text : `${start} ${text[0].toLowerCase()}${text.slice(1)}`,
      constraints: [{ kind: 'begins-with', text: start }],
    };
  },
  (material) => {
    const end = material.phrase('closings');
    return {
      text: prose(material, 1, 3) + (material.language === 'zh' ? '' : ' ') + end,
      constraints: [{ kind: 'ends-with', text: end }],
    };
  },
  (material) => {
    const { random, language, topic } = material;
    const count = random.integer(2, 10);
    const thing = random.choose(topic.things);
    const text =
      language === 'zh' ? `第${count}章，${topic.name}：${thing}。` : `Chapter ${count}, on ${topic.name}: ${thing}.`;
    return { text, constraints: [{ kind: 'has-digits' }, { kind: 'contains', text: thing }] };
  },
  (material) => {
    const word = material.random.choose(material.topic.things);
    const n = material.random.integer(2, 4);
    const times = Array.from({ length: n }, () => word).join(material.language === 'zh' ? '，' : ', ');
    return {
      text: heading(material) + colon(material) + times,
      constraints: [{ kind: 'contains-times', text: word, n }],
    };
  },
];

/** A sentence that says what it is about. */
const onTopic = (topic: Topic, random: Random): string =>
  random.choose(topic.sentences.filter((sentence) => isAbout(topic, sentence)));

/** Such a one in English: it has capitals and small letters. */
const english = ({ language, topic, foreign, random }: Material): string =>
  onTopic(language === 'en' ? topic : foreign, random);

const inEnglish = ({ language }: Material): Constraint[] => (language === 'en' ? [] : [{ kind: 'in-english' }]);

const inForeign = ({ language }: Material): Constraint => ({ kind: language === 'zh' ? 'in-english' : 'in-chinese' });

/** What else an answer could be asked to have; what is not true of it is not asked. */
function wishes(text: string, { topic, others, random }: Material): Constraint[] {
  const words = wordsOf(text).length;
  const other = random.choose(random.choose(others).things);
  const mentioned = topic.things.filter((thing) => fulfils({ kind: 'contains', text: thing }, text));
  return [
    { kind: 'words-at-least', n: Math.max(2, words - random.integer(0, 4)) },
    { kind: 'words-at-most', n: words + random.integer(0, 6) },
    { kind: 'words-exactly', n: words },
    ...[1, 2, 3].map((n): Constraint => ({ kind: 'sentences', n })),
    ...mentioned.map((thing): Constraint => ({ kind: 'contains', text: thing })),
    { kind: 'avoids', text: other },
    { kind: 'no-commas' },
    { kind: 'no-digits' },
    { kind: 'no-repetition' },
  ];
}

/** Two of a group say the same twice, or one makes the other empty. */
const groups: readonly (readonly Constraint['kind'][])[] = [
  ['words-at-least', 'words-at-most', 'words-exactly'],
  ['sentences', 'lines', 'paragraphs', 'parts', 'bullets', 'numbered'],
  ['contains', 'contains-times'],
  ['no-commas', 'no-punctuation'],
  ['no-digits', 'has-digits', 'numbered'],
  ['no-repetition', 'contains-times', 'lines-begin-with'],
];

function clash(one: Constraint, other: Constraint): boolean {
  return one.kind === other.kind || groups.some((group) => group.includes(one.kind) && group.includes(other.kind));
}

const maxWishes = 2;

function withWishes({ text, constraints, isWhole }: Answer, material: Material): Constraint[] {
  const all = [...constraints];
  const most = all.length === 0 ? maxWishes : Math.min(1, 3 - all.length);
  const least = all.length === 0 ? 1 : 0;
  const count = isWhole === true ? 0 : material.random.integer(least, most + 1);
  for (const wish of material.random.shuffle(wishes(text, material))) {
    if (all.length >= constraints.length + count) break;
    if (fulfils(wish, text) && !all.some((each) => clash(each, wish))) all.push(wish);
  }
  return all;
}

/** How a constraint is said. */
export function constraintInWords(
  constraint: Constraint,
  { language, random, isHeldOut }: Draw,
  wordings: NamedWordings,
): string {
  const line = random.choose(partFor(wordings[constraint.kind][language], isHeldOut));
  const said: Record<string, string> = {
    n: 'n' in constraint ? String(constraint.n) : '',
    text: 'text' in constraint ? constraint.text : '',
    any: 'any' in constraint ? constraint.any.join(language === 'zh' ? '、' : ', ') : '',
  };
  const text = variantOf(line, random).replace(/\{(n|text|any)\}/g, (_, name: string) => said[name]);
  return /[.?!。？！]["”]?$/.test(text) ? text : text + (language === 'zh' ? '。' : '.');
}

function topicsOf(material: NamedWordings, language: TaskLanguage): Topic[] {
  return material.names[language].map((name, i) => ({
    name,
    called: material.called[language][i].split(' / '),
    things: material.things[language][i].split(' / '),
    sentences: material.sentences[language][i].split(' / '),
  }));
}

/** Topics are held out, and wordings. */
function makeConstraints(): TaskMaker {
  const wordings = readWordings('constraints');
  const lists = readWordings('topics');
  const topics = { zh: topicsOf(lists, 'zh'), en: topicsOf(lists, 'en') };
  return (draw): SolvedTask => {
    const { language, random, isHeldOut } = draw;
    const at = random.choose(
      partFor(
        topics.zh.map((_, i) => i),
        isHeldOut,
      ),
    );
    const topic = topics[language][at];
    const material: Material = {
      ...{ language, random, topic },
      foreign: topics[language === 'zh' ? 'en' : 'zh'][at],
      others: topics[language].filter((other) => other !== topic),
      phrase: (list) => random.choose(lists[list][language]),
    };
    const answer = random.choose(forms)(material);
    const all = withWishes(answer, material);
    const ask = random.choose(partFor(wordings.ask[language], isHeldOut));
    const request = fill(variantOf(ask.replace('{a}', '{}'), random), topic.name);
    const said = all.map((constraint) => constraintInWords(constraint, draw, wordings));
    return {
      turns: [[request, ...said].join(language === 'zh' ? '' : ' ')],
      solution: { answer: answer.text, check: { type: 'constraints', all } },
    };
  };
}

export const constraintFamilies = {
  constraints: {
    task: 'writing a little about a topic under one to three constraints on form that a program can check: at most so many words, no commas, a numbered list of so many points, JSON only, with a given word, in the other language',
    answerForm: 'Fulfil every constraint to the letter. Keep it short.',
    anyLanguage: 'answer',
    maker: makeConstraints,
  },
} satisfies FamilyRows;
