// The time and the date, here and elsewhere: Now.
import { call, type Draw, type Exercise, filled, holding, type Spoken, type Wordings, wordingOf } from '../exercise.js';
import { isHeldOutWord } from './words.js';

const here: Wordings = {
  en: [
    'What time is it?',
    'What is the time?',
    'Tell me the time.',
    'What is the date today?',
    'What day is it today?',
    'Which day is it?',
    'Do you have the time?',
    "What's today's date?",
    'How late is it?',
    'What time is it now?',
    'Please tell me the date.',
    'What is the time now?',
    'Which date is it today?',
    'Time, please?',
    'Can you tell me the time?',
  ],
  zh: [
    '现在几点？',
    '现在是什么时间？',
    '告诉我时间。',
    '今天几号？',
    '现在几点了？',
    '今天是星期几？',
    '几点了？',
    '今天的日期是什么？',
    '请问现在几点？',
    '请告诉我现在的时间。',
    '今天是哪天？',
    '现在什么时候？',
    '今天几月几日？',
    '报一下时间。',
    '请问今天是几号？',
  ],
};
const elsewhere: Wordings = {
  en: [
    'What time is it in {c}?',
    'What is the time in {c}?',
    'Tell me the time in {c}.',
    'What is the date in {c}?',
    'What time is it now in {c}?',
    'How late is it in {c}?',
    'Time in {c}?',
    'Which day is it in {c}?',
    'Please tell me the time in {c}.',
    'Can you tell me the time in {c}?',
  ],
  zh: [
    '{c}现在几点？',
    '{c}现在是什么时间？',
    '告诉我{c}的时间。',
    '{c}今天几号？',
    '{c}现在几点了？',
    '{c}几点了？',
    '{c}的时间是多少？',
    '{c}今天是星期几？',
    '请问{c}现在几点？',
    '请告诉我{c}的时间。',
  ],
};
/** As Now knows them by name. */
const cities: Record<Spoken, readonly string[]> = {
  en: [
    ...['Tokyo', 'Shanghai', 'London', 'Paris', 'Berlin', 'Moscow', 'Chicago', 'Sydney', 'Cairo', 'Singapore', 'Dubai'],
    ...['Madrid', 'Rome', 'Oslo', 'Vienna', 'Athens', 'Dublin', 'Lisbon', 'Warsaw', 'Prague', 'Helsinki', 'Toronto'],
    ...['Denver', 'Lima', 'Bogota', 'Nairobi', 'Lagos', 'Tehran', 'Bangkok', 'Manila', 'Jakarta', 'Seoul', 'Brisbane'],
  ],
  zh: [
    '东京',
    '上海',
    '伦敦',
    '巴黎',
    '柏林',
    '莫斯科',
    '纽约',
    '芝加哥',
    '悉尼',
    '新加坡',
    '首尔',
    '北京',
    '香港',
    '台北',
    '洛杉矶',
  ],
};

/** Between 2000 and 2040. */
const [from, to] = [946_684_800, 2_208_988_800];

export function clock(draw: Draw): Exercise {
  const { random, language, isHeldOut } = draw;
  const now = new Date(random.integer(from, to) * 1000);
  const c = random.choose(cities[language].filter((city) => isHeldOutWord(city) === isHeldOut));
  const isHere = random.uniform() < 0.5;
  const wording = wordingOf(isHere ? here : elsewhere, draw);
  return {
    ...{ kind: 'now', language, wording, needs: ['Now'] },
    question: filled(wording, { c }),
    turns: [() => [call('Now', isHere ? {} : { timezone: c })]],
    ending([r]) {
      // Without the zone, which the question names.
      const [time] = r.split(' (');
      return holding(language === 'zh' ? `现在是${time}。` : `It is ${time}.`, time);
    },
    start: { now },
  };
}
