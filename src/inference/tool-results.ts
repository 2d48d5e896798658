// Results that fit into what the context has left: the longest are cut first, and say so.
import type { Message } from '../tokenizer/message.js';
import type { ToolTurns } from '../tokenizer/tool-turns.js';
import type { RanCall } from '../tools/tool.js';

interface FittedResults {
  messages: Message[];
  /** The messages, and the opening of the next turn. */
  tokens: number[];
}

/**
 * The tools' messages, in at most `room` tokens; what was cut is noted in the results. Undefined where not even the notes
 * have room. @param messages up to the calls, which are the last of them.
 */
export function resultsWithin(
  ran: readonly RanCall[],
  turns: ToolTurns,
  { room, messages }: { room: number; messages: readonly Message[] },
): FittedResults | undefined {
  const fit = (limit: number): FittedResults | undefined => {
    const results = ran.map(({ call, written = '', result }) =>
      turns.result(call ?? written, shortened(result.content, limit), result.fault !== undefined),
    );
    const tokens = turns.following(messages, results);
    return tokens.length <= room ? { messages: results, tokens } : undefined;
  };
  const longest = Math.max(...ran.map(({ result }) => result.content.length));
  const whole = fit(longest);
  if (whole !== undefined) return whole;
  let [fits, tooLong] = [0, longest];
  let best = fit(0);
  while (best !== undefined && tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    const found = fit(middle);
    if (found === undefined) tooLong = middle;
    else [fits, best] = [middle, found];
  }
  if (best === undefined) return undefined;
  for (const { result } of ran) {
    const left = shortened(result.content, fits);
    if (left === result.content) continue;
    result.cut = (result.cut ?? 0) + result.content.length - fits;
    result.content = left;
  }
  return best;
}

function shortened(content: string, limit: number): string {
  if (content.length <= limit) return content;
  const kept = content.slice(0, limit).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… (cut: ${kept.length} of ${content.length} characters)`;
}
