// What commands print to be typed next, as a person would type it: with a file or a model of their own in the place of those
// that are left to them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type CliOptions, mossctl, root } from '../e2e/cli.js';
import { programsOf } from './pages.js';

/** Of one that is printed below another the label is not said again. */
const nextStep = /^(?:next|table|Learn from \w+:)?[ \t]+(npx mossctl .+)$/gm;

/** In the order in which they are printed. */
export function nextStepsIn(printed: string): string[] {
  return [...printed.matchAll(nextStep)].map(([, step]) => step);
}

/** Types what was printed; each must end well. @returns how many there were. */
export async function typeNextSteps(printed: string, options: CliOptions = {}): Promise<number> {
  const steps = nextStepsIn(printed);
  const rows = join(root, 'examples/conversations.jsonl');
  for (const step of steps) {
    const [[, , ...words]] = programsOf(step.replace(/ conversations\.jsonl\b/, ` ${rows}`));
    const threads = words[0] === 'chat' ? ['--max-new-tokens', '4', '--threads', '1'] : [];
    const { code, stderr } = await mossctl([...words, ...threads], { stdin: 'hi\n', ...options });
    assert.equal(code, 0, `${step}: ${stderr}`);
  }
  return steps.length;
}
