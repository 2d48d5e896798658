// The runs and what is in them, kept up to date: the list is asked for again every few seconds, and a run whenever its events say
// that something came.
import { useEffect, useState } from 'preact/hooks';
import type { RunDetail, RunList } from '../serve/contract.js';
import { type Connection, problemOf } from './connection.js';
import type { Problem } from './conversation.js';

const listMilliseconds = 5000;
/** Between two readings of one run: its events come faster than a curve is read. */
const detailMilliseconds = 1500;

interface Latest<T> {
  value?: T;
  problem?: Problem;
}

export function useRuns(connection: Connection): Latest<RunList> {
  const [watched, setWatched] = useState<Latest<RunList>>({});
  useEffect(() => {
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      try {
        setWatched({ value: await connection.get<RunList>('/api/runs', controller.signal) });
      } catch (error) {
        if (!controller.signal.aborted) setWatched(({ value }) => ({ value, problem: problemOf(error) }));
      }
    };
    void read();
    const timer = setInterval(read, listMilliseconds);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [connection]);
  return watched;
}

/** Nothing is asked for without a name. */
export function useRun(connection: Connection, name: string | undefined): Latest<RunDetail> {
  const [watched, setWatched] = useState<Latest<RunDetail>>({});
  useEffect(() => {
    setWatched({});
    if (name === undefined) return;
    const controller = new AbortController();
    const { signal } = controller;
    void follow(connection, `/api/runs/${encodeURIComponent(name)}`, signal, setWatched);
    return () => controller.abort();
  }, [connection, name]);
  return watched;
}

/** Reads the run, waits for its next event, and reads it again; where the events break off, after a while. */
async function follow(
  connection: Connection,
  path: string,
  signal: AbortSignal,
  show: (change: (before: Latest<RunDetail>) => Latest<RunDetail>) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const value = await connection.get<RunDetail>(path, signal);
      if (signal.aborted) return;
      show(() => ({ value }));
      const events = new AbortController();
      const either = AbortSignal.any([signal, events.signal]);
      for await (const _ of connection.stream(`${path}/events?from=${value.offset}`, either)) events.abort();
      if (events.signal.aborted || value.state === 'running') await pause(detailMilliseconds);
      else await pause(listMilliseconds);
    } catch (error) {
      if (signal.aborted) return;
      show(({ value }) => ({ value, problem: problemOf(error) }));
      await pause(listMilliseconds);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
