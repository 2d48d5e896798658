// The backend of a command that runs no pipeline: its three flags, checked as the keys of a pipeline are.
import { flagOverrides } from '../base/overrides.js';
import { parseYaml } from '../base/yaml.js';
import { type ComputeChoice, computeSchema, isUsualBackend } from '../config/compute.js';
import { openBackend } from '../tensor/backends.js';
import { type ComputeOptions, computeFlags, type OutputOptions } from './options.js';
import { noteOnStderr, warnOnStderr } from './output.js';

export function computeChoice(options: ComputeOptions): ComputeChoice {
  return parseYaml({ path: 'the command line', text: '' }, computeSchema, flagOverrides(computeFlags(options)));
}

/** Opens the backend that the flags name, and says which one it is where it is not the usual one. */
export async function openChosenBackend(options: ComputeOptions & OutputOptions): Promise<void> {
  const choice = computeChoice(options);
  const { name, note, warning } = await openBackend(choice.backend, choice);
  if (!options.quiet && !options.json && !isUsualBackend(name)) noteOnStderr(note);
  if (warning !== undefined) warnOnStderr(warning);
}
