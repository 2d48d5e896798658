// Families answered from the corpora: translations, definitions, the next line of a poem. Facts that a short answer
// cannot hold are left out.
import { scriptCounts, wordsOf } from '../../../base/words.js';
import type { Fact, TextCheck } from '../../../data/types.js';
import {
  type Draw,
  exactly,
  exactlyIfShort,
  type FamilyRows,
  operandFor,
  phrase,
  type SolvedTask,
  type Sources,
  type TaskMaker,
} from './family.js';
import type { Wordings } from './wordings.js';

/** Longest key and value, in words or Chinese characters. */
const limits: Record<Fact['kind'], { key: number; value: number }> = {
  translation: { key: 6, value: 5 },
  definition: { key: 3, value: 18 },
  'poem-line': { key: 16, value: 16 },
};

const wordings: Record<Fact['kind'], Wordings> = {
  translation: {
    zh: [
      '“{}”用英语怎么说？',
      '翻译成英文：{}',
      '“{}”的英文是什么？',
      '请把“{}”译成英语。',
      '英语里怎么说“{}”？',
      '中译英：{}',
      '“{}”翻成英文是什么？',
      '写出“{}”的英文意思。',
      '我想知道“{}”的英文说法。',
      '请翻译这个词：{}',
      '“{}”对应的英文词是什么？',
      '用英文解释“{}”。',
    ],
    en: [
      'What does "{}" mean in English?',
      'Translate into English: {}',
      'Give the English for "{}".',
      'What is the English word for "{}"?',
      'How would you say "{}" in English?',
      'Put "{}" into English.',
      'Chinese to English: {}',
      'I saw "{}" on a sign. What does it mean?',
      'Tell me the meaning of "{}".',
      'Please translate "{}".',
      'What is "{}" in English?',
      'Which English word matches "{}"?',
    ],
  },
  definition: {
    zh: [
      '英文词“{}”是什么意思？用英文回答。',
      '用英文解释这个词：{}',
      '请用英语给“{}”下定义。',
      '英语词典里“{}”怎么解释？',
      '“{}”的英文定义是什么？',
      '查一下这个英文词的意思：{}',
      '用一句英文说明“{}”的意思。',
      '给出“{}”的英文释义。',
      '单词“{}”的英文释义是什么？',
      '我不懂“{}”，请用英文解释。',
      '用英文说说“{}”指什么。',
      '请写出英文定义：{}',
    ],
    en: [
      'What does "{}" mean?',
      'Define "{}".',
      'Define this word: {}',
      'What is the meaning of "{}"?',
      'Explain the word "{}" in a few words.',
      'Give a short definition of "{}".',
      'How would a dictionary define "{}"?',
      'Tell me what "{}" means.',
      'I do not know the word "{}". What is it?',
      'In a few words, what is "{}"?',
      'Look up this word: {}',
      'Please explain what "{}" means.',
    ],
  },
  'poem-line': {
    zh: [
      '“{}”的下一句是什么？',
      '接下一句：{}',
      '背出“{}”的后一句。',
      '古诗接龙：{}',
      '“{}”后面是哪一句？',
      '请接着背：{}',
      '“{}”，下一句怎么背？',
      '写出下一句诗：{}',
      '我忘了“{}”之后的诗句，是什么？',
      '诗里“{}”之后写了什么？',
      '接着“{}”往下背一句。',
      '补全诗句，上句是“{}”。',
    ],
    en: [
      'Which line comes after "{}"?',
      'Continue the poem: {}',
      'What follows "{}" in the poem?',
      'Give the next line: {}',
      'What is the line after "{}"?',
      'The poem says "{}". What comes next?',
      'Recite the line that follows "{}".',
      'Finish the couplet: {}',
      'After "{}", how does the poem go on?',
      'Write the next line of the poem: {}',
      'I forgot the line after "{}". What is it?',
      'Go on from "{}" with one line.',
    ],
  },
};

/** Each fact of `kind` is asked for once in a while, in random order. */
function askAbout(kind: Fact['kind']): (sources: Sources) => TaskMaker | undefined {
  return ({ facts }) => {
    const usable = facts.filter((fact) => fact.kind === kind && isShort(fact));
    return usable.length === 0
      ? undefined
      : (draw) => {
          const fact = operandFor(
            draw,
            (random) => random.choose(usable),
            ({ key }) => key,
          );
          return fact && ask(fact, draw);
        };
  };
}

function isShort(fact: Fact): boolean {
  const { key, value } = limits[fact.kind];
  const [asked, told] = [wordsOf(fact.key).length, wordsOf(meanings(fact)[0] ?? '').length];
  // Quotes and colons mark the payload of a prompt (see task-key.ts): a key must not hold them.
  if (/["“”「」《》:：\n]/.test(fact.key)) return false;
  if (fact.kind === 'translation' && scriptCounts(fact.key).han === 0) return false;
  return asked > 0 && asked <= key && told > 0 && told <= value;
}

/** "apple; (fig.) fruit" → ["apple", "fruit"]; other facts have one value. */
function meanings(fact: Fact): string[] {
  const values = fact.kind === 'translation' ? fact.value.split(/[;；/]/) : [fact.value];
  return values
    .map((value) =>
      value
        .replace(/\([^)]*\)|\[[^\]]*\]/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter(Boolean);
}

function ask(fact: Fact, draw: Draw): SolvedTask {
  const values = meanings(fact);
  const check: TextCheck =
    fact.kind === 'poem-line'
      ? exactly(values[0])
      : { type: 'contains', any: [...new Set(values.flatMap((value) => [value, withoutParticle(value)]))] };
  return {
    turns: [phrase(wordings[fact.kind][draw.language], draw, fact.key)],
    solution: { answer: values[0], check },
  };
}

/** "to drink" → "drink": either is a right translation. */
function withoutParticle(value: string): string {
  return value.replace(/^(?:to|an?|the) (?=\S)/i, '');
}

export const lookupFamilies = {
  translation: {
    task: 'translating one common word, put in double quotes, between Chinese and English',
    answerForm: 'Answer with the translated word alone.',
    key: 'quotation',
    anyLanguage: 'answer',
    check: exactlyIfShort,
    maker: askAbout('translation'),
  },
  definition: {
    task: 'explaining one common word, put in double quotes',
    answerForm: 'One phrase of at most twelve words.',
    key: 'quotation',
    anyLanguage: 'answer',
    maker: askAbout('definition'),
  },
  'poem-line': {
    task: 'giving the line that follows a line of a classical Chinese poem, which is put in double quotes',
    answerForm: 'Answer with the next line alone.',
    key: 'quotation',
    anyLanguage: 'answer',
    check: exactlyIfShort,
    maker: askAbout('poem-line'),
  },
} satisfies FamilyRows;
