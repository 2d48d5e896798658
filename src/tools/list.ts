// The tools that there are, and for each whether it can run here or what is missing, without opening any that reads files.
import { describeFault, UserError } from '../base/errors.js';
import { listOf } from '../base/format.js';
import type { Tool } from '../tokenizer/message.js';
import { builtIns } from './built-ins.js';
import { fromFault, fromOf, openTool, ownToolsFolder } from './open.js';
import { builtInNames, readBuiltIn, readToolSpec, type ToolSpec, yamlFiles } from './specs.js';
import type { ToolLimits } from './tool.js';

export interface ToolEntry {
  tool: Tool;
  /** Absent where its file cannot be read. */
  limits?: ToolLimits;
  /** The file of a person's own; absent of a built-in. */
  file?: string;
  /** What it may be given to read, in words. */
  reads?: string;
  /** What leaves this program when it is called, in words. */
  reaches?: string;
  /** Why it cannot run as it is, each in words; empty: it can. */
  missing: string[];
  /** What to type behind `--tools`. */
  example: string;
}

/** Every built-in, and those of the person's own folder. */
export async function listTools(ownFolder = ownToolsFolder()): Promise<ToolEntry[]> {
  const own = yamlFiles(ownFolder).map((file) => fileEntry(file));
  const entries = await Promise.all([...builtInNames.map(async (name) => entryOf(await readBuiltIn(name))), ...own]);
  for (const entry of entries) {
    const { tool, file, missing } = entry;
    const twins = entries.filter((other) => other !== entry && other.tool.name === tool.name);
    // By its file one's own can be named all the same, and chat takes it for what a checkpoint learnt.
    const isHidden = file === undefined ? twins.length > 0 : twins.some((other) => other.file !== undefined);
    if (isHidden)
      missing.push(`${listOf(twins.map((twin) => twin.file ?? 'a built-in'))} has the same name: rename one`);
  }
  return entries;
}

/** Of one file, be it broken. */
export async function fileEntry(file: string): Promise<ToolEntry> {
  try {
    return await entryOf(await readToolSpec(file), file);
  } catch (error) {
    return { tool: { name: file }, file, missing: reasons(error, file), example: file };
  }
}

async function entryOf(spec: ToolSpec, file?: string): Promise<ToolEntry> {
  const { run, limits, name } = spec;
  if (run.builtin === undefined) {
    const tool = { name, description: spec.description, parameters: spec.parameters };
    const entry = { tool, limits, file, example: file ?? name };
    return openTool(spec, {}).then(
      ({ reaches }) => ({ ...entry, reaches, missing: [] }),
      (error: unknown) => ({ ...entry, missing: reasons(error, file) }),
    );
  }
  const { reads, requires, reaches } = builtIns[run.builtin];
  const own = file === undefined ? spec : await readBuiltIn(run.builtin);
  const { description = own.description, parameters = own.parameters } = spec;
  const missing = await Promise.resolve(requires?.()).then(
    (): string[] => [],
    (error: unknown) => reasons(error),
  );
  const from = fromOf(spec);
  const unreadable = from.length === 0 ? undefined : fromFault(name, builtIns[run.builtin], from);
  if (unreadable !== undefined) missing.push(...reasons(unreadable));
  const needsFiles = reads?.required === true && from.length === 0;
  if (needsFiles) missing.push(`name what it reads: ${reads.example}`);
  const example = needsFiles ? reads.example : (file ?? name);
  return { tool: { name, description, parameters }, limits, file, reads: reads?.what, reaches, missing, example };
}

/** Each fault in words; where it is this file that is at fault, the line is enough. */
function reasons(error: unknown, file = ''): string[] {
  if (!(error instanceof UserError)) throw error;
  return error.faults.map(({ where, ...fault }) => {
    const isOwn = file !== '' && where?.startsWith(file);
    return describeFault({
      ...fault,
      where: isOwn ? where?.slice(file.length).replace(/^:/, 'line ') || undefined : where,
    });
  });
}
