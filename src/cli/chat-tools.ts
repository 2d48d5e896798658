// The tools of a command that answers: opened as they are named, with what reaches out said before anything is called, and
// asked about first where the person wants to be.
import { UserError } from '../base/errors.js';
import { openTools } from '../tools/open.js';
import type { Executor } from '../tools/tool.js';
import type { Toolbox } from '../tools/toolbox.js';
import { noteOnStderr } from './output.js';

export interface ToolOptions {
  /** As typed behind --tools; false: --no-tools. */
  tools?: readonly string[] | false;
  /** Ask before each call. */
  confirm?: boolean;
}

/** Asks a person; what is typed ends with the line. Undefined: nobody answers any more. */
export type Ask = (question: string) => Promise<string | undefined>;

/**
 * Undefined where no tools are wanted. What leaves this program is said, with `--quiet` too.
 * @param ask absent: there is nobody to ask. @throws UserError where a tool cannot be opened.
 */
export async function openChatTools(options: ToolOptions, ask?: Ask): Promise<Toolbox | undefined> {
  const { tools, confirm = false } = options;
  if (!tools) {
    if (confirm) throw new UserError({ what: '--confirm is about tools', next: 'Name them: --tools Calculate' });
    return undefined;
  }
  if (confirm && ask === undefined) {
    throw new UserError({
      what: '--confirm asks a person, and nobody is there',
      why: 'input or output is no terminal, or --json was given',
      next: 'Chat in a terminal, or omit it',
    });
  }
  const confirmed = confirm && ask !== undefined ? permission(ask) : undefined;
  const toolbox = await openTools(tools, { note: noteOnStderr, ...(confirmed && { confirm: confirmed }) });
  for (const { tool, reaches } of toolbox.executors) {
    if (reaches !== undefined) noteOnStderr(`${tool.name} reaches out of this program when it is called: ${reaches}`);
  }
  return toolbox;
}

/** Yes, no, or always for this tool; the call is shown already. Without an answer: no. */
function permission(ask: Ask): (executor: Executor) => Promise<boolean> {
  const always = new Set<string>();
  return async ({ tool: { name }, reaches }) => {
    if (always.has(name)) return true;
    const where = reaches === undefined ? '' : ` (${reaches})`;
    for (;;) {
      const said = await ask(`  run it${where}? y: yes, n: no, a: always ${name} › `);
      const choice = said?.trim().toLowerCase() ?? 'n';
      if (/^(a|always)$/.test(choice)) always.add(name);
      if (/^(y|yes|a|always)$/.test(choice)) return true;
      if (said === undefined || /^(n|no)$/.test(choice)) return false;
    }
  };
}
