// The tools of `mossctl eval --tasks`: those that are named, and beside them, unless there are to be none, those that rows list
// and that reach nothing outside this program. All others are answered with the results that the rows have.
import { questionTools } from '../evaluation/questions/ask-tools.js';
import type { Question } from '../evaluation/questions/question.js';
import { replayedTools, selfContained } from '../evaluation/task-tools.js';
import { openTools } from '../tools/open.js';
import { Toolbox } from '../tools/toolbox.js';

/** Behind --tools; false: --no-tools. */
export type TypedTools = readonly string[] | false | undefined;

/** Whether questions are asked with tools as well; undefined: those whose rows list some. */
export function toolsFlag(tools: TypedTools): boolean | undefined {
  return tools === undefined ? undefined : tools !== false;
}

/** @throws UserError where one that was named cannot be opened. */
export async function openEvalTools(
  tools: TypedTools,
  questions: readonly Question[],
  note: (text: string) => void,
): Promise<Toolbox> {
  const asked = questions.filter(({ modes }) => modes.includes('tools'));
  if (asked.length === 0) return new Toolbox([]);
  const listed = new Set(asked.flatMap(({ row }) => row?.tools?.map(({ name }) => name) ?? []));
  const named = await openTools(tools || [], { note });
  const known = new Set(named.tools.map(({ name }) => name));
  const added = selfContained.filter((name) => listed.has(name) && !known.has(name));
  const toolbox =
    added.length === 0 ? named : named.with([...named.executors, ...(await openTools(added, { note })).executors]);
  const replayed = replayedTools(asked.map((question) => questionTools(question, toolbox)));
  if (replayed !== undefined) note(`${replayed}; --tools names what is to run`);
  for (const { tool, reaches } of toolbox.executors) {
    if (reaches !== undefined) note(`${tool.name} reaches out of this program when it is called: ${reaches}`);
  }
  return toolbox;
}
