// The tools of a stage, as its settings name them; what leaves this program is said before anything is called.
import type { StageReporter } from '../report/event.js';
import { openTools } from '../tools/open.js';
import type { Toolbox } from '../tools/toolbox.js';

/** @throws UserError where one cannot be opened. */
export async function openStageTools(names: readonly string[], reporter: StageReporter): Promise<Toolbox> {
  const toolbox = await openTools(names, { note: (text) => reporter.note('warning', text) });
  for (const { tool, reaches } of toolbox.executors) {
    if (reaches !== undefined)
      reporter.note('warning', `${tool.name} reaches out of this program when it is called: ${reaches}`);
  }
  return toolbox;
}
