// The command line as a user runs it: a real process, on what scripts/test.mjs built a moment ago, or on the sources where a
// test file runs by itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd?: string;
  stdin?: string;
  /** An open file in the place of the pipe that is read. */
  stdout?: number;
  env?: Record<string, string>;
  /** Called with the process as soon as it runs. */
  onStart?(child: ChildProcess): void;
  /** Called on everything it prints. */
  onOutput?(text: string, child: ChildProcess): void;
}

export const isBuilt = Boolean(process.env.MOSSCTL_TEST_BUILT);
export const tsxLoader = new URL('../../node_modules/tsx/dist/esm/index.mjs', import.meta.url).href;
/** What Node is given to start it. */
export const entry: readonly string[] = isBuilt
  ? [`${root}bin/mossctl.js`]
  : ['--import', tsxLoader, `${root}src/cli/main.ts`];

export function mossctl(args: readonly string[], options: CliOptions = {}): Promise<Finished> {
  const child = spawn(process.execPath, [...entry, ...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
  });
  options.onStart?.(child);
  child.stdin?.on('error', () => undefined); // it may exit before it has read all of it
  child.stdin?.end(options.stdin ?? '');
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      options.onOutput?.(text, child);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}

/** The smoke pipeline, cut down to seconds: every stage, a few steps each. */
export const shortSmoke = [
  'run',
  'smoke',
  ...[
    'pretrain.train.steps=12',
    'pretrain.train.checkpointEvery=4',
    'pretrain.train.evaluateEvery=6',
    'tokenizer.vocabSize=400',
    'selfInstruct.count=40',
    'selfInstruct.heldOut=12',
    'selfInstruct.prompts=12',
    'sft.train.steps=8',
    'sft.train.checkpointEvery=3',
    'align.rounds=2',
    'align.promptsPerRound=12',
    'align.maxNewTokens=8',
    'align.heldOutSamples=2',
    'eval.samples=1',
    'align.minMargin=0.01',
    'align.train.checkpointEvery=1',
    'align.replay.text=0.2',
    'align.replay.instructions=0.1',
    'align.ledger=true',
    'align.gate.alphas=[0.5,1]',
    'eval.maxTasks=8',
    'eval.maxNewTokens=8',
    'eval.validationTokens=400',
  ].flatMap((setting) => ['--set', setting]),
];
