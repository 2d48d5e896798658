// What makes a checkable task itself: its operands, not its wording. "12×3+9=?" and "Work out 12×3+9." are one task;
// "12×3+8=?" is another, though six of seven characters are the same. Read from the prompt, so no teacher is trusted with it.
import type { TaskKind } from '../../config/pipeline.js';
import { familyOf } from './families/table.js';

const numbersIn = (prompt: string): string[] | null => prompt.match(/\d+(?:\.\d+)?/g);
const quoted = /“([^”]+)”|"([^"]+)"|「([^」]+)」|《([^》]+)》/u;
const afterColon = /[:：]\s*(\S[\s\S]*)$/u;

/**
 * The key of a task, or undefined where its wording is all there is (identity, chat, refusal).
 * In a dialogue of several turns the earlier turns are the operands of the last question.
 */
export function taskKey(kind: TaskKind, turns: readonly string[]): string | undefined {
  if (turns.length > 1) return turns.slice(0, -1).join('\n');
  const prompt = turns[0].normalize('NFKC');
  const { key } = familyOf(kind);
  if (key === 'numbers') return numbersIn(prompt)?.sort().join(' '); // 38 and 83 compared is 83 and 38 compared
  return key === 'quotation' ? payloadOf(prompt)?.toLowerCase().trim() : undefined;
}

/**
 * What follows the colon of a request, or the part that it quotes. Quotes before a colon are part of the request
 * (answer “中文” or “英文”: …), quotes behind it are around the payload.
 */
export function payloadOf(prompt: string): string | undefined {
  const behind = prompt.match(afterColon)?.[1];
  if (behind !== undefined && !/[“”"「」《》]/.test(behind)) return behind;
  const inQuotes = prompt.match(quoted)?.slice(1);
  return inQuotes?.find((part) => part !== undefined) ?? behind;
}

/** The request without its payload: what it asks for, in the asker's own words. */
export function wordingOf(kind: TaskKind, prompt: string): string {
  if (familyOf(kind).key !== 'quotation') return prompt;
  const payload = payloadOf(prompt);
  return payload === undefined ? prompt : prompt.replace(payload, '');
}
