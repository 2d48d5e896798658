// A person's own tool that is a command: an argument list without a shell, a small environment, a process group of its own that
// ends whole at the limit, and as much of its output as the model may read.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Fault, UserError } from '../base/errors.js';
import { keepSecret, redact } from '../base/secrets.js';
import { commandLine } from '../base/shell.js';
import type { Tool } from '../tokenizer/message.js';
import { argumentsOf, filled, placeholderFaults, placeholdersIn, valuesOf } from './placeholders.js';
import { type Executor, ToolFailure, type ToolLimits } from './tool.js';

export interface CommandSpec {
  tool: Tool;
  limits: ToolLimits;
  /** Program and arguments. */
  command: readonly string[];
  stdin?: 'json';
  /** Variables that it is given beside PATH, HOME and LANG. */
  env?: readonly string[];
  /** The file that says it. */
  file: string;
}

/** Of what it complains about. */
const maxComplaint = 2000;
const complaintLines = 3;
/** Enough to read what is in a pipe. */
const pipeMilliseconds = 200;

/** @throws UserError with everything that keeps it from running here. */
export function commandTool(spec: CommandSpec): Executor {
  const { tool, limits, command, stdin, env = [], file } = spec;
  const faults = specFaults(spec).map((what): Fault => ({ what, where: file }));
  if (faults.length > 0) throw new UserError(faults);
  for (const name of env) keepSecret(process.env[name] ?? '');
  return {
    ...{ tool, limits, reaches: `runs ${commandLine(...command)}` },
    async run(given, { signal }) {
      const argv = filledCommand(spec, given);
      const input = stdin === undefined ? undefined : `${JSON.stringify(given)}\n`;
      return redact(await outputOf(argv, { tool, limits, input, environment: reduced(env), signal }));
    },
  };
}

function specFaults({ tool, command, stdin, env = [] }: CommandSpec): string[] {
  const { isOptional } = argumentsOf(tool);
  const faults = placeholderFaults(tool, command.slice(1), stdin === undefined);
  if (placeholdersIn(command[0]).length > 0) faults.push('the program is fixed: a model does not choose it');
  else if (!canRun(command[0]))
    faults.push(`${command[0]} cannot be run: there is no such program here, or it is not executable (chmod +x)`);
  for (const [i, item] of command.entries()) {
    const name = placeholdersIn(item).find(isOptional);
    const before = command[i - 1] ?? '';
    if (name !== undefined && item.startsWith('{') && before.startsWith('-') && before !== '--')
      faults.push(
        `${before} would stand alone where ${name} is not given: write ${before}=${item}, or give ${name} a default`,
      );
  }
  for (const name of env) if (process.env[name] === undefined) faults.push(`the variable ${name} is not set`);
  return faults;
}

function canRun(program: string): boolean {
  const places = program.includes('/')
    ? [program]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}

/** An item whose optional argument is absent is omitted. @throws ToolFailure for a value that would be an option. */
function filledCommand({ tool, command }: CommandSpec, given: Record<string, unknown>): string[] {
  const values = valuesOf(tool, given);
  const argv: string[] = [];
  for (const item of command) {
    const text = filled(item, values);
    if (text === undefined) continue;
    const [name] = placeholdersIn(item);
    // Of a text that the spec begins itself (`--city={city}`) the program knows what it is, and after `--` too.
    if (name !== undefined && item.startsWith('{') && text.startsWith('-') && !argv.includes('--')) {
      throw new ToolFailure(`${name} must not begin with -: the program would take it for an option.`);
    }
    argv.push(text);
  }
  return argv;
}

function reduced(names: readonly string[]): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', ...(process.platform === 'win32' ? ['SystemRoot'] : []), ...names];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

interface CommandRun {
  tool: Tool;
  limits: ToolLimits;
  input: string | undefined;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** What it wrote to standard output; it is ended where that is more than may be read. @throws ToolFailure where it fails. */
function outputOf(
  [program, ...args]: string[],
  { tool, limits, input, environment, signal }: CommandRun,
): Promise<string> {
  const maxBytes = limits.characters * 4 + 4;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...{ env: environment, detached: true, shell: false, windowsHide: true },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const end = (): void => endGroup(child);
    running.add(end);
    if (running.size === 1) process.on('exit', endAll);
    signal.addEventListener('abort', end);
    const written: Buffer[] = [];
    let size = 0;
    let complaint = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (size <= maxBytes) written.push(chunk);
      size += chunk.length;
      if (size > maxBytes) end();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-maxComplaint);
    });
    child.stdin?.on('error', () => undefined); // it may end without reading
    child.stdin?.end(input);
    // Whoever it started and left behind would hold its pipes open: those of its group end, others are not waited for.
    child.on('exit', () => {
      end();
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, pipeMilliseconds);
    });
    const finish = (): void => {
      signal.removeEventListener('abort', end);
      running.delete(end);
      if (running.size === 0) process.off('exit', endAll);
    };
    child.on('error', (error) => {
      finish();
      reject(new UserError({ what: 'the program cannot be started', where: program, why: error.message }));
    });
    child.on('close', (code, killed) => {
      finish();
      const text = Buffer.concat(written).toString().replace(/\n$/, '');
      if (size > maxBytes || code === 0) resolve(text === '' ? 'No output.' : text);
      else reject(new ToolFailure(failureWords(tool.name, code ?? killed, complaint.trim() || text.trim())));
    });
  });
}

function failureWords(name: string, end: number | string | null, complaint: string): string {
  const how = typeof end === 'number' ? `failed with exit code ${end}` : `was ended by ${end}`;
  const last = complaint.split('\n').slice(-complaintLines).join('\n');
  return redact(last === '' ? `${name} ${how}.` : `${name} ${how}: ${last}`);
}

/** Those that run: they end with this process. */
const running = new Set<() => void>();

function endAll(): void {
  for (const end of running) end();
}

/** The process and all that it started, as far as these stayed in its group. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
