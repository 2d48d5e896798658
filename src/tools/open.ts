// The tools that a person names: a built-in, one with what it reads (Search=notes/), one of their own folder, a YAML file, a
// folder of them, or all. Commands and addresses come from these files alone, never from a checkpoint, run or dataset.
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { nearest, UserError } from '../base/errors.js';
import { listOf } from '../base/format.js';
import { schemaFaults } from './arguments.js';
import { type BuiltIn, builtIns } from './built-ins.js';
import {
  type BuiltInName,
  builtInNames,
  readBuiltIn,
  readOwnSpecs,
  readToolFolder,
  readToolSpec,
  type ToolSpec,
} from './specs.js';
import type { Executor } from './tool.js';
import { Toolbox, type ToolboxOptions } from './toolbox.js';

export interface OpenToolsOptions extends ToolboxOptions {
  /** The person's own tools; default: `ownToolsFolder()`. */
  ownFolder?: string;
}

/** `$MOSSCTL_TOOLS`, else `$XDG_CONFIG_HOME/mossctl/tools`, else `~/.config/mossctl/tools`. */
export function ownToolsFolder(): string {
  const { MOSSCTL_TOOLS: own, XDG_CONFIG_HOME: shared } = process.env;
  return own || join(shared || join(homedir(), '.config'), 'mossctl', 'tools');
}

/**
 * @param wanted as behind `--tools`, one or more in each, commas between names.
 * @throws UserError that says which of them is no tool, or cannot be opened and why.
 */
export async function openTools(wanted: readonly string[], options: OpenToolsOptions = {}): Promise<Toolbox> {
  const specs: ToolSpec[] = [];
  for (const text of wanted) specs.push(...(await specsOf(text, options.ownFolder ?? ownToolsFolder())));
  refuseTwins(specs);
  if (wanted.some((text) => text.split(',').includes('all'))) options.note?.(allWords());
  const executors: Executor[] = [];
  try {
    for (const spec of specs) executors.push(await openTool(spec, options));
  } catch (error) {
    for (const executor of executors) await executor.close?.();
    throw error;
  }
  return new Toolbox(executors, options);
}

async function specsOf(text: string, ownFolder: string): Promise<ToolSpec[]> {
  const [, name = text, from] = /^([\w-]+)=(.+)$/s.exec(text) ?? [];
  if (from !== undefined) {
    const known = builtInNamed(name);
    if (known === undefined) throw noSuchTool(name, ownFolder);
    const spec = await readBuiltIn(known);
    return [
      { ...spec, run: { ...spec.run, from: statOf(from) ? [from] : from.split(',').filter((part) => part !== '') } },
    ];
  }
  if (/\.ya?ml$/.test(text)) return [await readToolSpec(text)];
  if (text.includes('/') || text.includes('\\') || text === '.') return readToolFolder(text);
  const specs: ToolSpec[] = [];
  for (const name of text.split(',')) specs.push(...(await specsNamed(name, ownFolder)));
  return specs;
}

async function specsNamed(name: string, ownFolder: string): Promise<ToolSpec[]> {
  if (name === 'all') return Promise.all(builtInNames.filter((each) => !mustRead(each)).map(readBuiltIn));
  const known = builtInNamed(name);
  const { specs, faults } = await readOwnSpecs(ownFolder);
  const own = specs.filter((spec) => spec.name === name);
  if (known !== undefined && own.length > 0) {
    const why = `one is built in, one is ${own[0].file}`;
    throw new UserError({
      what: `two tools are called ${name}`,
      why,
      next: `Rename yours, or name its file: --tools ${own[0].file}`,
    });
  }
  if (known !== undefined) return [await readBuiltIn(known)];
  if (own.length === 0) throw new UserError([...noSuchTool(name, ownFolder).faults, ...faults]);
  return own;
}

function mustRead(name: BuiltInName): boolean {
  return builtIns[name].reads?.required === true;
}

