// The tools of a command that answers: opened as they are named, with what reaches out said before anything is called, and
// asked about first where the person wants to be.
import { UserError } from '../base/errors.js';
import { listOf } from '../base/format.js';
import { shellQuoted } from '../base/shell.js';
import type { Tool } from '../tokenizer/message.js';
import { builtIns } from '../tools/built-ins.js';
import { type OpenLearntOptions, openLearntTools } from '../tools/learnt.js';
import { openTools } from '../tools/open.js';
import type { Executor } from '../tools/tool.js';
import type { Toolbox, ToolboxOptions } from '../tools/toolbox.js';
import { noteOnStderr, shownPath } from './output.js';

export interface ToolOptions {
  /** As typed behind --tools; false: --no-tools. */
  tools?: readonly string[] | false;
  /** Ask before each call. */
  confirm?: boolean;
}

/** Asks a person; what is typed ends with the line. Undefined: nobody answers any more. */
export type Ask = (question: string) => Promise<string | undefined>;

/**
 * Undefined where none are named. What leaves this program is said, with `--quiet` too.
 * @param ask absent: there is nobody to ask. @throws UserError where a tool cannot be opened.
 */
export async function openChatTools(options: ToolOptions, ask?: Ask): Promise<Toolbox | undefined> {
  const { tools } = options;
  checkConfirm(options, ask);
  if (!tools) return undefined;
  const toolbox = await openTools(tools, boxOptions(options, ask));
  noteReaches(toolbox);
  return toolbox;
}

/** Where none are named: those that the checkpoint learnt, as far as they are here. Undefined where that is none. */
export async function openLearntChatTools(
  learnt: readonly Tool[],
  options: ToolOptions & Pick<OpenLearntOptions, 'sources' | 'room'> & { quiet?: boolean },
  ask?: Ask,
): Promise<Toolbox | undefined> {
  if (learnt.length === 0 && options.confirm) {
    throw new UserError({
      what: '--confirm is about tools, and this model learnt none',
      next: 'Name them: --tools Calculate',
    });
  }
  if (learnt.length === 0) return undefined;
  const { sources, room } = options;
  const found = await openLearntTools(learnt, { ...boxOptions(options, ask), sources, room });
  const { toolbox, missing, reading, crowdedOut } = found;
  const names = toolbox.tools.map(({ name }) => name);
  if (!options.quiet) {
    if (names.length > 0) noteOnStderr(`it may call what it learnt to: ${names.join(', ')} (--no-tools: nothing)`);
    if (reading.length > 0) noteOnStderr(`${listOf(reading.map(readsWords))}, as in its run`);
    if (crowdedOut.length > 0) {
      const typed = crowdedOut.map((each) => `--tools ${shellQuoted(each.typed)}`).join(' or ');
      noteOnStderr(
        `no room in its context for ${listOf(crowdedOut.map(({ name }) => name))} beside them: ${typed} opens that alone`,
      );
    }
    for (const { name, why } of missing)
      noteOnStderr(`it learnt to call ${name} too, but ${why}${adviceFor(name, names)}`);
  }
  noteReaches(toolbox);
  return names.length === 0 ? undefined : toolbox;
}

function readsWords({ name, from }: { name: string; from: readonly string[] }): string {
  return `${name} reads ${from.map(shownPath).join(', ')}`;
}

/** What to type for one that only lacks what it reads: all names, because any that is typed takes the place of the learnt. */
function adviceFor(name: string, open: readonly string[]): string {
  const row = Object.entries(builtIns).find(([each]) => each === name.toLowerCase())?.[1];
  if (row?.reads?.required !== true) return '';
  const others = open.length === 0 ? '' : `--tools ${open.join(',')} `;
  return `: add it with ${others}--tools ${row.reads.example}`;
}

function checkConfirm({ tools, confirm = false }: ToolOptions, ask: Ask | undefined): void {
  if (!confirm) return;
  if (tools === false) throw new UserError({ what: '--confirm is about tools', next: 'Omit --no-tools' });
  if (ask !== undefined) return;
  throw new UserError({
    what: '--confirm asks a person, and nobody is there',
    why: 'input or output is no terminal, or --json was given',
    next: 'Chat in a terminal, or omit it',
  });
}

function boxOptions({ confirm = false }: ToolOptions, ask: Ask | undefined): ToolboxOptions {
  return { note: noteOnStderr, ...(confirm && ask !== undefined && { confirm: permission(ask) }) };
}

function noteReaches({ executors }: Toolbox): void {
  for (const { tool, reaches } of executors) {
    if (reaches !== undefined) noteOnStderr(`${tool.name} reaches out of this program when it is called: ${reaches}`);
  }
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
