// npm run test:crash-teacher: self-instruct asks a faulty endpoint for thousands of instructions and is killed over and over.
// Afterwards our ledger and the endpoint's own book must agree, nothing that was received was paid for twice, no row is twice.
//   --instructions 5000  --kills 20  --seed 1  --concurrency 16
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.js';
import { commands, root } from './session.js';
import { type FaultyTeacher, startFaultyTeacher } from './teacher-server.js';

const { values } = parseArgs({
  options: {
    instructions: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '16' },
  },
});
const [instructions, kills, seed] = [values.instructions, values.kills, values.seed].map(Number);
const timeoutSeconds = 2;
const random = Random.stream(seed, 'teacher crashes');
const teacher = await startFaultyTeacher(seed, timeoutSeconds);
const folder = mkdtempSync(join(tmpdir(), 'mossctl-crash-teacher-'));
const violations: string[] = [];

const whole = await killOverAndOver(join(folder, 'whole'), { kills, settings: [] });
const rows = checkRows(join(folder, 'whole'), instructions);
const ledger = checkLedger(join(folder, 'whole'), teacher);
console.log(`${whole.killed} kills, ${whole.processes} processes: ${rows} rows`);
console.log(`the ledger: ${ledger.text}`);
console.log(`the endpoint saw ${teacher.seen.length} requests: ${countFaults(teacher)}`);

// A budget, through kills: what the endpoint asks to be paid for must stay below it.
const before = teacher.seen.length;
const budget = Math.round(0.1 * teacher.seen.reduce((sum, { tokens }) => sum + tokens, 0));
const spent = await killOverAndOver(join(folder, 'budget'), {
  kills: 5,
  settings: [`selfInstruct.budgetTokens=${budget}`],
});
const billed = teacher.seen.slice(before).reduce((sum, { tokens }) => sum + tokens, 0);
if (billed > budget) violations.push(`${billed} tokens were asked for, the budget is ${budget}`);
if (!/the budget of [\d,]+ tokens is spent/.test(spent.said))
  violations.push(`no word of the budget: ${spent.said.slice(-600)}`);
console.log(`a budget of ${budget} tokens, ${spent.killed} kills: the endpoint asks for ${billed}`);

await teacher.close();
for (const violation of violations.slice(0, 10)) console.error(violation);
console.log(`${violations.length} violations`);
if (violations.length === 0) rmSync(folder, { recursive: true });
else console.log(`what went wrong lies in ${folder}`);
process.exitCode = violations.length === 0 ? 0 : 1;

interface Rounds {
  killed: number;
  processes: number;
  /** By the last process. */
  said: string;
}

/** Runs to the end; each kill comes at a random instant after so many more requests. */
async function killOverAndOver(
  run: string,
  { kills, settings }: { kills: number; settings: string[] },
): Promise<Rounds> {
  const isBudget = settings.length > 0;
  const apart = Math.floor((isBudget ? 100 : instructions) / (kills + 1));
  for (let killed = 0, processes = 1; ; processes++) {
    const { child, end } = start(run, settings);
    const began = teacher.seen.length;
    const at = began + random.integer(1, 2 * apart);
    teacher.onRequest = async (count) => {
      if (killed >= kills || count !== at) return;
      await sleep(random.uniform() * 30);
      child.kill('SIGKILL');
    };
    const { signal, code, said } = await end;
    if (signal === 'SIGKILL') killed++;
    else if (code === 0 || isBudget) return { killed, processes, said };
    else throw new Error(`ended by itself with ${signal ?? code}: ${said.slice(-2000)}`);
    checkSent(run, began);
  }
}

