// A chat template from outside is first tried out in a worker, on conversations of ours, with a limit on its time, its
// memory and what it writes; only then may it run in this process, where jinja/budget.ts counts its steps. The worker
// sees the template and these conversations, and has no environment and no standard streams of ours.
import { UserError } from '../base/errors.js';
import { startWorker } from '../base/worker.js';
import { missingTemplate } from './chatml.js';
import { ownTemplate } from './own-templates.js';
import type { RoleTokens } from './roles.js';
import type { ProbeJob, ProbeResult } from './template-worker.js';

const timeLimitMs = 10_000;
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };

const answer = 'mossctl-probe-answer';
const user = { role: 'user', content: 'Hello' };
const assistant = { role: 'assistant', content: answer };
const system = { role: 'system', content: 'Be brief.' };

/** The first two must render; the others show what much text and many turns cost. */
const probes = [
  { messages: [user, assistant], add_generation_prompt: false },
  { messages: [user], add_generation_prompt: true },
  { messages: [system, user, assistant, user, assistant], add_generation_prompt: false },
  { messages: [user, assistant, { role: 'tool', content: '{"x": 1}' }, assistant], add_generation_prompt: false },
  { messages: Array.from({ length: 50 }, () => [user, assistant]).flat(), add_generation_prompt: false },
  { messages: [{ role: 'user', content: 'x\n'.repeat(10_000) }], add_generation_prompt: true },
];

const probed = new Map<string, Promise<string>>();
const maxProbed = 64;

/**
 * Tries a template out, once in a process. Throws `UserError` (`where` names its file) where it does not work or asks
 * for too much. Takes about 100 ms.
 * @returns what the template writes after an assistant's answer at the end of a conversation.
 */
export async function probeTemplate(source: string, roles: RoleTokens, where: string): Promise<string> {
  const own = ownTemplate(source);
  if (own !== undefined) return own.turnEnd;
  if (source === missingTemplate) return '';
  const key = JSON.stringify([source, roles]);
  let probe = probed.get(key);
  if (probe === undefined) {
    if (probed.size >= maxProbed) probed.clear();
    probe = tryOut(source, roles);
    probed.set(key, probe);
  }
  try {
    return await probe;
  } catch (error) {
    throw new UserError({
      what: 'this chat template is not used',
      where,
      why: (error as Error).message,
      next: 'Put a template that works into the folder as chat_template.jinja',
    });
  }
}

async function tryOut(source: string, { bos, eos, pad, unk }: RoleTokens): Promise<string> {
  const constants = { tools: null, documents: null, bos_token: bos, eos_token: eos, pad_token: pad, unk_token: unk };
  const contexts = probes.map((probe) => ({ ...probe, ...constants }));
  const { renderings, fault } = await runWorker({ source, contexts });
  const first = renderings?.[0] ?? null;
  if (fault !== undefined) throw new Error(fault);
  if (first === null || (renderings?.[1] ?? null) === null) {
    throw new Error('it refuses a conversation of one user and one assistant');
  }
  const at = first.lastIndexOf(answer);
  if (at < 0) throw new Error('it omits what the assistant said');
  return first.slice(at + answer.length);
}

function runWorker(job: ProbeJob): Promise<ProbeResult> {
  const worker = startWorker(new URL('./template-worker.js', import.meta.url), {
    workerData: job,
    resourceLimits,
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  const result = new Promise<ProbeResult>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it takes more than ${timeLimitMs / 1000} seconds`)), timeLimitMs);
    worker.once('message', resolve);
    worker.once('error', (error) => reject(new Error(`it failed: ${error.message}`)));
    worker.once('exit', () => reject(new Error('it ended its worker')));
  });
  return result.finally(() => {
    clearTimeout(timer);
    return worker.terminate();
  });
}
