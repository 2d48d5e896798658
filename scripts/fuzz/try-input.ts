// One input: made from a seed and a number alone, so that it can be made again; read; judged.
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import type { Reader } from './readers.js';

export interface Outcome {
  verdict: 'accepted' | 'refused' | 'fault';
  /** What the reader said, or what is wrong with it. */
  why?: string;
  /** Of processor time: a busy machine makes nothing slower. */
  milliseconds: number;
  /** By how much the process grew, at most: its resident memory, or its buffers where they were never touched. */
  mebibytes: number;
}

/** What one input may cost. Inputs are at most 1 MiB. */
export const maxMilliseconds = 5_000;
export const maxMebibytes = 256;

/** Every sixteenth input is left whole: a reader that refuses everything is no proof of anything. */
export function inputOf(reader: Reader, seed: number, index: number): Buffer {
  const random = Random.stream(seed, `${reader.name}:${index}`);
  const start = random.choose(reader.seeds);
  return index % 16 === 0 ? start : reader.mutate(random, start, reader.seeds);
}

export async function tryInput(reader: Reader, input: Buffer): Promise<Outcome> {
  const before = process.memoryUsage();
  const peakBefore = process.resourceUsage().maxRSS;
  const cpuBefore = process.cpuUsage();
  let verdict: Outcome['verdict'] = 'accepted';
  let why: string | undefined;
  try {
    await reader.read(input);
  } catch (error) {
    verdict = error instanceof UserError ? 'refused' : 'fault';
    why = error instanceof UserError ? error.message : describe(error);
  }
  const cpu = process.cpuUsage(cpuBefore);
  const after = process.memoryUsage();
  const resident = (process.resourceUsage().maxRSS - peakBefore) / 1024;
  const buffers = (after.arrayBuffers - before.arrayBuffers) / 2 ** 20;
  const outcome = {
    verdict,
    why,
    milliseconds: (cpu.user + cpu.system) / 1000,
    mebibytes: Math.max(0, resident, buffers),
  };
  const broken = brokenRule(outcome, reader);
  return broken === undefined
    ? outcome
    : { ...outcome, verdict: 'fault', why: [broken, why].filter(Boolean).join('; ') };
}

function brokenRule({ verdict, why, milliseconds, mebibytes }: Outcome, reader: Reader): string | undefined {
  const { maxMilliseconds: time = maxMilliseconds, maxMebibytes: memory = maxMebibytes } = reader;
  if (milliseconds > time) return `it took ${Math.round(milliseconds)} ms; ${time} is the cap`;
  if (mebibytes > memory) return `it took ${Math.round(mebibytes)} MiB; ${memory} is the bound`;
  if (Object.keys(Object.prototype).length > 0 || 'polluted' in {}) return 'it has changed Object.prototype';
  if (verdict === 'refused' && (why === undefined || why.length > 20_000))
    return 'its refusal is longer than its input';
  return undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `a ${typeof error} was thrown: ${String(error)}`;
}
