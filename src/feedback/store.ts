// The feedback store: a file of JSON lines to which any number of processes append, each record in one write. A line is
// erased where it stands: one byte says that it is deleted, then blanks cover what it said. No line ever moves, so no
// lock is needed: a crash loses at most the line that was being written, and a deletion that it interrupts is finished
// by whoever opens the store next.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ifAbsent, UserError } from '../base/errors.js';
import { maxLineBytes } from '../base/jsonl.js';
import { jsonIn } from '../base/objects.js';
import {
  deletedAt,
  type FeedbackRecord,
  formatNumber,
  header,
  type Judgement,
  lineOf,
  lineStart,
  parseLine,
  tombstone,
} from './record.js';

/** The store of a working folder, where none is named. */
export const defaultStore = 'feedback.jsonl';

interface StoredLine {
  /** 1-based. */
  number: number;
  offset: number;
  bytes: Buffer;
  /** False of a last line that is cut. */
  isEnded: boolean;
}

/** Where a record stands that was found in the store. */
export interface Place {
  id: string;
  conversation: string;
  line: number;
  offset: number;
  bytes: number;
}

export interface DamagedLine {
  line: number;
  why: string;
}

/** What a store holds, without the texts. */
export interface StoreIndex {
  /** Judgements that count, in the order in which they were first made. */
  live: Place[];
  /** Every line that holds text, those withdrawn or replaced by a scrubbed one included. */
  texts: Place[];
  /** Ids of judgements that were withdrawn. */
  undone: Set<string>;
  /** Ids and conversations of judgements that were deleted. */
  deleted: { id: string; conversation: string }[];
  /** Deletions that a crash interrupted. */
  unfinished: Place[];
  damaged: DamagedLine[];
}

/** True for a file that is a store, or one that is about to be (empty, or cut within its first line). */
export async function isFeedbackStore(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(ifAbsent(undefined));
  if (file === undefined) return false;
  try {
    return (await file.stat()).isFile() && (await headerState(file)) !== 'other';
  } finally {
    await file.close();
  }
}