function start(
  run: string,
  settings: string[],
): { child: ChildProcess; end: Promise<{ signal: string | null; code: number | null; said: string }> } {
  const set = [
    ...[`seeds=${join(root, 'data-specs/seeds.jsonl')}`, 'teacher=openai', 'model=faulty', `baseUrl=${teacher.url}`],
    ...[
      'kinds=[arithmetic]',
      `count=${instructions - 700}`,
      'prompts=200',
      'heldOut=500',
      'retries=8',
      'turns.share=0',
    ],
    ...[`timeoutSeconds=${timeoutSeconds}`, `concurrency=${values.concurrency}`],
  ].map((setting) => `selfInstruct.${setting}`);
  const args = [...commands.built, 'self-instruct', '--out', run, '--json'];
  for (const setting of [...set, ...settings]) args.push('--set', setting);
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000);
    });
  const end = new Promise<{ signal: string | null; code: number | null; said: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, said }));
  });
  return { child, end };
}

function linesOf(run: string): Record<string, unknown>[] {
  const text = readFileSync(join(run, 'self-instruct-responses.jsonl'), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n'))
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What the endpoint has seen stands in the ledger, whenever the process was killed. */
function checkSent(run: string, from: number): void {
  const noted = new Set(linesOf(run).flatMap(({ request, sent }) => (sent === undefined ? [] : [request])));
  const unknown = teacher.seen.slice(from).filter(({ id }) => !noted.has(id));
  if (unknown.length > 0) violations.push(`${unknown.length} requests were sent and not noted`);
}

function checkRows(run: string, wanted: number): number {
  const files = ['train', 'prompts', 'heldout'].map((name) =>
    readFileSync(join(run, `self-instruct/${name}.jsonl`), 'utf8'),
  );
  const asked = files.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { messages: { content: string }[] }).messages[0].content),
  );
  const distinct = new Set(asked).size;
  if (distinct < asked.length) violations.push(`${asked.length - distinct} rows stand twice`);
  if (asked.length !== wanted) violations.push(`${asked.length} rows, ${wanted} were wanted`);
  return asked.length;
}

function checkLedger(run: string, { seen }: FaultyTeacher): { text: string } {
  const lines = linesOf(run);
  const ids = (key: string): unknown[] => lines.filter((line) => key in line).map(({ request }) => request);
  const [sent, refused, lost, unsent] = ['sent', 'status', 'lost', 'unsent'].map(ids);
  const replies = ids('completion').filter((request) => request !== undefined);
  const ends = [...refused, ...lost, ...unsent, ...replies];
  if (new Set(sent).size < sent.length || new Set(ends).size < ends.length) violations.push('a request stands twice');
  if (sent.length !== ends.length) violations.push(`${sent.length} requests have ${ends.length} ends`);
  const arrived = new Set<unknown>(seen.map(({ id }) => id));
  const never = lost.filter((request) => !arrived.has(request));
  const atKills = lines.filter(({ lost: why }) => /process ended/.test(String(why))).map(({ request }) => request);
  if (never.some((request) => !atKills.includes(request))) violations.push('lost, never seen, and not at a kill');
  const denied = unsent.filter((request) => arrived.has(request));
  if (denied.length > 0) violations.push(`${denied.length} requests arrived that are said to have never left`);
  const answered = refused.length + replies.length;
  if (answered + lost.length !== seen.length + never.length)
    violations.push(
      `${answered} answered + ${lost.length} lost are not ${seen.length} seen + ${never.length} that never arrived`,
    );
  checkPaidOnce(seen, new Set(replies));
  return {
    text: `${sent.length} requests = ${answered} answered + ${lost.length} lost (${atKills.length} in flight at a kill, ${never.length} of them before they arrived) + ${unsent.length} that never left`,
  };
}

/** A question whose reply is in the ledger is not asked again: of equal requests the last alone has one. */
function checkPaidOnce(seen: FaultyTeacher['seen'], replies: ReadonlySet<unknown>): void {
  const isAnswered = new Set<string>();
  for (const { id, digest } of seen) {
    if (isAnswered.has(digest)) violations.push(`${id} asks what had been answered`);
    if (replies.has(id)) isAnswered.add(digest);
  }
}

function countFaults({ seen }: FaultyTeacher): string {
  const counts = new Map<string, number>();
  for (const { fault } of seen) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  return [...counts].map(([fault, count]) => `${count} ${fault}`).join(', ');
}
