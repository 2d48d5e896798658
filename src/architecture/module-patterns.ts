// Names of modules, matched as PEFT 0.21.2 matches them: targets by their last segments, patterns by regular expressions. An
// adapter's file comes from anybody, and a regular expression may take for ever: each runs against the clock.
import { runInNewContext } from 'node:vm';
import { UserError } from '../base/errors.js';

const maxMilliseconds = 250;
const maxLength = 1000;

/** Whether a target means a module: its whole name, or its last segments (`q_proj`, `mlp.down_proj`). */
export function isTarget(target: string, module: string): boolean {
  return module === target || module.endsWith(`.${target}`);
}

/** Modules that a regular expression matches from the first character to the last, as a text in `target_modules` does. */
export function modulesMatching(expression: string, modules: readonly string[], where: string): string[] {
  const [found] = tested([`^(?:${expression})$`], [expression], modules, where);
  return modules.filter((_, i) => found[i]);
}

/**
 * For each module the first key of `patterns` that matches its end, from a dot on or from the beginning: the keys of
 * `rank_pattern` and `alpha_pattern`. Undefined where none does.
 */
export function firstPatterns(
  patterns: readonly string[],
  modules: readonly string[],
  where: string,
): (string | undefined)[] {
  const found = tested(
    patterns.map((pattern) => `^(?:.*\\.)?(?:${pattern})$`),
    patterns,
    modules,
    where,
  );
  return modules.map((_, module) => patterns.find((_, i) => found[i][module]));
}

class TooSlow extends Error {}

/** For each regular expression, which modules it matches. `written`: what to call it in an error. */
function tested(
  expressions: readonly string[],
  written: readonly string[],
  modules: readonly string[],
  where: string,
): boolean[][] {
  const end = performance.now() + maxMilliseconds; // for all of them together
  return expressions.map((expression, i) => {
    // Without these there is nothing to try again after it has failed: no clock is needed.
    const isPlain = /^[\w.]*$/.test(written[i]);
    try {
      if (written[i].length > maxLength) throw new Error(`it has more than ${maxLength} characters`);
      const left = Math.ceil(end - performance.now());
      if (left <= 0) throw new TooSlow();
      const regex = isPlain ? new RegExp(expression, 'u') : undefined;
      if (regex !== undefined) return modules.map((module) => regex.test(module));
      const code = "const regex = new RegExp(expression, 'u'); modules.map((module) => regex.test(module)).join()";
      const answer: unknown = runInNewContext(code, { expression, modules: [...modules] }, { timeout: left });
      return String(answer)
        .split(',')
        .map((word) => word === 'true');
    } catch (error) {
      const { code } = error as { code?: unknown };
      const isSlow = error instanceof TooSlow || code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
      throw new UserError({
        where,
        what: `the pattern ${written[i].slice(0, 200)} cannot be used`,
        why: isSlow ? 'it tries too many ways to match a name' : (error as Error).message,
        next: 'Write the names of modules, or a simpler regular expression: layers\\.[0-3]\\..*q_proj',
      });
    }
  });
}
