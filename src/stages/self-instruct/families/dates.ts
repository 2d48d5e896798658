// Days of the week, months and dates: what comes after, what comes before, how long a month is. There are seven days and twelve
// months: of these only wordings are held out; of dates, and of so many days later, the operands too.
import type { Random } from '../../../base/random.js';
import { lastNumber } from '../../../evaluation/checks.js';
import { partFor } from '../../../tools/wordings.js';
import { variantOf } from '../../tool-use/wordings.js';
import type { Solution, TaskLanguage } from '../teacher.js';
import { type Draw, type FamilyRows, fill, fixed, operandFor, type SolvedTask, type Sources } from './family.js';
import { makerFrom, type NamedWordings } from './wordings.js';

const days: Record<TaskLanguage, readonly string[]> = {
  zh: [...'一二三四五六日'].map((day) => `星期${day}`),
  en: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
};
const months: Record<TaskLanguage, readonly string[]> = {
  zh: Array.from({ length: 12 }, (_, i) => `${i + 1}月`),
  en: 'January February March April May June July August September October November December'.split(' '),
};
/** February is left out wherever its length matters. */
const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const february = 1;

interface Question {
  operands: readonly (string | number)[];
  answer: Solution;
}

const statement = (text: string | number, language: TaskLanguage): Solution =>
  fixed(`${text}${language === 'zh' ? '。' : '.'}`);

/** The entry `steps` after a random one of a list that begins again at its end. */
function neighbour(list: readonly string[], steps: number, { language, random }: Draw): Question {
  const place = random.integer(0, list.length);
  return {
    operands: [list[place]],
    answer: statement(list[(place + steps + list.length) % list.length], language),
  };
}

function daysLater(draw: Draw, { isWorked }: Sources): Question | undefined {
  const { language } = draw;
  const operand = operandFor(
    draw,
    (random) => [random.integer(0, 7), random.integer(2, 7)] as const,
    ([day, steps]) => `${day}+${steps}`,
  );
  if (operand === undefined) return undefined;
  const [day, steps] = operand;
  const passed = Array.from({ length: steps + 1 }, (_, i) => days[language][(day + i) % 7]);
  const text = isWorked ? passed.join(language === 'zh' ? '，' : ', ') : passed[steps];
  return { operands: [passed[0], steps], answer: statement(text, language) };
}

function daysIn({ language, random }: Draw): Question {
  const month = monthOfKnownLength(random);
  const length = lengths[month];
  const answer = language === 'zh' ? `${length}天。` : `${length} days.`;
  return { operands: [months[language][month]], answer: { answer, check: { type: 'number', answer: length } } };
}

function monthOfKnownLength(random: Random): number {
  const month = random.integer(0, 11);
  return month < february ? month : month + 1;
}

function dateAfter(draw: Draw): Question | undefined {
  const { language } = draw;
  const operand = operandFor(
    draw,
    (random) => {
      const month = monthOfKnownLength(random);
      return { month, day: random.integer(1, lengths[month] + 1) };
    },
    ({ month, day }) => `${month}/${day}`,
  );
  if (operand === undefined) return undefined;
  const { month, day } = operand;
  const next = day < lengths[month] ? { month, day: day + 1 } : { month: (month + 1) % 12, day: 1 };
  return { operands: [dateInWords(operand, language)], answer: statement(dateInWords(next, language), language) };
}

function dateInWords({ month, day }: { month: number; day: number }, language: TaskLanguage): string {
  return language === 'zh' ? `${month + 1}月${day}日` : `${day} ${months.en[month]}`;
}

const questions: Record<string, (draw: Draw, sources: Sources) => Question | undefined> = {
  'day-after': (draw) => neighbour(days[draw.language], 1, draw),
  'day-before': (draw) => neighbour(days[draw.language], -1, draw),
  'days-later': daysLater,
  'month-after': (draw) => neighbour(months[draw.language], 1, draw),
  'month-before': (draw) => neighbour(months[draw.language], -1, draw),
  'days-in': daysIn,
  'date-after': dateAfter,
};

function makeDate(draw: Draw, sources: Sources, wordings: NamedWordings): SolvedTask | undefined {
  const { language, random, isHeldOut } = draw;
  const name = random.choose(Object.keys(questions));
  const question = questions[name](draw, sources);
  if (question === undefined) return undefined;
  const template = random.choose(partFor(wordings[name][language], isHeldOut));
  return {
    turns: [fill(variantOf(template, random), ...question.operands)],
    solution: question.answer,
    core: `${name}: ${template}`,
  };
}

export const dateFamilies = {
  dates: {
    task: 'the day, the month or the date that comes after or before a given one, or the number of days in a month',
    answerForm:
      'Answer like "Tuesday.", "April.", "31 days." or "6 March." (in Chinese "星期二。", "4月。", "31天。", "3月6日。").',
    check(answer) {
      if (!/days|天/.test(answer)) return fixed(answer).check;
      const number = lastNumber(answer);
      return number === undefined ? undefined : { type: 'number', answer: number };
    },
    maker: makerFrom('dates', makeDate),
  },
} satisfies FamilyRows;
