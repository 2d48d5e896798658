// What of a model's text counts as its answer. Thoughts between tags never do. Directly: all that it says, or where it only
// continues text its first line. In steps: what follows the last "the answer is", to the end of that line.
import { withoutThoughts } from '../../inference/thoughts.js';
import { maxLength } from '../checks.js';
import type { Mode } from './question.js';

/** "The answer is", "Answer:", 答案是, 答案：, and how mathematical data sets mark it: #### 42, \boxed{42}. */
const marker = /\bthe answer is\b:?|\banswers?\s*[:：]|答案(?:应该|应)?(?:是|为|[:：])[:：]?|####|\\boxed\{/gi;
const wrapping = /^[\s"'“”‘’「」*_`$]+|[\s"'“”‘’「」*_`$.。!！}]+$/g;

/** @param isContinuation whether the model continued text: then it does not stop by itself, and a blank line ends its answer. */
export function finalAnswer(text: string, mode: Mode, isContinuation: boolean): string {
  const said = text.slice(0, maxLength);
  if (mode !== 'steps') return isContinuation ? firstLine(said) : withoutThoughts(said).text;
  const steps = isContinuation ? said.split(/\n\s*\n/)[0] : withoutThoughts(said).text;
  const marks = [...steps.matchAll(marker)];
  const last = marks.at(-1);
  if (last !== undefined) return unwrapped(firstLine(steps.slice(last.index + last[0].length)));
  const lines = steps.split('\n').filter((line) => line.trim() !== '');
  return unwrapped(lines.at(-1) ?? '');
}

/** A first line that is blank is no answer. */
function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0].trim();
}

function unwrapped(text: string): string {
  return text.replace(wrapping, '');
}
