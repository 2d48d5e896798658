// Numbers that a teacher states are computed again: a wrong sum must not become the right answer of a task.

const operation = /[+\-×*]/;
const expression = /\d+(?:\s*[+\-×*]\s*\d+)+/;

/** × before + and −, from the left; whole numbers only. */
function evaluate(text: string): number {
  const tokens = text.replace(/\s/g, '').split(/([+\-×*])/);
  const terms = [Number(tokens[0])];
  for (let i = 1; i < tokens.length; i += 2) {
    const value = Number(tokens[i + 1]);
    if (tokens[i] === '+') terms.push(value);
    else if (tokens[i] === '-') terms.push(-value);
    else terms[terms.length - 1] *= value;
  }
  return terms.reduce((sum, term) => sum + term, 0);
}

/** False where an equation in the answer does not hold, or the prompt's expression has another value than `result`. */
export function sumsHold(prompt: string, answer: string, result: number | undefined): boolean {
  const said = answer.normalize('NFKC').replaceAll('−', '-');
  for (const [, left, right] of said.matchAll(/(?<![\d.])(\d[\d\s+\-×*]*)=\s*(-?\d+)(?![.\d])/g))
    if (operation.test(left) && evaluate(left) !== Number(right)) return false;
  const asked = prompt.normalize('NFKC').replaceAll('−', '-');
  const found = asked.match(expression)?.[0];
  // Division, brackets, decimals, word problems: nothing to compare with.
  if (found === undefined || /[÷/().^%]\s*\d|\d\s*[÷/(^%]|\d\.\d/.test(asked)) return true;
  return evaluate(found) === result;
}

/** False where the prompt names one number and the answer calls it what it is not. */
export function parityHolds(prompt: string, answer: string): boolean {
  const numbers = prompt.normalize('NFKC').match(/\d+/g) ?? [];
  if (numbers.length !== 1) return true;
  const saysEven = /even|偶/i.test(answer);
  return saysEven !== /odd|奇/i.test(answer) && saysEven === (Number(numbers[0].slice(-1)) % 2 === 0);
}
