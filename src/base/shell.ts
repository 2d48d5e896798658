// Commands as they are shown to be typed: each word quoted where a shell would take it apart or read more into it.

/** Letters and digits of any script, and signs that mean nothing to a shell. */
const plain = /^[\p{L}\p{N}_@%+=:,./-]+$/u;

/** One word of a command: `my runs/latest` → `'my runs/latest'`. */
export function shellQuoted(word: string): string {
  if (plain.test(word)) return word;
  if (process.platform === 'win32') return `"${word.replaceAll('"', '\\"')}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export function commandLine(...words: readonly string[]): string {
  return words.map(shellQuoted).join(' ');
}

/** What to type: `npx mossctl chat runs/quickstart/latest`. */
export function mossctlCommand(...words: readonly string[]): string {
  return commandLine('npx', 'mossctl', ...words);
}
