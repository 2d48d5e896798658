// The time and the date, here and elsewhere, and how far away a date is: Now.
import { hash } from 'node:crypto';
import type { Random } from '../../../base/random.js';
import { placeNames } from '../../../tools/places.js';
import { call, type Draw, type Exercise, holding, type Spoken } from '../exercise.js';
import { asked, wordingSets } from '../wordings.js';

const setNames = ['here', 'elsewhere', 'places', 'weekday', 'until', 'since'] as const;

/** One in five places is never learnt. */
export function isHeldOutPlace(place: string): boolean {
  return hash('sha256', place, 'buffer')[0] % 5 === 0;
}

const isHan = (place: string): boolean => /^\p{Script=Han}/u.test(place);
const sidesOfPlaces = { en: sidesOf((place) => !isHan(place)), zh: sidesOf(isHan) };

function sidesOf(isOne: (place: string) => boolean): { learnt: string[]; heldOut: string[] } {
  const all = placeNames.filter(isOne);
  return { learnt: all.filter((place) => !isHeldOutPlace(place)), heldOut: all.filter(isHeldOutPlace) };
}

/** Those of a language, as Now knows them, that are learnt or are not. */
export function placesOf(language: Spoken, isHeldOut: boolean): readonly string[] {
  return sidesOfPlaces[language][isHeldOut ? 'heldOut' : 'learnt'];
}

/** Between 2000 and 2040. */
const [from, to] = [946_684_800, 2_208_988_800];
const msPerDay = 86_400_000;

const weekdays: Record<string, string> = {
  Monday: '星期一',
  Tuesday: '星期二',
  Wednesday: '星期三',
  Thursday: '星期四',
  Friday: '星期五',
  Saturday: '星期六',
  Sunday: '星期日',
};

function inLanguage(text: string, language: Spoken): string {
  return language === 'en' ? text : text.replace(/\b\w+day\b/, (day) => weekdays[day] ?? day);
}

/** Without the zone, which the question names. */
function timeIn(result: string, language: Spoken): string {
  return inLanguage(result.split(' (')[0], language);
}

const sets = () => wordingSets('now', setNames);

/** The time here, the time elsewhere, that of two places; the rest are dates. Two at once take more examples. */
const shares = {
  learnt: { here: 0.15, elsewhere: 0.45, two: 0.2 },
  heldOut: { here: 0.2, elsewhere: 0.45, two: 0.1 },
};

export function clock(draw: Draw): Exercise {
  const now = new Date(draw.random.integer(from, to) * 1000);
  const what = draw.random.uniform();
  const { here, elsewhere, two } = shares[draw.isHeldOut ? 'heldOut' : 'learnt'];
  const made = ((): Asked => {
    if (what < here + elsewhere) return time(draw, what < here);
    return what < here + elsewhere + two ? twoTimes(draw) : dayOrDistance(draw, now);
  })();
  return { kind: 'now', language: draw.language, needs: ['Now'], start: { now }, ...made };
}

type Asked = Pick<Exercise, 'wording' | 'question' | 'turns' | 'ending'>;

function time(draw: Draw, isHere: boolean): Asked {
  const { random, language, isHeldOut } = draw;
  const c = random.choose(placesOf(language, isHeldOut));
  return {
    ...asked(isHere ? sets().here : sets().elsewhere, { c }, draw),
    turns: [() => [call('Now', isHere ? {} : { timezone: c })]],
    ending([r]) {
      const said = timeIn(r, language);
      return holding(language === 'zh' ? `现在是${said}。` : `It is ${said}.`, said);
    },
  };
}

function twoTimes(draw: Draw): Asked {
  const { random, language, isHeldOut } = draw;
  const [c, k] = random.shuffle(placesOf(language, isHeldOut));
  return {
    ...asked(sets().places, { c, k }, draw),
    turns: [() => [call('Now', { timezone: c }), call('Now', { timezone: k })]],
    ending([r, s]) {
      const [first, second] = [timeIn(r, language), timeIn(s, language)];
      const said =
        language === 'zh' ? `${c}是${first}，${k}是${second}` : `It is ${first} in ${c} and ${second} in ${k}`;
      return holding(said + (language === 'zh' ? '。' : '.'), said);
    },
  };
}

function dayOrDistance(draw: Draw, now: Date): Asked {
  const { random, language } = draw;
  const days = random.integer(1, 400) * random.choose([1, 1, 1, 10]) * random.choose([1, -1]);
  const d = dateSaid(new Date(now.getTime() + days * msPerDay), random, language);
  const isDay = random.uniform() < 0.4;
  return {
    ...asked(sets()[isDay ? 'weekday' : days > 0 ? 'until' : 'since'], { d }, draw),
    turns: [() => [call('Now', { date: d })]],
    ending([r]) {
      const [, day, away] = /is a (\w+), (.*)\.$/.exec(r) ?? [];
      const said = isDay ? inLanguage(day, language) : awayIn(away, language);
      return holding(language === 'zh' ? `是${said}。` : `It is ${said}.`, said);
    },
  };
}

function awayIn(away: string, language: Spoken): string {
  if (language === 'en') return away;
  return away.replace(/^(\d+) days? from today$/, '$1天后').replace(/^(\d+) days? ago$/, '$1天前');
}

const months = 'January February March April May June July August September October November December'.split(' ');

/** As people write it, and Now reads it. */
function dateSaid(date: Date, random: Random, language: Spoken): string {
  const iso = date.toISOString().slice(0, 10);
  if (random.uniform() < 0.4) return iso;
  const [year, month, day] = iso.split('-').map(Number);
  if (language === 'zh') return `${year}年${month}月${day}日`;
  const name = months[month - 1];
  return random.uniform() < 0.6 ? `${name} ${day}, ${year}` : `${day} ${name} ${year}`;
}