/** Which tools `all` is, and what to type for the others. */
function allWords(): string {
  const others = builtInNames.filter(mustRead);
  const examples = others.map((name) => `--tools ${builtIns[name].reads?.example}`);
  const open = builtInNames.filter((name) => !mustRead(name));
  return `all is ${listOf(open.map(shownName))}; ${listOf(others.map(shownName))} read what you name: ${listOf(examples)}`;
}

function shownName(name: BuiltInName): string {
  return name[0].toUpperCase() + name.slice(1);
}

function builtInNamed(name: string): BuiltInName | undefined {
  return builtInNames.find((each) => each === name.toLowerCase());
}

function noSuchTool(name: string, ownFolder: string): UserError {
  const shown = builtInNames.map(shownName);
  const near = nearest(name, shown);
  return new UserError({
    what: `no tool is called ${name}`,
    why: `known are ${shown.join(', ')}, and the files *.yaml in ${ownFolder}`,
    next: near === undefined ? '`mossctl tools` lists them' : `Did you mean ${near}?`,
  });
}

function refuseTwins(specs: readonly ToolSpec[]): void {
  for (const [i, spec] of specs.entries()) {
    const twin = specs.slice(0, i).find(({ name }) => name === spec.name);
    if (twin === undefined) continue;
    const where = twin.file === spec.file ? spec.file : `${twin.file} and ${spec.file}`;
    const next =
      'Name each tool once; a file of yours (name: Notes, run: { builtin: search, from: notes/ }) gives it another name';
    throw new UserError({ what: `two tools are called ${spec.name}`, where, next });
  }
}

/** @throws UserError where it cannot run here. */
export async function openTool(spec: ToolSpec, { note = () => undefined }: ToolboxOptions): Promise<Executor> {
  const { run, limits } = spec;
  if (run.builtin === undefined) return openOwnTool(spec);
  const own = await readBuiltIn(run.builtin);
  const { name, description = own.description, parameters = own.parameters } = spec;
  const from = fromOf(spec);
  const fault = fromFault(name, builtIns[run.builtin], from);
  if (fault !== undefined) throw fault;
  const { aliases, open } = builtIns[run.builtin];
  const executor = await open({ tool: { name, description, parameters }, limits, from, note });
  return aliases === undefined ? executor : Object.assign(executor, { aliases });
}

async function openOwnTool({ name, description, parameters = {}, run, limits, file }: ToolSpec): Promise<Executor> {
  const faults = schemaFaults(parameters);
  if (faults.length > 0) throw new UserError(faults.map((what) => ({ what, where: file })));
  const common = { tool: { name, description, parameters }, limits, file };
  if (run.http !== undefined) return (await import('./http.js')).httpTool({ ...common, http: run.http });
  const { command = [], stdin, env } = run;
  return (await import('./command.js')).commandTool({ ...common, command, stdin, env });
}

/** What a spec gives a built-in to read. */
export function fromOf({ run: { from } }: ToolSpec): string[] {
  return from === undefined ? [] : [from].flat();
}

/** Why it cannot read that; undefined where it can. */
export function fromFault(name: string, { reads }: BuiltIn, from: readonly string[]): UserError | undefined {
  if (reads === undefined && from.length > 0) {
    const where = `${name}=${from.join(',')}`;
    return new UserError({ what: `${name} reads no files`, where, next: `Write --tools ${name}` });
  }
  if (reads?.required && from.length === 0) {
    return new UserError({ what: `${name} needs ${reads.what}`, next: `Write --tools ${reads.example}` });
  }
  // What a pattern names is for the tool to find.
  const missing = from.filter((path) => !statOf(path) && !/[*?{]/.test(path));
  if (missing.length === 0) return undefined;
  const why = `${name} was to read it`;
  return new UserError(missing.map((where) => ({ what: 'no such file or folder', where, why })));
}

function statOf(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
