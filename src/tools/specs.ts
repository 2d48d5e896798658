// A tool as a file says it: name, description, JSON schema of the arguments, how it runs, limits. Those in data-specs/tools
// are built in; a person adds one by a file of the same form.
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Fault, UserError } from '../base/errors.js';
import { loadYaml } from '../base/yaml.js';
import { path } from '../config/paths.js';
import { defaultLimits } from './tool.js';

export const builtInNames = ['calculate', 'solve', 'define', 'search', 'query', 'now', 'world'] as const;
export type BuiltInName = (typeof builtInNames)[number];

/** As OpenAI's API takes them: what serves the model later may refuse others. */
const toolName = z.string().regex(/^[A-Za-z_][\w-]{0,63}$/, 'write letters, digits, _ and -, at most 64');

const paths = z.union([path('file or folder'), z.array(path('file or folder')).min(1).max(64)]);

const httpSchema = z.strictObject({
  url: z.string().min(1).max(2000).describe('https://…; {name} is replaced by that argument'),
  method: z.enum(['GET', 'POST']).default('GET').describe('how it is asked'),
  headers: z.record(z.string(), z.string()).default({}).describe('$NAME is replaced by that environment variable'),
  allow: z
    .array(z.string().min(1))
    .max(64)
    .default([])
    .describe('hosts that may be at private addresses: 10.0.0.5:8080'),
});
export type HttpSpec = z.output<typeof httpSchema>;

const runSchema = z
  .strictObject({
    builtin: z.enum(builtInNames).optional().describe('a built-in tool'),
    from: paths.optional().describe('builtin: what it reads'),
    command: z
      .array(z.string().max(4000))
      .min(1)
      .max(256)
      .optional()
      .describe('program and arguments; {name} is replaced'),
    stdin: z.enum(['json']).optional().describe('command: it is given its arguments as JSON on standard input'),
    env: z.array(z.string().min(1)).max(64).optional().describe('command: variables it keeps beside PATH, HOME, LANG'),
    http: httpSchema.optional().describe('an endpoint'),
  })
  .superRefine((run, context) => {
    const ways = (['builtin', 'command', 'http'] as const).filter((way) => run[way] !== undefined);
    const complain = (message: string): void => context.addIssue({ code: 'custom', message, input: run });
    if (ways.length !== 1) complain('name one way to run it: builtin, command or http');
    if (run.from !== undefined && run.builtin === undefined) complain('from is about builtin');
    if ((run.stdin ?? run.env) !== undefined && run.command === undefined) complain('stdin and env are about command');
  });

export const toolSpecSchema = z
  .strictObject({
    name: toolName.describe('what the model writes to call it'),
    description: z.string().min(1).max(2000).optional().describe('what the model reads of it'),
    parameters: z.record(z.string(), z.unknown()).optional().describe('JSON schema of its arguments, an object'),
    run: runSchema,
    limits: z
      .strictObject({
        seconds: z.number().gt(0).max(3600).default(defaultLimits.seconds).describe('longest wait for a result'),
        characters: z.int().min(16).max(1_000_000).default(defaultLimits.characters).describe('longest result'),
      })
      .prefault({}),
  })
  .superRefine(({ description, parameters, run }, context) => {
    if (run.builtin !== undefined) return;
    for (const [key, value] of Object.entries({ description, parameters })) {
      if (value === undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'it is missing: the model reads it', input: value });
    }
  });
export type ToolSpec = z.output<typeof toolSpecSchema> & {
  /** The file that says it. */
  file: string;
};

const packagedFolder = fileURLToPath(new URL('../../data-specs/tools/', import.meta.url));

/** @throws UserError with every fault of the file. */
export async function readToolSpec(file: string): Promise<ToolSpec> {
  const spec = await loadYaml(file, toolSpecSchema);
  const { command } = spec.run;
  // A program beside the file, as the file's author sees it.
  if (command?.[0].includes('/')) command[0] = resolve(dirname(resolve(file)), command[0]);
  return { ...spec, file };
}

/** Those of a folder's YAML files, by file name. */
export async function readToolFolder(folder: string): Promise<ToolSpec[]> {
  const files = yamlFiles(folder);
  if (files.length === 0) {
    throw new UserError({ what: 'no tool is in this folder', where: folder, why: 'it has no file *.yaml' });
  }
  const specs: ToolSpec[] = [];
  for (const file of files) specs.push(await readToolSpec(file));
  return specs;
}

/** Those of a person's folder that can be read, and what is wrong with the others. */
export async function readOwnSpecs(folder: string): Promise<{ specs: ToolSpec[]; faults: Fault[] }> {
  const specs: ToolSpec[] = [];
  const faults: Fault[] = [];
  for (const file of yamlFiles(folder)) {
    try {
      specs.push(await readToolSpec(file));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push(...error.faults);
    }
  }
  return { specs, faults };
}

/** Empty where there is no such folder. */
export function yamlFiles(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'));
  const files = names.sort().map((name) => join(folder, name));
  // A pipe would be waited for.
  return files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

/** As data-specs/tools says it. */
export function readBuiltIn(name: BuiltInName): Promise<ToolSpec> {
  return readToolSpec(join(packagedFolder, `${name}.yaml`));
}
