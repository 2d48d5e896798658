// What every reader yields: a text, where it was found, and what it states. Cleaning and splitting come later.
import { UserError } from '../../base/errors.js';
import type { Fact } from '../types.js';

export type RawFact = Pick<Fact, 'key' | 'value'>;

export interface RawDocument {
  text: string;
  /** Where in the source, stable and readable: `dict/data.noun:31`. */
  at: string;
  facts?: RawFact[];
}

/** A JSON file is read whole, so it is bounded. */
export const maxJsonBytes = 256 << 20;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The strings of a list of strings; undefined for anything else. */
export function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

export function unexpected(path: string, what: string, format: string): UserError {
  return new UserError({
    what,
    where: path,
    why: `the source is read as ${format}`,
    next: 'Check `format` of the source in the data-spec, and that the file is the one meant',
  });
}
