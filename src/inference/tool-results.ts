// Results that fit into what the context has left: the longest are cut first, and say so.
import type { Message } from '../tokenizer/message.js';
import type { ToolTurns } from '../tokenizer/tool-turns.js';
import { cutTo } from '../tools/shown.js';
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
    const results = turns.results(
      ran.map(({ call, written = '', result }) => ({
        ...{ call: call ?? written, content: cutTo(result.content, limit).content },
        isFault: result.fault !== undefined,
      })),
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
    const { content, cut = 0 } = cutTo(result.content, fits);
    if (cut > 0) Object.assign(result, { content, cut: (result.cut ?? 0) + cut });
  }
  return best;
}
