// The conversations of a training as token sequences on disk, beside its checkpoints. They are read and tokenised once: memory
// does not grow with them, and a training that is resumed reads none of them again where nothing about them has changed.
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Fault, stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf, replaceDirectory, sha256File, writeFileDurable } from '../../base/files.js';
import { countOf, formatCount } from '../../base/format.js';
import { toJsonl } from '../../base/jsonl.js';
import {
  corpusManifestName,
  heldOutRowsName,
  offeredToolsName,
  rowsFolder,
  storedRowsName,
} from '../../base/layout.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import { ownVersion } from '../../base/version.js';
import type { RowFormat } from '../../config/sft.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { readConversations } from '../../data/conversations/read.js';
import { HoldOut } from '../../data/hold-out.js';
import type { SequenceSource } from '../../data/packing.js';
import { maxFaults, shortened } from '../../data/rows.js';
import { ShardWriter, type TokenManifest } from '../../data/shard-writer.js';
import { openTokens } from '../../data/shards.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import type { Tool } from '../../tokenizer/message.js';
import { maxOfferedTools, OfferedTools } from '../../tokenizer/offered-tools.js';
import type { Job } from '../stage.js';
import { type FittingRows, fitted } from './rows.js';
import type { RowSource } from './sources.js';

/** Conversations that are held out, at most: measuring more of them takes longer and says little more. */
const maxHeldOut = 1000;

/** A conversation that is measured with, and the source it comes from. */
export interface HeldOutConversation {
  conversation: Conversation;
  source: string;
}

interface SourceCounts {
  name: string;
  weight: number;
  conversations: number;
  tokens: number;
  /** Of the tokens, those that weigh something in the loss. */
  learnt: number;
}

/** What rows.json holds; the tokens are in folders beside it, 0, 1, …, one for each weight. */
interface RowsRecord {
  key: string;
  weights: number[];
  sources: SourceCounts[];
  notes: { level: 'warning' | 'info'; text: string }[];
  heldOut: { conversations: number; of: number; sha256: string };
  forms: RowForms;
}

/** What the rows show, those that are held out too. */
export interface RowForms {
  tools: Tool[];
  /** Whether any answer thinks, and whether any calls. */
  thoughts: boolean;
  calls: boolean;
}

export interface StoredRows {
  /** Conversations that are read equally often. */
  groups: { weight: number; sequences: SequenceSource }[];
  heldOut: HeldOutConversation[];
  forms: RowForms;
}

interface RowsRequest {
  sources: readonly RowSource[];
  fitting: FittingRows;
  /** Share that is held out. */
  validation: number;
  /** Of the rows, where it is not to be recognised. */
  format?: RowFormat;
  /** Where a person gives conversations to measure with. */
  evaluated?: readonly Conversation[];
}

/** Reads and tokenises what was not stored already; says what of each source is learnt. */
export async function openRows(job: Job<unknown>, request: RowsRequest): Promise<StoredRows> {
  const path = join(job.directory, rowsFolder);
  const key = keyOf(job, request);
  let record = await storedRecord(path, key);
  let stored = record && (await open(path, record, request).catch(() => undefined));
  if (record === undefined || stored === undefined) {
    if ((job.communicator?.rank ?? 0) > 0) throw notSeen(path);
    const read = { record: undefined as RowsRecord | undefined };
    await replaceDirectory(path, async (temporary) => {
      read.record = await readAll(job, { ...request, key, path: temporary });
    });
    record = read.record as RowsRecord;
    stored = await open(path, record, request);
  }
  report(job, record, request);
  return stored;
}

/** Only the first rank writes. */
function notSeen(path: string): UserError {
  return new UserError({
    where: path,
    what: 'this process does not see the conversations that the first one has stored',
    next: 'Give a run folder (--out) on a file system that all machines share; where it is on one, the same command finds them now',
  });
}

function keyOf({ seed }: Job<unknown>, { sources, fitting, validation, format, evaluated }: RowsRequest): string {
  const { template, columns, loss, keepTokens } = fitting;
  const { tokenizer } = template;
  const made = {
    version: ownVersion(),
    forms: 2,
    tokenizer: tokenizer.json,
    template: tokenizer.chatTemplate,
    keepTokens,
  };
  const read = sources.map(({ name, weight, digest }) => ({ name, weight, digest }));
  const measured = evaluated && { evaluated: evaluated.map(saidIn) };
  return digestOf({ ...made, columns, loss, read, format, ...(validation > 0 && { validation, seed }), ...measured });
}

