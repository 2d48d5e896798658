// The tools that a checkpoint learnt to call, opened: it carries names and schemas alone, so each is a built-in or one of the
// person's own, with the same arguments. What is neither is said. What a built-in reads may come from the checkpoint's run.
import { describeFault, UserError } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import type { Tool } from '../tokenizer/message.js';
import { builtIns } from './built-ins.js';
import { type OpenToolsOptions, openTool, ownToolsFolder } from './open.js';
import { type BuiltInName, builtInNames, readBuiltIn, readOwnSpecs, type ToolSpec } from './specs.js';
import type { Executor } from './tool.js';
import { Toolbox } from './toolbox.js';

/** What built-ins read. */
export type ToolSources = Partial<Record<BuiltInName, readonly string[]>>;

export interface OpenLearntOptions extends OpenToolsOptions {
  /** Of the run that the checkpoint comes from; what the person's own file of that name says comes first. */
  sources?: ToolSources;
  /** Default: there is room for any list. */
  room?: ToolListRoom;
}

/** How much of a context a list of tools may take. */
export interface ToolListRoom {
  tokens: number;
  tokensOf(tools: readonly Tool[]): number;
}

export interface LearntTools {
  /** Those that can run here. */
  toolbox: Toolbox;
  /** Those that cannot, and why. */
  missing: { name: string; why: string }[];
  /** Those that read what `sources` has for them. */
  reading: { name: string; from: readonly string[] }[];
  /** Those that would run, but have no room in the list beside the others, as they are named behind `--tools`. */
  crowdedOut: { name: string; typed: string }[];
}

/** @param learnt as the checkpoint's tools.json has them. */
export async function openLearntTools(learnt: readonly Tool[], options: OpenLearntOptions = {}): Promise<LearntTools> {
  const { specs, faults } = await readOwnSpecs(options.ownFolder ?? ownToolsFolder());
  // A file that cannot be read keeps no other from being used.
  for (const fault of faults) options.note?.(describeFault(fault));
  const found: OpenedTool[] = [];
  const missing: LearntTools['missing'] = [];
  for (const tool of learnt) {
    const one = await opened(tool, specs, options);
    if (typeof one === 'string') missing.push({ name: tool.name, why: one });
    else found.push(one);
  }
  const listed = listedOf(found, options.room);
  const crowdedOut: LearntTools['crowdedOut'] = [];
  for (const { executor, from } of found.filter((one) => !listed.has(one))) {
    const { name } = executor.tool;
    crowdedOut.push({ name, typed: from === undefined ? name : `${name}=${from.join(',')}` });
    await executor.close?.();
  }
  const reading = [...listed].flatMap(({ executor: { tool }, from }) =>
    from === undefined ? [] : [{ name: tool.name, from }],
  );
  return {
    toolbox: new Toolbox(
      [...listed].map(({ executor }) => executor),
      options,
    ),
    missing,
    reading,
    crowdedOut,
  };
}

/** As many as have room, those first that take the least of it; in the order in which they were learnt. */
function listedOf(found: readonly OpenedTool[], room: ToolListRoom | undefined): Set<OpenedTool> {
  if (room === undefined) return new Set(found);
  const costs = new Map(found.map((one) => [one, room.tokensOf([one.executor.tool])]));
  const kept = new Set<OpenedTool>();
  for (const [one] of [...costs].sort(([, a], [, b]) => a - b)) {
    const tools = [...kept, one].map(({ executor }) => executor.tool);
    if (room.tokensOf(tools) <= room.tokens) kept.add(one);
  }
  return new Set(found.filter((one) => kept.has(one)));
}

interface OpenedTool {
  executor: Executor;
  /** What it reads of the run's. */
  from?: readonly string[];
}

/** Or why not. */
async function opened(
  learnt: Tool,
  own: readonly ToolSpec[],
  options: OpenLearntOptions,
): Promise<OpenedTool | string> {
  const { name } = learnt;
  const builtIn = builtInNames.find((each) => each === name.toLowerCase());
  const mine = own.filter((spec) => spec.name === name);
  if (mine.length > 1) return `it is in ${mine.map(({ file }) => file).join(' and ')}`;
  // A file of one's own may say what a built-in of that name reads.
  const found = mine[0] ?? (builtIn === undefined ? undefined : await readBuiltIn(builtIn));
  if (found === undefined || (builtIn !== undefined && found.name !== name)) return 'no tool of this name is here';
  const { builtin } = found.run;
  const row = builtin === undefined ? undefined : builtIns[builtin];
  const from = mine.length > 0 || builtin === undefined ? undefined : options.sources?.[builtin];
  const spec = from === undefined ? found : { ...found, run: { ...found.run, from: [...from] } };
  if (row?.reads?.required && spec.run.from === undefined) return `it reads ${row.reads.what}`;
  const parameters = spec.parameters ?? (builtin === undefined ? undefined : (await readBuiltIn(builtin)).parameters);
  if (!isCompatible(parameters, learnt.parameters, row?.aliases)) {
    return 'it takes other arguments than the checkpoint learnt';
  }
  try {
    // The text of a whole run takes seconds to index.
    const isLater = row?.reaches !== undefined || (builtin === 'search' && from !== undefined);
    const executor = isLater ? atFirstCall(spec, parameters, row?.reaches, options) : await openTool(spec, options);
    return { executor, from };
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** What nobody named is not fetched or read through before it is called. */
function atFirstCall(
  spec: ToolSpec,
  parameters: Tool['parameters'],
  reaches: string | undefined,
  options: OpenToolsOptions,
): Executor {
  const { name, description, limits } = spec;
  let opening: Promise<Executor> | undefined;
  return {
    ...{ tool: { name, description, parameters }, limits, ...(reaches !== undefined && { reaches }) },
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
