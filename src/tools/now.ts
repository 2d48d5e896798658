// `Now`: date, time and weekday somewhere, and how far away a date is. The only tool that reads the clock; where a
// conversation says what its time is, that is told instead.
import { nearest } from '../base/errors.js';
import type { Tool } from '../tokenizer/message.js';
import { placeNames, zoneOfPlace } from './places.js';
import { type CallContext, type Executor, ToolFailure, type ToolLimits } from './tool.js';

/**
 * @param given.timezone IANA name (`Asia/Shanghai`), a place (`悉尼`, `Boston`), `UTC+8`; absent: the person's own, UTC where `start.now` is given
 * @param given.date `2026-12-25`, `2026年12月25日`, `December 25, 2026`: says its weekday and how many days away it is
 * @returns `2026-11-29 10:58 Sunday (Asia/Shanghai, UTC+08:00)`
 * @throws ToolFailure where there is no such zone or date
 */
export function now(given: { timezone?: string; date?: string }, clock: Date | undefined): string {
  const own = clock === undefined ? new Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
  const zone = given.timezone === undefined || given.timezone.trim() === '' ? own : zoneOf(given.timezone);
  const minutes = offsetMinutes(zone);
  // Not every Node takes an offset for a time zone: that of UTC, so much later, shows the same.
  const moment = (clock ?? new Date()).getTime() + (minutes ?? 0) * 60_000;
  const parts = localTime(new Date(moment), minutes === undefined ? zone : 'UTC');
  const where = zone === 'UTC' || minutes !== undefined ? zone : `${zone}, ${parts.offset}`;
  const line = `${parts.date} ${parts.time} ${parts.weekday} (${where})`;
  return given.date === undefined ? line : `${line}\n${distance(parts.date, given.date)}`;
}

function localTime(at: Date, timeZone: string): { date: string; time: string; weekday: string; offset: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    weekday: 'long',
    timeZoneName: 'longOffset',
  });
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const offset = part.timeZoneName.replace('GMT', 'UTC').replace(/^UTC$/, 'UTC+00:00');
  const date = `${part.year.padStart(4, '0')}-${part.month}-${part.day}`;
  return { date, time: `${part.hour}:${part.minute}`, weekday: part.weekday, offset };
}

/** @throws ToolFailure */
function zoneOf(text: string): string {
  const wanted = text.trim().slice(0, 100);
  const plain = wanted.toLowerCase().replace(/\s*(市|时间|time)$/i, '');
  const known = zoneOfPlace(wanted) ?? zoneOfPlace(plain);
  if (known !== undefined) return known;
  const offset = /^(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?$/i.exec(wanted);
  if (offset !== null && Number(offset[2]) <= 14)
    return `UTC${offset[1]}${offset[2].padStart(2, '0')}:${offset[3] ?? '00'}`;
  if (isZone(wanted)) return new Intl.DateTimeFormat('en', { timeZone: wanted }).resolvedOptions().timeZone;
  const names = Intl.supportedValuesOf('timeZone');
  const cityOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
  const spelt = plain.replaceAll(' ', '_');
  const found = names.find((name) => cityOf(name).toLowerCase() === spelt);
  if (found !== undefined) return found;
  const near = nearest(wanted, names) ?? nearest(plain, [...placeNames, ...names.map(cityOf)]);
  throw new ToolFailure(
    `There is no time zone ${JSON.stringify(wanted)}.${near === undefined ? ' Write one such as Asia/Shanghai.' : ` Did you mean ${near}?`}`,
  );
}

/** Of a zone that is no more than its distance from UTC. */
function offsetMinutes(zone: string): number | undefined {
  const found = /^UTC([+-])(\d\d):(\d\d)$/.exec(zone);
  return found === null ? undefined : (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

function isZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const msPerDay = 86_400_000;

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthPattern =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
const dayPattern = '(\\d{1,2})(?:st|nd|rd|th)?';

/** Year, month and day, whether or not there is such a day. */
function dateIn(given: string): [number, number, number] | undefined {
  const text = given.slice(0, 60).trim();
  const inDigits = /^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?$/.exec(text);
  if (inDigits !== null) return [Number(inDigits[1]), Number(inDigits[2]), Number(inDigits[3])];
  const monthOf = (name: string): number => monthNames.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  const monthFirst = new RegExp(`^${monthPattern} ${dayPattern},? (\\d{4})$`, 'i').exec(text);
  if (monthFirst !== null) return [Number(monthFirst[3]), monthOf(monthFirst[1]), Number(monthFirst[2])];
  const dayFirst = new RegExp(`^(?:the )?${dayPattern}(?: of)? ${monthPattern},? (\\d{4})$`, 'i').exec(text);
  return dayFirst === null ? undefined : [Number(dayFirst[3]), monthOf(dayFirst[2]), Number(dayFirst[1])];
}

function distance(today: string, text: string): string {
  const unread = `${JSON.stringify(text.slice(0, 40))} is not a date: write it as 2026-12-25.`;
  const found = dateIn(text);
  if (found === undefined) throw new ToolFailure(unread);
  const [year, month, day] = found;
  const at = new Date(Date.UTC(year, month - 1, day));
  // 0000–0099 would be 1900–1999.
  at.setUTCFullYear(year);
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) throw new ToolFailure(unread);
  const date = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  const days = Math.round((at.getTime() - Date.parse(`${today}T00:00:00Z`)) / msPerDay);
  const count = `${Math.abs(days)} day${Math.abs(days) === 1 ? '' : 's'}`;
  const away = days === 0 ? 'today' : days > 0 ? `${count} from today` : `${count} ago`;
  return `${date} is a ${weekdays[at.getUTCDay()]}, ${away}.`;
}

export function openNow({ tool, limits }: { tool: Tool; limits: ToolLimits }): Executor {
  const textIn = (given: unknown): string | undefined => (typeof given === 'string' ? given : undefined);
  return {
    tool,
    limits,
    run: ({ timezone, date }, { start }: CallContext) =>
      now({ timezone: textIn(timezone), date: textIn(date) }, start.now),
  };
}
