// Saying after somebody, and saying the one of several things that was asked for. A call of a tool is mostly copied from the
// question, and an answer from the result; a model that has read little text cannot copy yet, and learns it late among other
// things, soon where nothing else is learnt. What is said is random pieces of the vocabulary and rare characters, so that every token can be copied.
import { Random } from '../../base/random.js';
import { isHeldOutWord } from '../../data/held-out-words.js';
import type { SequenceSource } from '../../data/packing.js';
import type { TokenSequence } from '../../data/types.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Message } from '../../tokenizer/message.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';

interface Form {
  /** {t}: what stands there; {k}: which of it is asked for. */
  asks: readonly string[];
  /** At most so many things stand in the question. */
  things: number;
  shown?(things: readonly string[], at: number, random: Random): { text: string; key: string };
  answer(thing: string): string;
}

const said: Form = {
  asks: [
    ...[
      'Repeat: {t}',
      'Say {t}',
      'Write {t}',
      'Copy this: {t}',
      'Repeat after me: {t}',
      'Please write: {t}',
      'Echo "{t}"',
    ],
    ...[
      '重复：{t}',
      '请说“{t}”',
      '写：{t}',
      '抄写：{t}',
      '跟我说：{t}',
      '请写：{t}',
      '念：{t}',
      '{t}，再说一遍',
      '把“{t}”再写一次',
    ],
    ...['Say "{t}", please.', '{t}\nAgain:', 'What does this say: {t}?'],
  ],
  things: 1,
  answer: (thing) => thing,
};

const quoted: Form = {
  asks: [
    ...['Write "{t}" as JSON.', 'Put "{t}" into JSON.', 'JSON of {t}, please.', 'As JSON: {t}', 'Make JSON of {t}'],
    ...['把“{t}”写成JSON。', '“{t}”的JSON是什么？', '用JSON写：{t}', 'JSON：{t}', '请把{t}写成JSON'],
  ],
  things: 1,
  answer: (thing) => JSON.stringify({ text: thing }),
};

const looked: Form = {
  asks: [
    ...['{t}\nWhat stands beside {k}?', '{t}\n{k}?', '{t}\nWhat is {k}?', '{t}\nGive me {k}.', 'Find {k}.\n{t}'],
    ...['{t}\n{k}旁边是什么？', '{t}\n{k}？', '{t}\n{k}是什么？', '给我{k}。\n{t}', '{t}\n找{k}。'],
  ],
  things: 5,
  shown(things, at, random) {
    const pairs = things.map((thing) => ({ key: String(random.integer(10, 100_000)), thing }));
    const sign = random.choose([': ', ' = ', '：', ' | ']);
    return { text: pairs.map(({ key, thing }) => `${key}${sign}${thing}`).join('\n'), key: pairs[at].key };
  },
  answer: (thing) => thing,
};

const counted: Form = {
  asks: [
    ...[
      '{t}\nWhich is number {k}?',
      '{t}\nNumber {k}?',
      '{t}\nSay number {k}.',
      'Read out {k}.\n{t}',
      '{t}\nTake {k}.',
    ],
    ...['{t}\n第{k}个是什么？', '{t}\n第{k}个？', '{t}\n请说第{k}个。', '念第{k}个。\n{t}', '{t}\n取第{k}个。'],
  ],
  things: 4,
  shown: (things, at) => ({ text: things.map((thing, i) => `${i + 1}. ${thing}`).join(' '), key: String(at + 1) }),
  answer: (thing) => thing,
};

/** Plain copying comes first in learning: there is most of it. */
const forms: readonly Form[] = [said, said, quoted, looked, counted];

const hanOnly = /^\p{Script=Han}+$/u;

/** Of the vocabulary, what is written in one script alone. Words that exercises hold out are not among them. */
function piecesOf(tokenizer: Tokenizer): string[][] {
  const texts: string[] = [];
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const text = tokenizer.hasToken(id) ? tokenizer.decode([id]) : '';
    if (!isHeldOutWord(text.trim())) texts.push(text);
  }
  const scripts = [hanOnly, /^ ?\p{Script=Latin}+$/u];
  return scripts.map((script) => texts.filter((text) => script.test(text))).filter(({ length }) => length > 0);
}

const maxPieces = 8;

/** Of Chinese pieces: any character, which is bytes where the vocabulary lacks it. Few names of places or words are without one. */
const rareShare = 0.1;
/** The unified ideographs of Unicode 1.1. */
const ideographs = { from: 0x4e00, to: 0x9fa6 };
function rareHan(random: Random): string {
  for (;;) {
    const character = String.fromCodePoint(random.integer(ideographs.from, ideographs.to));
    if (!isHeldOutWord(character)) return character;
  }
}

function thing(random: Random, scripts: readonly string[][]): string {
  if (scripts.length === 0 || random.uniform() < 0.2) return numbers(random);
  const pieces = random.choose(scripts);
  const isHan = hanOnly.test(pieces[0]);
  const piece = (): string => (isHan && random.uniform() < rareShare ? rareHan(random) : random.choose(pieces));
  return Array.from({ length: random.integer(1, maxPieces + 1) }, piece)
    .join('')
    .trim();
}

function numbers(random: Random): string {
  // Of few different digits: in which place one stands has to be followed, not what came before it.
  if (random.uniform() < 0.3) {
    const few = [random.integer(0, 10), random.integer(0, 10)];
    return Array.from({ length: random.integer(2, 10) }, () => random.choose(few)).join('');
  }
  const digits = (most: number): string => String(random.integer(1, 10 ** random.integer(1, most + 1)));
  let text = digits(6);
  for (let i = random.integer(0, 5); i > 0; i--)
    text += random.choose(['+', '-', '*', '/', '=', ' ', 'x', 'y=', '.', ':']) + digits(4);
  return text;
}

function exchange(random: Random, scripts: readonly string[][]): Message[] {
  const form = random.choose(forms);
  const things = Array.from({ length: random.integer(1, form.things + 1) }, () => thing(random, scripts));
  const at = random.integer(0, things.length);
  const { text, key } = form.shown?.(things, at, random) ?? { text: things[at], key: '' };
  // Both at once: what is put in holds no places.
  const content = random.choose(form.asks).replace(/\{(t|k)\}/g, (_, name) => (name === 't' ? text : key));
  return [
    { role: 'user', content },
    { role: 'assistant', content: form.answer(things[at]) },
  ];
}

/** Exchanges of copying as token sequences, at most `columns` tokens each; the same for one seed and tokenizer. */
export function copyingRows(
  template: ChatTemplate,
  { count, columns, seed }: { count: number; columns: number; seed: number },
): SequenceSource {
  const random = Random.stream(seed, 'sft-copying');
  const scripts = piecesOf(template.tokenizer);
  const sequences: TokenSequence[] = [];
  for (let tries = 0; sequences.length < count && tries < 10 * count; tries++) {
    const { tokens, loss } = template.encode(exchange(random, scripts));
    if (tokens.length <= columns) {
      sequences.push({
        id: `copying-${sequences.length}`,
        tokens: Int32Array.from(tokens),
        loss: Uint8Array.from(loss),
      });
    }
  }
  const lengths = sequences.map(({ tokens }) => tokens.length);
  return { length: sequences.length, lengths, get: (index) => sequences[index] };
}
