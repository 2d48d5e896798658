// Preferences that a tiny model learns in seconds and that neither length nor counting characters can: the better answer is the
// letter that the prompt ends with. Of tasks that ask for it, a check knows which it is.
import { toJsonl } from '../../src/base/jsonl.js';

const letters = ['a', 'b'];

/** Rows of prompt, chosen and rejected. */
export function letterPairs(count: number): string {
  return toJsonl(
    Array.from({ length: count }, (_, i) => {
      const [chosen, rejected] = i % 2 === 0 ? letters : [...letters].reverse();
      return { prompt: `${i} ${chosen}`, chosen, rejected };
    }),
  );
}

export function letterTasks(count: number): string {
  return toJsonl(
    Array.from({ length: count }, (_, i) => {
      const letter = letters[i % 2];
      return { messages: [{ role: 'user', content: `${i} ${letter}` }], check: { type: 'contains', any: [letter] } };
    }),
  );
}
