// What every reader yields: a text, where it was found, and what it states. Cleaning and splitting come later.
import { UserError } from '../../base/errors.js';
import type { Fact } from '../types.js';

export interface RawFact extends Pick<Fact, 'key' | 'value'> {
  /** False: too long or too special to ask for, but it shows that its key has another value. Default true. */
  usable?: boolean;
}

export interface RawDocument {
  text: string;
  /** Where in the source, stable and readable: `dict/data.noun:31`. */
  at: string;
  facts?: RawFact[];
  /** Documents with equal identities are one document, as the text itself is where this is absent. */
  identity?: string;
}

/** A row that cannot be read: counted and skipped, or fatal, as the build was asked. */
export interface BadRow {
  at: string;
  fault: UserError;
  /** Not of a row: the file cannot be read from there on. */
  endsFile?: true;
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