/** Adds records in one write, and returns once they are on the disk. @throws UserError where the file is something else. */
export async function appendFeedback(path: string, records: readonly FeedbackRecord[]): Promise<void> {
  const lines = records.map((record) => `${lineOf(record)}\n`).join('');
  if (Buffer.byteLength(lines) > maxLineBytes) {
    throw new UserError({ what: `a judgement of more than ${maxLineBytes >> 20} MiB is refused`, where: path });
  }
  const file = await open(path, 'a+');
  try {
    const state = await headerState(file);
    if (state === 'other') throw notAStore(path);
    // What another process is writing right now may show in part: then the line end makes an empty line, which is none.
    const gap = state === 'absent' || (await endsWithLine(file)) ? '' : '\n';
    await writeWhole(file, `${gap}${state === 'whole' ? '' : `${header}\n`}${lines}`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The file is opened to append: each write goes to its end, whole, whoever else writes. */
async function writeWhole(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  const { bytesWritten } = await file.write(bytes);
  // A part would be joined to the line of another process: the whole goes in again, on lines of its own.
  if (bytesWritten < bytes.length) await file.appendFile(`\n${text}`);
}

/** @throws UserError where the file is no store, or one of a newer mossctl. An absent file is an empty store. */
export async function indexStore(path: string): Promise<StoreIndex> {
  const texts: Place[] = [];
  const latest = new Map<string, Place | undefined>();
  const undone = new Set<string>();
  const conversations = new Map<string, string>();
  const unfinished: Place[] = [];
  const damaged: DamagedLine[] = [];
  for await (const line of linesOf(path)) {
    const text = line.bytes.toString('utf8');
    const start = lineStart(text);
    const place = start && { ...placeOf(line), id: start.id, conversation: start.conversation };
    if (place !== undefined && start?.isDeleted) {
      const { id, conversation, bytes } = place;
      if (text !== tombstone(id, conversation, bytes)) unfinished.push(place);
      if (!latest.has(id)) latest.set(id, undefined);
      conversations.set(id, conversation);
      continue;
    }
    const record = parseLine(text);
    if (typeof record === 'string' || place === undefined) {
      damaged.push({
        line: line.number,
        why: line.isEnded ? String(record) : 'it is cut: its writing was interrupted',
      });
      if (place !== undefined) texts.push(place); // a deletion erases what there is of it
    } else if (record.type === 'undo') undone.add(record.target);
    else {
      texts.push(place);
      latest.set(place.id, place);
    }
  }
  const live = [...latest].flatMap(([id, place]) => (place === undefined || undone.has(id) ? [] : [place]));
  const deleted = [...latest].flatMap(([id, place]) =>
    place === undefined ? [{ id, conversation: conversations.get(id) ?? '' }] : [],
  );
  return { live, texts, undone, deleted, unfinished, damaged };
}

/** The judgements at these places; what was deleted in the meantime is skipped. */
export async function* judgementsAt(path: string, places: readonly Place[]): AsyncGenerator<Judgement> {
  if (places.length === 0) return;
  const file = await open(path, 'r');
  try {
    for (const { offset, bytes } of places) {
      const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, offset);
      const record = parseLine(buffer.toString('utf8'));
      if (typeof record !== 'string' && record.type === 'judgement') yield record;
    }
  } finally {
    await file.close();
  }
}

/** The judgements that count, in the order in which they were first made. */
export async function* readFeedback(path: string): AsyncGenerator<Judgement> {
  yield* judgementsAt(path, (await indexStore(path)).live);
}

/** Erases the text of these lines, on the disk, for good. Done twice, or by two processes at once, it is the same. */
export async function eraseLines(path: string, places: readonly Place[]): Promise<void> {
  if (places.length === 0) return;
  const file = await open(path, constants.O_RDWR);
  try {
    for (const { offset } of places) await file.write(Buffer.from('1'), 0, 1, offset + deletedAt);
    await file.sync(); // from here on no reader believes them
    for (const { id, conversation, offset, bytes } of places) {
      await file.write(Buffer.from(tombstone(id, conversation, bytes)), 0, bytes, offset);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Finishes what a crash interrupted: to be called by whoever is about to write. @returns how many lines it erased. */
export async function finishDeletions(path: string): Promise<number> {
  const { unfinished } = await indexStore(path);
  await eraseLines(path, unfinished);
  return unfinished.length;
}

function placeOf({ number, offset, bytes }: StoredLine): Omit<Place, 'id' | 'conversation'> {
  return { line: number, offset, bytes: bytes.length };
}

async function headerState(file: FileHandle): Promise<'absent' | 'cut' | 'whole' | 'other'> {
  const { size } = await file.stat();
  if (size === 0) return 'absent';
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
  const text = buffer.toString('utf8', 0, bytesRead);
  const [first] = text.split('\n', 1);
  if (isHeader(first)) return first.length < text.length ? 'whole' : 'cut';
  // One that a crash cut, alone or before the whole one that was written after it.
  if (!header.startsWith(first)) return 'other';
  return isHeader(text.split('\n', 2)[1] ?? '') ? 'whole' : 'cut';
}

function isHeader(line: string): boolean {
  const value = jsonIn(line) as { mossctl?: unknown } | undefined | null;
  return line.startsWith('{') && value?.mossctl === 'feedback';
}

async function endsWithLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === newline;
}

const newline = 10;

/** The records' lines: neither headers nor empty ones. */
async function* linesOf(path: string): AsyncGenerator<StoredLine> {
  const file = await open(path, 'r').catch(ifAbsent(undefined));
  if (file === undefined) return;
  try {
    if ((await headerState(file)) === 'other') throw notAStore(path);
    for await (const line of splitLines(file, path)) {
      const text = line.bytes.length < 4096 ? line.bytes.toString('utf8') : undefined;
      if (text !== undefined && isHeader(text)) checkFormat(text, path);
      else if (text !== '' && !isCutHeader(line.number, text)) yield line;
    }
  } finally {
    await file.close();
  }
}

function isCutHeader(number: number, text: string | undefined): boolean {
  return number === 1 && text !== undefined && header.startsWith(text);
}

async function* splitLines(file: FileHandle, path: string): AsyncGenerator<StoredLine> {
  let pending = Buffer.alloc(0);
  let offset = 0;
  let number = 1;
  const chunk = Buffer.alloc(1 << 20);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    let rest = Buffer.concat([pending, chunk.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      yield { number: number++, offset, bytes: rest.subarray(0, end), isEnded: true };
      offset += end + 1;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxLineBytes) {
      const what = `a line of more than ${maxLineBytes >> 20} MiB is refused`;
      throw new UserError({ what, where: `${path}:${number}`, next: 'Delete that line: mossctl did not write it' });
    }
    pending = rest;
  }
  if (pending.length > 0) yield { number, offset, bytes: pending, isEnded: false };
}

function checkFormat(line: string, path: string): void {
  const { format } = jsonIn(line) as { format?: unknown };
  if (format === formatNumber) return;
  throw new UserError({
    what: `this feedback store has format ${String(format)}, this mossctl reads format ${formatNumber}`,
    where: path,
    why: 'a newer mossctl wrote it',
    next: 'Upgrade: npm install mossctl@latest',
  });
}

function notAStore(path: string): UserError {
  return new UserError({
    what: 'this file is no feedback store',
    where: path,
    why: 'its first line is not the one that a store begins with',
    next: 'Name another file with --feedback FILE; one that is not there yet is made',
  });
}
