// `from: stdin` of a data-spec: standard input is spooled into the cache before the corpus is built.
import { needsInput, spoolStdin } from '../data/sources/stdin.js';
import { loadDataSpec } from '../data/spec.js';
import { reporting } from './reporting.js';
import { findRun, type StageRun } from './run-stages.js';

/**
 * `data.stdin=…` where the data-spec of `options` reads standard input, which is spooled then.
 * On a terminal, or where nothing comes, what an earlier build of the same run folder read is taken.
 */
export async function stdinSetting(options: StageRun): Promise<string[]> {
  const { data } = (await findRun({ ...options, only: 'data' })).config;
  if (data === undefined) return [];
  const { sources } = await loadDataSpec(data.spec);
  if (!sources.some(({ from }) => from === 'stdin')) return [];
  if (process.stdin.isTTY) {
    if (data.stdin !== undefined) return [];
    throw needsInput('standard input is a terminal');
  }
  const digest = await reporting('data', options, (context) => spoolStdin(process.stdin, data.stdin, context));
  return [`data.stdin=${digest}`];
}
