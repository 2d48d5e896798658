// mossctl tools: which tools there are and what each still needs, and one called by hand, as a model would call it.
import { existsSync } from 'node:fs';
import pc from 'picocolors';
import { nearest, UserError } from '../../base/errors.js';
import { alignColumns, printable, printableLines, shorten } from '../../base/format.js';
import { isRecord, jsonIn } from '../../base/objects.js';
import type { Tool } from '../../tokenizer/message.js';
import { signature } from '../../tools/arguments.js';
import { fileEntry, listTools, type ToolEntry } from '../../tools/list.js';
import { openTools, ownToolsFolder } from '../../tools/open.js';
import type { OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine, printVerbatim, shownPath, verbatim } from '../output.js';
import { killSignals } from '../signals.js';

/** Of a terminal of 80 columns. */
const maxColumn = 32;
const maxState = 42;

export async function list(names: readonly string[], options: OutputOptions): Promise<void> {
  const known = await listTools();
  const entries = names.length === 0 ? known : await Promise.all(names.map((name) => entryNamed(name, known)));
  if (options.json)
    for (const entry of entries) printJson({ type: 'tool', ...entry, ready: entry.missing.length === 0 });
  else if (names.length > 0) for (const entry of entries) printWhole(entry);
  else printTable(entries);
}

