// Learning from what people said, from the page: one round at a time, decided by the gate, and a way back. What rounds came to is on
// the disk, so that a server that starts serves what an earlier one promoted, and can undo it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { asUserError, UserError } from '../base/errors.js';
import type { Speech } from '../language/speech.js';
import { readBody } from './body.js';
import {
  bounds,
  type RoundEnd,
  type RoundEvent,
  type RoundId,
  type RoundList,
  type RoundSummary,
  type RoundUndone,
  roundSchema,
} from './contract.js';
import { isRoundId, type KeptRound, keepUndone, readKeptRound, refused, roundsIn, unfinished } from './kept-rounds.js';
import { RefusedRequest, speechFor } from './refusal.js';
import type { Round } from './round.js';
import { type RoundSettings, startRound } from './round-start.js';
import { readerOf, type SentEvent, sendEvents } from './sse.js';

export interface RoundHost extends RoundSettings {
  /** The checkpoint of a served model; undefined where there is none of this id. */
  checkpointOf(model: string): string | undefined;
  /** Digests of the models that are served: what rounds promoted of others is not. */
  digests(): readonly string[];
  /** Serves a promoted checkpoint as `id` and makes it the default. @returns the id under which it is served. */
  offer(id: string, checkpoint: string): Promise<string>;
  /** Makes the model before it the default again, where it is the default. @returns the id of the default. */
  withdraw(id: string): Promise<string>;
}

export interface RoundRoutes {
  /** To be mounted at `/api`. */
  app: Hono;
  /** Offers what earlier servers promoted of the models that are served, the newest last. @returns why some of it cannot be served. */
  restore(): Promise<string[]>;
  /** Lets no round begin any more, and ends the one that runs or is about to. */
  close(): Promise<void>;
}

export function roundRoutes(host: RoundHost): RoundRoutes {
  const app = new Hono();
  const rounds = new Map<string, Round>();
  /** Ids of rounds of earlier servers that are served. */
  const restored = new Set<string>();
  let starting: Promise<Round> | undefined;
  let isClosed = false;
  const running = (): Round | undefined => [...rounds.values()].find(({ isRunning }) => isRunning);
  /** Here, or in a process that works in its folder. */
  const isRunning = (id: string, kept: KeptRound): boolean => rounds.get(id)?.isRunning ?? isOfAnother(kept);

  /** Of a round that has ended, as this server knows it. */
  const endOf = (id: string, { end = unfinished, isUndone }: KeptRound): RoundEnd => {
    const own = rounds.get(id)?.end ?? { ...end, ...(restored.has(id) && { model: id }) };
    const { model: _, ...withdrawn } = own;
    return isUndone ? withdrawn : own;
  };
  const summaryOf = async (id: string): Promise<RoundSummary> => {
    const kept = await readable(join(host.runs, id));
    if (kept instanceof UserError) return unreadable(host.runs, id, kept);
    const began = new Date(kept.began).toISOString();
    if (isRunning(id, kept)) return { id, state: 'running', began };
    const end = endOf(id, kept);
    const decided = end.promoted ? (kept.isUndone ? 'undone' : 'promoted') : 'refused';
    return { id, state: kept.end === undefined ? 'stopped' : decided, began, end };
  };

  app.get('/rounds', async (context) => {
    const all = (await roundsIn(host.runs)).reverse();
    const newest = await Promise.all(all.slice(0, bounds.rounds).map(summaryOf));
    const more = all.length - newest.length;
    const speech = await speechFor(context);
    const rounds = newest.map(({ end, ...round }) => ({ ...round, ...(end && { end: spoken(end, speech) }) }));
    return context.json({ rounds, ...(more > 0 && { more }) } satisfies RoundList);
  });
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
    starting = startRound(host, checkpoint, (id, end) => served(host, id, end));
    try {
      const round = await starting;
      rounds.set(round.id, round);
      return context.json({ id: round.id } satisfies RoundId);
    } finally {
      starting = undefined;
    }
  });
  app.get('/rounds/:id', async (context) => {
    const id = await known(host.runs, context.req.param('id'));
    const reader = readerOf(context);
    const speech = await speechFor(context);
    const round = rounds.get(id);
    if (round !== undefined) return sendEvents(context, said(round.events(reader.signal), speech), reader);
    const kept = await readKeptRound(join(host.runs, id));
    if (isOfAnother(kept)) throw ofAnother(id);
    return sendEvents(context, said([endOf(id, kept)], speech), reader);
  });
  app.post('/rounds/:id/undo', async (context) => {
    const id = await known(host.runs, context.req.param('id'));
    const run = join(host.runs, id);
    const kept = await readKeptRound(run);
    const end = rounds.has(id) ? rounds.get(id)?.end : kept.end;
    const isServed = end?.model !== undefined || restored.has(id);
    if (end?.checkpoint === undefined || !(isServed || kept.isUndone)) {
      const why = isRunning(id, kept)
        ? 'it is running still'
        : end?.promoted
          ? 'it began with a model that is not served here'
          : 'it was not promoted';
      throw new RefusedRequest({ status: 409, what: 'there is nothing to take back of this round', why });
    }
    // First on the disk: a server that is killed in between does not serve it again.
    if (!kept.isUndone) await keepUndone(run);
    const undone: RoundUndone = { default: await host.withdraw(id), checkpoint: end.checkpoint };
    return context.json(undone);
  });
  return {
    app,
    async restore() {
      const faults: string[] = [];
      const served = new Set(host.digests());
      for (const id of await roundsIn(host.runs)) {
        const kept = await readable(join(host.runs, id));
        if (kept instanceof UserError) {
          faults.push(`${id}, a round of an earlier server, cannot be read: ${kept.message}`);
          continue;
        }
        const { end, parents, digest, isUndone } = kept;
        if (digest === undefined || end?.checkpoint === undefined || !parents.some((one) => served.has(one))) continue;
        served.add(digest); // a later round may have begun with it, also where it was undone since
        if (isUndone) continue;
        try {
          await host.offer(id, end.checkpoint);
          restored.add(id);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          faults.push(`${id}, which was promoted, cannot be served: ${error.message}`);
        }
      }
      return faults;
    },
    async close() {
      isClosed = true;
      const begun = await starting?.catch(() => undefined);
      await (begun ?? running())?.stop();
    },
  };
}

