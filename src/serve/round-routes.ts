// Learning from what people said, from the page: one round at a time, decided by the gate, and a way back.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { ifAbsent, systemErrorCode, UserError } from '../base/errors.js';
import { exists, makeDirectory } from '../base/files.js';
import { feedbackFigures } from '../feedback/summary.js';
import { feedbackEpochs, feedbackOutlook } from '../stages/align/feedback-outlook.js';
import { readBody } from './body.js';
import { type RoundId, type RoundUndone, roundSchema } from './contract.js';
import { RefusedRequest } from './refusal.js';
import { ownProgram, Round, roundEnd } from './round.js';
import { sendEvents } from './sse.js';

export interface RoundHost {
  /** The folder of runs: a round becomes `feedback-N` in it. */
  runs: string;
  /** The feedback store. */
  file: string;
  seed: number;
  /** Of `mossctl align`, beside those of the round: `--threads 1`, `--backend native`. */
  flags: readonly string[];
  /** What Node is given to start `mossctl`; default: this package's. */
  program?: readonly string[];
  /** The checkpoint of a served model; undefined where there is none of this id. */
  checkpointOf(model: string): string | undefined;
  /** Serves a promoted checkpoint as `id` and makes it the default. @returns the id under which it is served. */
  offer(id: string, checkpoint: string): Promise<string>;
  /** Makes the model before it the default again, where it is the default. @returns the id of the default. */
  withdraw(id: string): Promise<string>;
}

/** `app` is to be mounted at `/api`; `close` lets no round begin any more, and ends the one that runs or is about to. */
export function roundRoutes(host: RoundHost): { app: Hono; close(): Promise<void> } {
  const app = new Hono();
  const rounds = new Map<string, Round>();
  let starting: Promise<Round> | undefined;
  let isClosed = false;
  const running = (): Round | undefined => [...rounds.values()].find(({ isRunning }) => isRunning);
  app.post('/rounds', async (context) => {
    const { model } = await readBody(context, roundSchema);
    const checkpoint = host.checkpointOf(model);
    if (checkpoint === undefined) {
      const next = 'Take an id of /api/session';
      throw new RefusedRequest({ status: 404, where: 'model', what: 'no model is served under this id', next });
    }
    if (isClosed) throw new RefusedRequest({ status: 503, what: 'the server is stopping', retryAfter: 10 });
    const now = running();
    if (now !== undefined || starting !== undefined) {
      const next = 'Wait for its end';
      throw new RefusedRequest({
        status: 409,
        what: `a round is running${now === undefined ? '' : ` (${now.id})`}`,
        next,
      });
    }
    starting = startRound(host, checkpoint);
    try {
      const round = await starting;
      rounds.set(round.id, round);
      return context.json({ id: round.id } satisfies RoundId);
    } finally {
      starting = undefined;
    }
  });
  app.get('/rounds/:id', async (context) => {
    const id = idOf(context.req.param('id'));
    const round = rounds.get(id);
    if (round !== undefined) {
      return sendEvents(context, async function* (signal) {
        for await (const data of round.events(signal)) yield { data };
      });
    }
    const run = join(host.runs, id);
    if (!(await exists(run))) throw noRound();
    return sendEvents(context, async function* () {
      yield { data: await roundEnd(run) };
    });
  });
  app.post('/rounds/:id/undo', async (context) => {
    const id = idOf(context.req.param('id'));
    if (!rounds.has(id)) throw (await exists(join(host.runs, id))) ? ofAnother(id) : noRound();
    const end = rounds.get(id)?.end;
    if (end?.model === undefined || end.checkpoint === undefined) {
      const why = end === undefined ? 'it is running still' : 'it was not promoted';
      throw new RefusedRequest({ status: 409, what: 'there is nothing to take back of this round', why });
    }
    const undone: RoundUndone = { default: await host.withdraw(id), checkpoint: end.checkpoint };
    return context.json(undone);
  });
  return {
    app,
    async close() {
      isClosed = true;
      const begun = await starting?.catch(() => undefined);
      await (begun ?? running())?.stop();
    },
  };
}

/** A folder's name, never a path. */
function idOf(id: string): string {
  if (/^feedback-[1-9]\d{0,5}$/.test(id)) return id;
  throw noRound();
}

function noRound(): RefusedRequest {
  return new RefusedRequest({ status: 404, what: 'there is no such round', next: 'Start one with POST /api/rounds' });
}

/** What is served, and was the default before it, is known while the server runs, and no longer. */
function ofAnother(id: string): RefusedRequest {
  return new RefusedRequest({
    status: 409,
    what: `${id} is a round of a server before this one: nothing of it is served here, and there is nothing to take back`,
    next: 'Name its checkpoint to mossctl serve to serve it',
  });
}

async function startRound(host: RoundHost, checkpoint: string): Promise<Round> {
  const { runs, file, seed, flags, program = ownProgram } = host;
  const { method, refusal } = feedbackOutlook((await feedbackFigures(file)).preferences, file, seed);
  if (refusal !== undefined) throw new RefusedRequest({ status: 409, ...refusal.faults[0] });
  const id = await newRound(runs);
  const settings = [`align.method=${method}`, `align.train.epochs=${feedbackEpochs}`].flatMap((set) => ['--set', set]);
  const places = ['--from', checkpoint, '--data', file, '--out', join(runs, id)];
  const args = [...program, 'align', ...places, ...settings, '--seed', String(seed), '--json', ...flags];
  return new Round(id, args, join(runs, id), async (end) => {
    if (end.checkpoint === undefined) return end;
    try {
      return { ...end, model: await host.offer(id, end.checkpoint) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ...end, why: `${end.why}; it cannot be served: ${error.message}` };
    }
  });
}

/** Makes the folder: it is this round's, whoever else makes one. */
async function newRound(runs: string): Promise<string> {
  await makeDirectory(runs);
  const names = await readdir(runs).catch(ifAbsent<string[]>([]));
  const numbers = names.map((name) => Number(/^feedback-(\d{1,6})$/.exec(name)?.[1] ?? 0));
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const id = `feedback-${number}`;
    try {
      await mkdir(join(runs, id));
      return id;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}
