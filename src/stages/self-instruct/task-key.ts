// What makes a checkable task itself: its operands, not its wording. "12×3+9=?" and "Work out 12×3+9." are one task;
// "12×3+8=?" is another, though six of seven characters are the same. Read from the prompt, so no teacher is trusted with it.

/** Kinds whose operands are the numbers in them, in any order: 38 and 83 compared is 83 and 38 compared. */
const numeric = new Set(['arithmetic', 'parity', 'comparison']);
/** Kinds whose operand is the text that the request is about. */
const quoting = new Set(['language', 'translation', 'definition', 'poem-line', 'formatting']);

const quoted = /“([^”]+)”|"([^"]+)"|「([^」]+)」|《([^》]+)》/u;
const afterColon = /[:：]\s*(\S[\s\S]*)$/u;

/**
 * The key of a task, or undefined where its wording is all there is (identity, chat, refusal).
 * In a dialogue of several turns the earlier turns are the operands of the last question.
 */
export function taskKey(kind: string, turns: readonly string[]): string | undefined {
  if (turns.length > 1) return turns.slice(0, -1).join('\n');
  const prompt = turns[0].normalize('NFKC');
  if (numeric.has(kind))
    return prompt
      .match(/\d+(?:\.\d+)?/g)
      ?.sort()
      .join(' ');
  if (quoting.has(kind)) return payloadOf(prompt)?.toLowerCase().trim();
  return undefined;
}

/** The quoted part of a request, or what follows its colon. */
export function payloadOf(prompt: string): string | undefined {
  const inQuotes = prompt.match(quoted);
  if (inQuotes !== null) return inQuotes.slice(1).find((part) => part !== undefined);
  return prompt.match(afterColon)?.[1];
}

/** The request without its payload: what it asks for, in the asker's own words. */
export function wordingOf(kind: string, prompt: string): string {
  if (!quoting.has(kind)) return prompt;
  const payload = payloadOf(prompt);
  return payload === undefined ? prompt : prompt.replace(payload, '');
}