async function* said(
  events: AsyncIterable<RoundEvent> | Iterable<RoundEvent>,
  speech: Speech,
): AsyncGenerator<SentEvent, void> {
  for await (const event of events) yield { data: JSON.stringify(spoken(event, speech)) };
}

/** What the gate and the training say, in the language of whoever reads it. */
function spoken<E extends RoundEvent>(event: E, { say }: Speech): E {
  if (event.type === 'end') return { ...event, why: say(event.why) };
  if (event.type === 'error') return event;
  return { ...event, label: say(event.label), ...(event.text !== undefined && { text: say(event.text) }) };
}

function isOfAnother({ isHeld, end }: KeptRound): boolean {
  return isHeld && end === undefined;
}

/** One round that cannot be read is no reason to say nothing of the others. */
async function readable(run: string): Promise<KeptRound | UserError> {
  try {
    return await readKeptRound(run);
  } catch (error) {
    const fault = asUserError(error, run);
    if (fault instanceof UserError) return fault;
    throw error;
  }
}

async function unreadable(runs: string, id: string, { message }: UserError): Promise<RoundSummary> {
  const { mtime } = await stat(join(runs, id));
  return { id, state: 'stopped', began: mtime.toISOString(), end: refused(`the round cannot be read: ${message}`) };
}

/** The id of a round that is there: a folder's name, never a path. */
async function known(runs: string, id: string): Promise<string> {
  if (isRoundId(id) && (await roundsIn(runs)).includes(id)) return id;
  throw new RefusedRequest({ status: 404, what: 'there is no such round', next: 'Start one with POST /api/rounds' });
}

function ofAnother(id: string): RefusedRequest {
  return new RefusedRequest({
    status: 409,
    what: `another process works on ${id}: what it says goes there`,
    next: 'GET /api/rounds says what became of it',
    retryAfter: 10,
  });
}

/** What the gate has promoted is served at once. */
async function served(host: RoundHost, id: string, end: RoundEnd): Promise<RoundEnd> {
  if (end.checkpoint === undefined) return end;
  try {
    return { ...end, model: await host.offer(id, end.checkpoint) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...end, why: `${end.why}; it cannot be served: ${error.message}` };
  }
}
