// The tools that a checkpoint learnt to call, opened: it carries names and schemas alone, so each is a built-in or one of the
// person's own, with the same arguments. What is neither is said.
import { describeFault, UserError } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import type { Tool } from '../tokenizer/message.js';
import { builtIns } from './built-ins.js';
import { type OpenToolsOptions, openTool, ownToolsFolder } from './open.js';
import { builtInNames, readBuiltIn, readOwnSpecs, type ToolSpec } from './specs.js';
import type { Executor } from './tool.js';
import { Toolbox } from './toolbox.js';

export interface LearntTools {
  /** Those that can run here. */
  toolbox: Toolbox;
  /** Those that cannot, and why. */
  missing: { name: string; why: string }[];
}

/** @param learnt as the checkpoint's tools.json has them. */
export async function openLearntTools(learnt: readonly Tool[], options: OpenToolsOptions = {}): Promise<LearntTools> {
  const { specs, faults } = await readOwnSpecs(options.ownFolder ?? ownToolsFolder());
  // A file that cannot be read keeps no other from being used.
  for (const fault of faults) options.note?.(describeFault(fault));
  const executors: Executor[] = [];
  const missing: LearntTools['missing'] = [];
  for (const tool of learnt) {
    const found = await opened(tool, specs, options);
    if (typeof found === 'string') missing.push({ name: tool.name, why: found });
    else executors.push(found);
  }
  return { toolbox: new Toolbox(executors, options), missing };
}

/** Or why not. */
async function opened(learnt: Tool, own: readonly ToolSpec[], options: OpenToolsOptions): Promise<Executor | string> {
  const { name } = learnt;
  const builtIn = builtInNames.find((each) => each === name.toLowerCase());
  const mine = own.filter((spec) => spec.name === name);
  if (mine.length > 1) return `it is in ${mine.map(({ file }) => file).join(' and ')}`;
  // A file of one's own may say what a built-in of that name reads.
  const spec = mine[0] ?? (builtIn === undefined ? undefined : await readBuiltIn(builtIn));
  if (spec === undefined || (builtIn !== undefined && spec.name !== name)) return 'no tool of this name is here';
  const { builtin, from } = spec.run;
  const reads = builtin === undefined ? undefined : builtIns[builtin].reads;
  if (reads?.required && from === undefined) return `name what it reads: --tools ${reads.example}`;
  const parameters = spec.parameters ?? (builtin === undefined ? undefined : (await readBuiltIn(builtin)).parameters);
  const aliases = builtin === undefined ? undefined : builtIns[builtin].aliases;
  if (!isCompatible(parameters, learnt.parameters, aliases))
    return 'it takes other arguments than the checkpoint learnt';
  try {
    const row = builtin === undefined ? undefined : builtIns[builtin];
    return row?.reaches === undefined
      ? await openTool(spec, options)
      : atFirstCall(spec, parameters, row.reaches, options);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** What nobody named is not fetched before it is called. */
function atFirstCall(
  spec: ToolSpec,
  parameters: Tool['parameters'],
  reaches: string,
  options: OpenToolsOptions,
): Executor {
  const { name, description, limits } = spec;
  let opening: Promise<Executor> | undefined;
  return {
    ...{ tool: { name, description, parameters }, limits, reaches },
    async run(given, context) {
      opening ??= openTool(spec, options);
      opening.catch(() => {
        opening = undefined; // the network may be there at the next call
      });
      return (await opening).run(given, context);
    },
    close: async () => (await opening?.catch(() => undefined))?.close?.(),
  };
}

/** Calls as they were learnt fit: the same names with the same types, and none is needed that was never learnt. */
export function isCompatible(here: unknown, learnt: unknown, aliases: Readonly<Record<string, string>> = {}): boolean {
  const own = propertiesOf(here);
  const names = Object.entries(propertiesOf(learnt)).map(([name, property]) => [
    Object.hasOwn(aliases, name) ? aliases[name] : name,
    property,
  ]);
  const other = Object.fromEntries(names) as Record<string, unknown>;
  const required = isRecord(here) && Array.isArray(here.required) ? here.required : [];
  return (
    Object.entries(other).every(
      ([name, property]) => Object.hasOwn(own, name) && typeOf(own[name]) === typeOf(property),
    ) && required.every((name) => Object.hasOwn(other, String(name)))
  );
}

function propertiesOf(schema: unknown): Record<string, unknown> {
  return isRecord(schema) && isRecord(schema.properties) ? schema.properties : {};
}

function typeOf(property: unknown): string {
  return isRecord(property) ? JSON.stringify([property.type ?? 'any'].flat().sort()) : 'any';
}
