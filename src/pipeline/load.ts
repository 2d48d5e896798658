// From what a person typed to one resolved configuration: defaults ← YAML file ← --set and the named flags.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fault, nearest, systemErrorCode, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import type { Override } from '../base/overrides.js';
import { loadYaml, parseYaml } from '../base/yaml.js';
import { type PipelineConfig, pipelineSchema } from '../config/pipeline.js';

const packagedFolder = fileURLToPath(new URL('../../pipelines/', import.meta.url));

export interface PipelineRequest {
  /** A path, or the bare name of a packaged pipeline (`smoke`). Without it, the configuration is all defaults. */
  config?: string;
  /** `a.b=c` from --set. */
  set?: readonly string[];
  /** Named flags: dotted key → value, for example `{ seed: '7' }`, which an error shows as `--seed 7`. */
  flags?: Readonly<Record<string, string | undefined>>;
  /** Blocks that must be there, with their defaults, even where the file has none. */
  blocks?: readonly (keyof PipelineConfig)[];
}

/** @throws UserError with every fault of the file, of --set and of the flags at once. */
export async function loadPipeline(request: PipelineRequest): Promise<PipelineConfig> {
  const overrides = overridesOf(request);
  if (request.config === undefined) {
    return parseYaml({ path: 'the command line', text: '' }, pipelineSchema, overrides);
  }
  return loadYaml(await findPipeline(request.config), pipelineSchema, overrides);
}

function overridesOf({ set = [], flags = {}, blocks = [] }: PipelineRequest): Override[] {
  return [
    ...blocks.map((block) => ({
      assignment: `${block}={}`,
      typed: `the ${block} block (no --config gives one)`,
      ifAbsent: true,
    })),
    ...set.map((assignment) => ({ assignment, typed: `--set ${assignment}` })),
    ...Object.entries(flags).flatMap(([key, value]) =>
      value === undefined ? [] : [{ assignment: `${key}=${value}`, typed: `--${key.split('.').at(-1)} ${value}` }],
    ),
  ];
}

/** The names that `mossctl run NAME` knows without a file. */
export async function packagedPipelines(): Promise<string[]> {
  const files = await readdir(packagedFolder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

async function findPipeline(config: string): Promise<string> {
  const bare = /^[\p{L}\p{N}_-]+$/u.test(config);
  const path = bare ? join(packagedFolder, `${config}.yaml`) : config;
  if (await exists(path)) return path;
  throw new UserError(missing(config, bare, await packagedPipelines()));
}

function missing(config: string, bare: boolean, names: readonly string[]): Fault {
  const near = nearest(bare ? config : (/([^/\\]+?)(\.ya?ml)?$/.exec(config)?.[1] ?? config), names);
  const list = names.join(', ');
  return {
    what: bare ? `there is no packaged pipeline called ${config}` : 'there is no such pipeline file',
    where: bare ? undefined : config,
    why: `the packaged ones are: ${list}`,
    next: near === undefined ? 'Give one of these names, or the path of a YAML file' : `Did you mean "${near}"?`,
  };
}
