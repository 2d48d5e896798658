// What a program hands over is held to the same schema as what a person types, with the same words.
import type { z } from 'zod';
import { parseYaml } from '../base/yaml.js';

/** @param name of the value, for errors. @throws UserError with every fault. */
export function checked<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> {
  // JSON is YAML; what is undefined is not there.
  return parseYaml({ path: name, text: JSON.stringify(value) }, schema);
}
