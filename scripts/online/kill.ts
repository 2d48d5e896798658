// npm run test:online-kill: a round of alignment that samples while it trains is killed (kill -9) at random moments, over and over. It must
// end with the digest of the run that nothing happened to, and with the same samples, none of them drawn or scored twice.
//   --method grpo  --kills 20  --seed 1  --sources (src/ through tsx, not dist/)  --folder PATH (kept where it goes wrong)
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { rolloutsName, roundName } from '../../src/base/layout.js';
import { endedOrKilled, killOptions, openKills } from '../crash/kills.js';
import { runArguments } from '../crash/rounds.js';
import { runSession, type Session } from '../crash/session.js';

const { values: options } = parseArgs({
  options: { ...killOptions, method: { type: 'string', default: 'grpo' } },
});
const { folder, command, random } = openKills('online-kill', options);
/** What online.yaml says that another method does not read. */
const unread: Readonly<Record<string, string[]>> = {
  'online-dpo': ['align.klWeight=null'],
  ppo: ['align.resample=null'],
};
const settings = [`align.method=${options.method}`, ...(unread[options.method] ?? [])];
const world = { pipeline: 'online.yaml', settings };

/** What a round came to: what it learnt, and what it sampled and paid for, in whatever order. */
function outcomeOf(run: string): { digest: string; lines: string[] } {
  const round = join(run, 'align/round-01');
  const { candidate } = JSON.parse(readFileSync(join(round, roundName), 'utf8')) as { candidate: { digest: string } };
  const [, ...lines] = readFileSync(join(round, rolloutsName), 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => {
    const { seal: _, ...entry } = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(entry);
  });
  return { digest: candidate.digest, lines: entries.sort() };
}

async function run(path: string, moment?: number): Promise<Session> {
  const session = await runSession({
    ...{ command, args: runArguments(path, world) },
    ...(moment !== undefined && {
      moment: { stage: 'align', milliseconds: moment },
      act: (child) => void child.kill('SIGKILL'),
    }),
  });
  return endedOrKilled(session);
}

// All before alignment is done once.
const base = join(folder, 'base');
await runSession({ command, args: [...runArguments(base, world), '--set', 'align=null'] });
const whole = join(folder, 'whole');
cpSync(base, whole, { recursive: true });
const started = performance.now();
const { starts } = await run(whole);
const milliseconds = performance.now() - started - (starts.get('align') ?? 0);
const expected = outcomeOf(whole);
console.log(
  `${options.method}, seed ${options.seed}, in ${folder}; undisturbed: ${(milliseconds / 1000).toFixed(1)} s, ${expected.lines.length} entries in the journal`,
);

let [left, wrong, runs] = [Number(options.kills), 0, 0];
while (left > 0) {
  const path = join(folder, `run-${++runs}`);
  cpSync(base, path, { recursive: true });
  let kills = 0;
  for (;;) {
    // The same run is killed four times, and then let go.
    const isKilled = left > 0 && kills < 4;
    const session = await run(path, isKilled ? random.uniform() * milliseconds : undefined);
    if (session.signal === null) break;
    kills++;
    left--;
  }
  const outcome = outcomeOf(path);
  const isEqual = isDeepStrictEqual(outcome, expected);
  if (!isEqual) wrong++;
  console.log(
    `run ${runs}: ${kills} kills, ${outcome.digest === expected.digest ? 'the same digest' : 'ANOTHER DIGEST'}, ${isDeepStrictEqual(outcome.lines, expected.lines) ? 'the same samples' : 'OTHER SAMPLES'}`,
  );
  if (kills === 0) left--; // it ended before its moment came
}
console.log(`${runs - wrong} of ${runs} runs ended as the undisturbed one`);
if (wrong === 0 && options.folder === undefined) rmSync(folder, { recursive: true, force: true });
process.exitCode = wrong === 0 ? 0 : 1;