async function storedRecord(path: string, key: string): Promise<RowsRecord | undefined> {
  const sealed = await readSealed(join(path, storedRowsName));
  if (typeof sealed === 'string') return undefined;
  const record = sealed.value as RowsRecord; // ours, byte for byte
  return record.key === key ? record : undefined;
}

/** @throws UserError where a file is not as it was written. */
async function open(
  path: string,
  { weights, heldOut, forms }: RowsRecord,
  { fitting }: RowsRequest,
): Promise<StoredRows> {
  const file = join(path, heldOutRowsName);
  if ((await sha256File(file)) !== heldOut.sha256) throw new UserError({ what: 'it was changed', where: file });
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  const conversations: HeldOutConversation[] = [];
  for await (const line of lines) conversations.push(JSON.parse(line) as HeldOutConversation);
  const groups: StoredRows['groups'] = [];
  for (const [i, weight] of weights.entries()) {
    const documents = await openTokens(join(path, String(i)), 'train', fitting.template.tokenizer);
    if (documents.length === 0) continue;
    const lengths = await documents.readLengths();
    groups.push({ weight, sequences: { length: documents.length, lengths, get: (index) => documents.get(index) } });
  }
  return { groups, heldOut: conversations, forms };
}

async function readAll(job: Job<unknown>, request: RowsRequest & { key: string; path: string }): Promise<RowsRecord> {
  const { sources, fitting, validation, evaluated = [], key, path } = request;
  const { reporter, signal, seed } = job;
  const weights = [...new Set(sources.map(({ weight }) => weight))];
  for (const [i] of weights.entries()) await mkdir(join(path, String(i)));
  const store = new TokenStore(path, weights, request);
  const notes = new RowNotes();
  const faults: Fault[] = [];
  const untrained = (fault: Fault): void => void faults.push(fault);
  const holdOut = new HoldOut<{ source: RowSource; conversation: Conversation }>(validation, {
    seed,
    most: maxHeldOut,
  });
  const measured = new Set(evaluated.map(saidIn));
  const learntToo = new Set<string>();
  const offered = new OfferedTools();
  let [thoughts, calls] = [false, false];
  let done = 0;
  const progress = (): void => reporter.emit({ type: 'progress', label: 'tokenise', done, unit: 'conversations' });
  for (const source of sources) {
    for await (const { conversation, where } of readConversations(source.path, notes, request.format)) {
      stopIfAborted(signal, 'stopped while reading conversations; the next run reads them again');
      const sequences = fitted(conversation, { ...fitting, notes, where, untrained });
      if (faults.length >= maxFaults) break;
      if (sequences.length === 0) continue;
      if (++done % 1000 === 0) progress();
      offered.add(conversation.tools ?? []);
      thoughts ||= conversation.messages.some(({ reasoning }) => reasoning !== undefined);
      calls ||= conversation.messages.some(({ toolCalls }) => toolCalls !== undefined);
      if (measured.has(saidIn(conversation))) learntToo.add(saidIn(conversation));
      const item = { source, conversation };
      for (const learnt of validation > 0 ? holdOut.add(keyOfRow(conversation), item) : [item]) {
        await store.add(
          learnt.source,
          learnt === item ? sequences : fitted(learnt.conversation, { ...fitting, where }),
        );
      }
    }
  }
  if (faults.length > 0) throw new UserError(shortened(faults, faults[0].where ?? ''));
  const { heldOut, learnt } = holdOut.finish();
  for (const { source, conversation } of learnt) {
    await store.add(source, fitted(conversation, { ...fitting, where: conversation.id }));
  }
  if (done >= 1000) progress();
  if (done === heldOut.length) throw nothingLearnt(sources, notes, heldOut.length);
  const counts = await store.finish();
  const file = join(path, heldOutRowsName);
  await writeFileDurable(file, toJsonl(heldOut.map(({ source, ...row }) => ({ ...row, source: source.name }))));
  const kept = { conversations: heldOut.length, of: done, sha256: await sha256File(file) };
  const lines = notes.lines(fitting.columns);
  if (learntToo.size > 0) lines.push({ level: 'warning', text: learntTooInWords(learntToo.size, measured.size) });
  if (offered.leftOut > 0) lines.push({ level: 'warning', text: leftOutInWords(offered.leftOut) });
  const forms = { tools: offered.all, thoughts, calls };
  const record = { key, weights, sources: counts, notes: lines, heldOut: kept, forms };
  await writeSealed(join(path, storedRowsName), record);
  return record;
}

/** Rows of one group are one piece of evidence; else what is said is what a conversation is, wherever it stands. */
function keyOfRow(conversation: Conversation): string {
  return conversation.group === undefined ? saidIn(conversation) : `group ${conversation.group}`;
}

