// Commands as MOSS wrote them, `Search("…"), Calculate("8*4+3")`, and the results that it was shown for them. A command names no
// arguments: they are those of the tool's schema, in its order.
import { isDeeperThan } from '../base/objects.js';
import { type Answer, sorted } from './answer.js';
import { type Message, maxArgumentDepth, type Tool, type ToolCall } from './message.js';
import { readMossAnswer } from './moss.js';
import type { CallResult } from './tool-turns.js';

/** A message: calls where it ends with those, or one broken call where any of them cannot be read; else an answer. */
export function readMossCalls(text: string, tools: readonly Tool[]): Answer {
  const { content, reasoning } = readMossAnswer(text);
  const answer = { ...(reasoning !== undefined && { reasoning }) };
  if (content === '' || !/<eoc>\s*$/.test(text)) return { content, ...answer };
  const calls = callsIn(content, tools);
  if (calls === undefined) return { content, ...answer, ...sorted([content]) };
  return { content: '', ...answer, ...sorted(calls) };
}

const oneCall = /\s*(\w+)\(((?:"(?:[^"\\]|\\.)*"|[^"()])*)\)\s*(?:,|$)/suy;

function callsIn(command: string, tools: readonly Tool[]): ToolCall[] | undefined {
  const calls: ToolCall[] = [];
  const text = command.replace(/,\s*(?:None)?\s*$/, '');
  for (let at = 0; at < text.length; at = oneCall.lastIndex) {
    oneCall.lastIndex = at;
    const [, name, given] = oneCall.exec(text) ?? [];
    const values = name === undefined ? undefined : valuesIn(given);
    if (values === undefined) return undefined;
    const properties = tools.find((tool) => tool.name === name)?.parameters?.properties;
    const names = Object.keys((properties as object | undefined) ?? {});
    calls.push({
      name,
      arguments: Object.fromEntries(values.map((value, i) => [names[i] ?? `argument${i + 1}`, value])),
    });
  }
  return calls;
}

/** JSON values with commas between; what MOSS wrote between quotes is no JSON text where it holds a backslash or a new line. */
function valuesIn(given: string): unknown[] | undefined {
  try {
    const values = JSON.parse(`[${given}]`) as unknown[];
    return isDeeperThan(values, maxArgumentDepth) ? undefined : values;
  } catch {
    const plain = /^\s*"([^"]*)"\s*$/.exec(given);
    return plain === null ? undefined : [plain[1]];
  }
}

/** The answer alone: what comes before it are thoughts and commands. */
export function mossShown(text: string, { isWhole, hasResults }: { isWhole: boolean; hasResults: boolean }): string {
  const opening = text.lastIndexOf('<|MOSS|>:');
  if (opening >= 0) return text.slice(opening + '<|MOSS|>:'.length).replace(/^ /, '');
  if (hasResults) return text.replace(/^ /, '');
  return isWhole && !/<eo[tc]>/.test(text) ? text : '';
}

/**
 * `Calculate("10^16") => '10000000000000000'`; longer results stand below the call, as those of Solve did, and passages of
 * Search are numbered through the turn: `<|1|>: '…'`.
 */
export function mossResults(results: readonly CallResult[]): Message[] {
  let passages = 0;
  return results.map(({ call, content, isFault }) => {
    const written = typeof call === 'string' ? call : commandOf(call);
    const found = typeof call === 'string' || call.name !== 'Search' || isFault ? [] : passagesIn(content);
    const cited = found.map((passage) => `<|${++passages}|>: '${passage.replaceAll('\n', '\\n')}'`);
    if (cited.length > 0) return { role: 'tool', content: [`${written} =>`, ...cited].join('\n') };
    if (isFault) return { role: 'tool', content: `${written} => ${content}` };
    const isLine = typeof call !== 'string' && call.name !== 'Solve' && !content.includes('\n');
    return { role: 'tool', content: isLine ? `${written} => '${content}'` : `${written} =>\n${content}` };
  });
}

function commandOf({ name, arguments: given }: ToolCall): string {
  const values = Object.values(given).map((value) => JSON.stringify(value));
  return `${name}(${values.join(', ')})`;
}

/** Of a list that is numbered from 1; empty where it is none. */
function passagesIn(content: string): string[] {
  const passages: string[] = [];
  for (const line of content.split('\n')) {
    const start = `${passages.length + 1}. `;
    if (line.startsWith(start)) passages.push(line.slice(start.length));
    else if (passages.length === 0) return [];
    else passages.push(`${passages.pop()}\n${line}`);
  }
  return passages;
}
