// How well a model uses its tools: whether it calls where a call is right, and only there, with which arguments, and whether
// its final answer is right; with tools and, beside it, without. A call is right where the reference of the row has one to
// the same tool. A call that comes again after a fault is one call, and a retry.
import { isDeepStrictEqual } from 'node:util';
import type { Language } from '../data/types.js';
import type { RanCall } from '../tools/tool.js';
import { type Measurements, Tally } from './measurements.js';
import type { ReferenceCall } from './reference.js';

/** What was called for one answer, and what would have been right. */
export interface ToolUseRecord {
  /** Of the unit of evidence: the row, or its group. */
  id: string;
  language?: Language;
  /** Undefined: not known. A result is there where calls that give the same one are as good. */
  wanted?: readonly ReferenceCall[];
  /** In order; empty where it was asked without tools. */
  ran: readonly RanCall[];
  /** The final answer's; undefined where nothing says. */
  isRight?: boolean;
}

export interface CallPair {
  wanted: ReferenceCall;
  made: RanCall;
  /** `arguments`: by value; `result`: other arguments that give the same result; `tool`: that alone; `none`: another tool. */
  same: 'arguments' | 'result' | 'tool' | 'none';
}

export interface CallComparison {
  pairs: CallPair[];
  /** Calls that count: all but those that were made again after a fault. */
  made: readonly RanCall[];
  /** How often that was. */
  retries: number;
}

/** Each wanted call with the made one that is most like it, in the order of the calls; neither is in two pairs. */
export function compareCalls(wanted: readonly ReferenceCall[], ran: readonly RanCall[]): CallComparison {
  const made = ran.filter((call, i) => !isRetried(call, ran.slice(i + 1)));
  const pairs: CallPair[] = [];
  const openWanted = new Set(wanted);
  const openMade = new Set(made.filter(({ call }) => call !== undefined));
  const pair = (same: CallPair['same'], fits: (wanted: ReferenceCall, made: RanCall) => boolean): void => {
    for (const each of openWanted) {
      const found = [...openMade].find((call) => fits(each, call));
      if (found === undefined) continue;
      openWanted.delete(each);
      openMade.delete(found);
      pairs.push({ wanted: each, made: found, same });
    }
  };
  const isSameTool = ({ call }: ReferenceCall, other: RanCall): boolean => call.name === other.call?.name;
  pair('arguments', (each, other) => {
    return isSameTool(each, other) && isDeepStrictEqual(each.call.arguments, other.call?.arguments);
  });
  pair('result', (each, other) => {
    const { result } = other;
    return isSameTool(each, other) && result.fault === undefined && each.result === result.content;
  });
  pair('tool', isSameTool);
  pair('none', () => true);
  return { pairs, made, retries: ran.length - made.length };
}

/** Whether the calls are those that are wanted, in whatever order, and no others. */
export function callsAreRight(wanted: readonly ReferenceCall[], ran: readonly RanCall[]): boolean {
  const { pairs, made } = compareCalls(wanted, ran);
  const right = pairs.filter(({ same }) => same === 'arguments' || same === 'result');
  return right.length === wanted.length && made.length === wanted.length;
}

/** Whether a call that went wrong was made again: to the same tool, or where it could not be read or named no tool, to any. */
function isRetried({ call, result: { fault } }: RanCall, later: readonly RanCall[]): boolean {
  if (fault === undefined || fault === 'denied' || fault === 'aborted') return false;
  return later.some((other) => call === undefined || fault === 'unknown' || other.call?.name === call.name);
}

/** Tools that have rows of their own in the table, at most. */
const maxTools = 12;

/**
 * Of answers with tools: `callPrecision`, `callRecall`, `rightTool`, `rightArguments` (`equalArguments`: by value alone),
 * `abstention`, `parsedCalls`, `answeredCalls`, `retriedCalls`, `toolAnswer` (the final answer is right, where a call is right), `directAnswer`
 * (it is right and nothing was called, where no call is right); the parts by tool and by language. Of the same questions
 * asked without tools: `toolAnswerWithoutTools`, `directAnswerWithoutTools`. Shares are of calls or of answers; one unit of
 * evidence for each row or group.
 */