/** All but how much of it is learnt. */
function saidIn({ messages }: Conversation): string {
  return JSON.stringify(messages.map(({ weight: _, ...said }) => said));
}

function learntTooInWords(count: number, all: number): string {
  const many =
    count === all
      ? all === 1
        ? 'the only one'
        : `all ${formatCount(all)}`
      : `${formatCount(count)} of ${formatCount(all)}`;
  return `${many} of the conversations to measure with (sft.evalData) ${count === 1 ? 'is' : 'are'} learnt too: figures of those tell what is remembered, not what is understood`;
}

function leftOutInWords(count: number): string {
  return `${countOf(count, 'tool')} of the rows will not be named in the checkpoint's ${offeredToolsName}: there is room for ${maxOfferedTools} of them, with schemas of 1 MiB in all`;
}

/** A folder of shards for each weight, and what there is of each source. */
class TokenStore {
  readonly #path: string;
  readonly #weights: readonly number[];
  readonly #manifests: readonly TokenManifest[];
  readonly #writers: readonly ShardWriter[];
  readonly #counts: Map<RowSource, SourceCounts>;

  constructor(path: string, weights: readonly number[], { sources, fitting }: RowsRequest) {
    const { json, vocabSize } = fitting.template.tokenizer;
    this.#path = path;
    this.#weights = weights;
    this.#manifests = weights.map(() => {
      return { format: 1, tokenizer: digestOf(json), vocabSize, weighed: true, counts: [], shards: [] };
    });
    this.#writers = this.#manifests.map((manifest, i) => new ShardWriter('train', join(path, String(i)), manifest));
    const none = { conversations: 0, tokens: 0, learnt: 0 };
    this.#counts = new Map(sources.map((source) => [source, { name: source.name, weight: source.weight, ...none }]));
  }

  async add(source: RowSource, sequences: readonly TokenSequence[]): Promise<void> {
    const counts = this.#counts.get(source);
    if (counts === undefined) return;
    counts.conversations++;
    for (const { id, tokens, loss = [] } of sequences) {
      counts.tokens += tokens.length;
      for (let i = 1; i < tokens.length; i++) if (loss[i] > 0) counts.learnt++;
      const document = { id, source: source.name, language: 'other' } as const;
      await this.#writers[this.#weights.indexOf(source.weight)].addWeighed(document, tokens, loss);
    }
  }

  async finish(): Promise<SourceCounts[]> {
    for (const [i, writer] of this.#writers.entries()) {
      await writer.finish();
      const text = `${JSON.stringify(this.#manifests[i], undefined, 2)}\n`;
      await writeFileDurable(join(this.#path, String(i), corpusManifestName), text);
    }
    return [...this.#counts.values()];
  }
}

/** What there is of each source and how much of it is learnt, before the first step. */
function report(
  { reporter }: Job<unknown>,
  { sources, notes, heldOut }: RowsRecord,
  { validation }: RowsRequest,
): void {
  for (const { level, text } of notes) reporter.note(level, text);
  for (const { name, weight, conversations, tokens, learnt } of sources) {
    const share = `${((100 * learnt) / Math.max(1, tokens)).toFixed(tokens > 0 && learnt / tokens < 0.1 ? 1 : 0)} %`;
    const often = weight === 1 ? '' : weight === 0 ? ', read before all others' : `, read ${weight} times an epoch`;
    const what = `${countOf(conversations, 'conversation')}, ${countOf(tokens, 'token')}`;
    reporter.note('info', `${name}: ${what}, of which ${share} are learnt${often}`);
  }
  if (validation === 0) return;
  const of = `of ${countOf(heldOut.of, 'conversation')}`;
  const many =
    heldOut.conversations > 1 ? `${formatCount(heldOut.conversations)} are` : `${heldOut.conversations || 'none'} is`;
  reporter.note('info', `${many} held out ${of} to measure with (sft.validation: ${validation})`);
}

function nothingLearnt(sources: readonly RowSource[], notes: RowNotes, heldOut: number): UserError {
  const where = sources.map(({ path }) => path).join(', ');
  if (heldOut > 0) {
    const next = 'Lower sft.validation, or give conversations to measure with: --eval-data FILE';
    const what = 'every conversation would be held out for measuring';
    return new UserError({ where, what, why: 'they are of one group, or say the same', next });
  }
  return new UserError({
    where,
    what: 'there is no conversation to train on',
    why: notes.skippedInWords || 'the file is empty',
    next: 'Give conversations with an answer to learn: --data FILE. mossctl inspect MODEL --row FILE:1 shows what becomes of one',
  });
}
