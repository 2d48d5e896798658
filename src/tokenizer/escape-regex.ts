// Text as a pattern that matches nothing but itself: special tokens and file names come from outside.
/** The text as a regular expression that matches exactly it, with or without the `u` flag. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