async function entryNamed(name: string, known: readonly ToolEntry[]): Promise<ToolEntry> {
  if (/\.ya?ml$/.test(name)) return fileEntry(name);
  const [own] = name.split('=');
  if (own !== name) return { ...(await entryNamed(own, known)), ...(await openedAs(name)) };
  const names = known.map(({ tool }) => tool.name);
  const found =
    known.find(({ tool }) => tool.name === name) ??
    known.find(({ tool }) => tool.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const near = nearest(name, names);
  throw new UserError({
    what: `no tool is called ${name}`,
    next: near === undefined ? '`mossctl tools` lists them' : `Did you mean ${near}?`,
  });
}

/** As the model is told of it once it has what it reads: `Query` names its tables. */
async function openedAs(wanted: string): Promise<Pick<ToolEntry, 'tool' | 'missing' | 'example'>> {
  const toolbox = await openTools([wanted], { note: noteOnStderr });
  try {
    return { tool: toolbox.tools[0], missing: [], example: wanted };
  } finally {
    await toolbox.close();
  }
}

function printTable(entries: readonly ToolEntry[]): void {
  const rows = entries.map(({ tool, missing, reaches, file }) => {
    const state = missing.length > 0 ? printable(missing[0]) : 'ready';
    const reach = missing.length === 0 && reaches !== undefined ? `; ${printable(reaches)}` : '';
    const shown = tool.name === file ? shownPath(file) : shortForm(tool);
    return [
      missing.length > 0 ? pc.red('✗') : pc.green('✓'),
      verbatim(shorten(printable(shown), maxColumn)),
      shorten(state + reach, maxState),
    ];
  });
  printLine(alignColumns(rows).join('\n'));
  const own = ownToolsFolder();
  printLine(`\nYour own: *.yaml in ${shownPath(own)}${existsSync(own) ? '' : ' (there is no such folder yet)'}`);
  printLine('One in full: mossctl tools list NAME; try it: mossctl tools call NAME …');
}

/** `Now(timezone?)` */
function shortForm({ name, parameters = {} }: Tool): string {
  const required = Array.isArray(parameters.required) ? parameters.required : [];
  const names = isRecord(parameters.properties) ? Object.keys(parameters.properties) : [];
  return `${name}(${names.map((each) => (required.includes(each) ? each : `${each}?`)).join(', ')})`;
}

function printWhole({ tool, limits, file, reads, reaches, missing, example }: ToolEntry): void {
  const { name, description, parameters = {} } = tool;
  printVerbatim(pc.bold(printable(name)));
  if (description !== undefined) printVerbatim(printableLines(description));
  const rows: [string, string][] = [];
  if (limits !== undefined) rows.push(['takes', verbatim(printable(signature(parameters)))]);
  for (const [argument, property] of Object.entries(isRecord(parameters.properties) ? parameters.properties : {}))
    if (isRecord(property) && typeof property.description === 'string')
      rows.push([`  ${verbatim(printable(argument))}`, verbatim(printable(property.description))]);
  if (limits !== undefined) rows.push(['limits', `${limits.seconds} s, ${limits.characters} characters`]);
  if (reads !== undefined) rows.push(['reads', printable(reads)]);
  if (limits !== undefined && missing.length === 0)
    rows.push(['reaches', printable(reaches ?? 'nothing outside this program')]);
  rows.push(['from', file === undefined ? 'built in' : printable(shownPath(file))]);
  if (missing.length === 0) rows.push(['ready', printable(`--tools ${example}`)]);
  for (const reason of missing) rows.push(['missing', printable(reason)]);
  printLine(`${alignColumns(rows.map(([key, text]) => [`  ${key}`, text])).join('\n')}\n`);
}

export async function call(wanted: string, words: readonly string[], options: OutputOptions): Promise<void> {
  const stop = new AbortController();
  const onKill = (): void => stop.abort();
  for (const name of killSignals) process.once(name, onKill);
  const toolbox = await openTools([wanted], { note: noteOnStderr });
  try {
    const [executor, second] = toolbox.executors;
    if (second !== undefined) {
      const names = toolbox.tools.map(({ name }) => name).join(', ');
      throw new UserError({ what: `${wanted} is several tools: ${names}`, next: 'Name one of them' });
    }
    const { tool, reaches } = executor;
    const given = readArguments(tool, words);
    if (reaches !== undefined && !options.quiet) noteOnStderr(`${tool.name} ${reaches}`);
    const result = await toolbox.session().call({ name: tool.name, arguments: given }, stop.signal);
    if (options.json) printJson({ type: 'result', name: tool.name, arguments: given, ...result });
    else printVerbatim(printableLines(result.content));
    if (result.fault !== undefined) process.exitCode = result.fault === 'aborted' ? 130 : 1;
  } finally {
    await toolbox.close();
    for (const name of killSignals) process.off(name, onKill);
  }
}

/** As typed: each text becomes what the schema asks for, where it is that. What does not fit is the tool's to say. */
function readArguments(tool: Tool, words: readonly string[]): Record<string, unknown> {
  const [first = ''] = words;
  if (words.length === 1 && first.trimStart().startsWith('{')) {
    const value = jsonIn(first);
    if (isRecord(value)) return value;
    throw new UserError({ what: 'these arguments are no JSON object', next: `Write ${exampleOf(tool)}` });
  }
  const properties = isRecord(tool.parameters?.properties) ? tool.parameters.properties : {};
  const required = Array.isArray(tool.parameters?.required) ? tool.parameters.required.map(String) : [];
  const named = words.map((word) => /^([\p{L}_][\p{L}\p{N}_-]*)=(.*)$/su.exec(word));
  const [only] = required.length > 0 ? required : Object.keys(properties);
  if (words.length === 1 && named[0] === null && required.length <= 1 && only !== undefined) {
    return { [only]: valueFor(properties[only], first) };
  }
  return Object.fromEntries(
    named.map((match, i) => {
      if (match === null)
        throw new UserError({ what: `${shorten(words[i], 60)} names no argument`, next: `Write ${exampleOf(tool)}` });
      const [, name, text] = match;
      return [name, valueFor(properties[name], text)];
    }),
  );
}

function valueFor(property: unknown, text: string): unknown {
  const types = isRecord(property) ? [property.type].flat() : [];
  if (types.length === 0 || types.includes('string') || types.includes(undefined)) return text;
  return jsonIn(text) ?? text;
}

function exampleOf({ parameters = {} }: Tool): string {
  const names = isRecord(parameters.properties) ? Object.keys(parameters.properties) : [];
  return names.length === 0 ? 'none: it takes no arguments' : names.map((name) => `${name}=…`).join(' ');
}