export function measureToolUse(
  uses: readonly ToolUseRecord[],
  withoutTools: readonly ToolUseRecord[] = [],
): Measurements {
  const tally = new Tally();
  const shown = toolsWithRows(uses);
  for (const use of uses) countUse(tally, use, shown);
  for (const { wanted, isRight, ...use } of withoutTools) {
    if (wanted === undefined || isRight === undefined) continue;
    const metric = wanted.length > 0 ? 'toolAnswerWithoutTools' : 'directAnswerWithoutTools';
    count(tally, use, metric, [isRight], partsOf(use, toolsOf(wanted), shown));
  }
  const measured = tally.finish();
  const place = (metric: string): number => order.indexOf(metric.split('.')[0]);
  return new Map([...measured].sort(([a], [b]) => place(a) - place(b)));
}

/** In a table. */
const order = [
  ...[
    'callPrecision',
    'callRecall',
    'rightTool',
    'rightArguments',
    'equalArguments',
    'parsedCalls',
    'answeredCalls',
    'retriedCalls',
  ],
  ...['toolAnswer', 'toolAnswerWithoutTools', 'abstention', 'directAnswer', 'directAnswerWithoutTools'],
];

function countUse(tally: Tally, use: ToolUseRecord, shown: ReadonlySet<string>): void {
  const { wanted, ran, isRight } = use;
  if (ran.length > 0) {
    count(
      tally,
      use,
      'parsedCalls',
      ran.map(({ result }) => result.fault !== 'unreadable'),
    );
    count(
      tally,
      use,
      'answeredCalls',
      ran.map(({ result }) => result.fault === undefined),
    );
    const { retries } = compareCalls([], ran);
    count(
      tally,
      use,
      'retriedCalls',
      ran.map((_, i) => i < retries),
    );
  }
  if (wanted === undefined) return;
  const { pairs, made } = compareCalls(wanted, ran);
  const right = pairs.filter(({ same }) => same !== 'none');
  const language = partsOf(use, [], shown);
  const ofTool = (metric: string, name: string | undefined, isOne: boolean): void =>
    count(tally, use, metric, [isOne], partsOf(use, name === undefined ? [] : [name], shown));
  for (const call of made)
    ofTool(
      'callPrecision',
      call.call?.name,
      right.some((pair) => pair.made === call),
    );
  for (const call of wanted)
    ofTool(
      'callRecall',
      call.call.name,
      right.some((pair) => pair.wanted === call),
    );
  count(
    tally,
    use,
    'rightTool',
    pairs.map(({ same }) => same !== 'none'),
  );
  for (const {
    wanted: { call },
    same,
  } of right) {
    ofTool('rightArguments', call.name, same !== 'tool');
    count(tally, use, 'equalArguments', [same === 'arguments']);
  }
  if (wanted.length === 0) {
    count(tally, use, 'abstention', [ran.length === 0], language);
    if (isRight !== undefined) count(tally, use, 'directAnswer', [isRight && ran.length === 0], language);
  } else if (isRight !== undefined) {
    count(tally, use, 'toolAnswer', [isRight], partsOf(use, toolsOf(wanted), shown));
  }
}

function count(
  tally: Tally,
  { id }: Pick<ToolUseRecord, 'id'>,
  metric: string,
  outcomes: readonly boolean[],
  parts: readonly string[] = [],
): void {
  if (outcomes.length === 0) return;
  const unit = { id, value: outcomes.filter(Boolean).length, weight: outcomes.length };
  for (const name of [metric, ...parts.map((part) => `${metric}.${part}`)]) tally.add(name, unit);
}

function partsOf(
  { language }: Pick<ToolUseRecord, 'language'>,
  tools: readonly string[],
  shown: ReadonlySet<string>,
): string[] {
  return [...tools.filter((name) => shown.has(name)), ...(language === undefined ? [] : [language])];
}

function toolsOf(calls: readonly ReferenceCall[]): string[] {
  return [...new Set(calls.map(({ call }) => call.name))];
}

/** Those that are wanted most often; of what a model makes up there may be many names. */
function toolsWithRows(uses: readonly ToolUseRecord[]): Set<string> {
  const counts = new Map<string, number>();
  for (const { wanted = [] } of uses) {
    for (const { call } of wanted) counts.set(call.name, (counts.get(call.name) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return new Set(sorted.slice(0, maxTools).map(([name]) => name));
}
