// Calls that fail for what they say, not for how they are written: a misspelt word or place, half an expression. Small models
// make them where a value is rare; what the tool then says, and the right call after it, is what can be learnt from one.
import type { Random } from '../../base/random.js';
import type { SessionStart } from '../../data/types.js';
import type { ToolCall } from '../../tokenizer/message.js';
import type { Toolbox } from '../../tools/toolbox.js';

const maxTries = 6;

/** Like `right`, with a slip of the pen in one value, such that its tool fails; undefined where each slip that was tried has a result. */
export async function failingCall(
  right: ToolCall,
  { toolbox, start, random }: { toolbox: Toolbox; start?: SessionStart; random: Random },
): Promise<ToolCall | undefined> {
  const texts = Object.entries(right.arguments).filter(([, value]) => typeof value === 'string' && value !== '');
  for (let tries = 0; tries < maxTries && texts.length > 0; tries++) {
    const [key, value] = random.choose(texts);
    const wrong = { name: right.name, arguments: { ...right.arguments, [key]: slipIn(String(value), random) } };
    // In a session of its own: where it does not fail, it leaves nothing behind.
    const { fault } = await toolbox.session(start).call(wrong);
    if (fault === 'failed') return wrong;
  }
  return undefined;
}

/** Two characters exchanged, one left out, doubled or put in place of another of them; or the end is missing. */
function slipIn(text: string, random: Random): string {
  const signs = [...text];
  const at = random.integer(0, signs.length);
  const [sign, next = ''] = signs.slice(at, at + 2);
  const [before, after] = [signs.slice(0, at).join(''), signs.slice(at + 2).join('')];
  return random.choose([
    before + next + sign + after,
    before + next + after,
    before + sign + sign + next + after,
    before + random.choose(signs) + next + after,
    `${before}${sign}`,
    `${text}${random.choose(['+', '(', 's', '们'])}`,
  ]);
}
