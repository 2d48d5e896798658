// The judgements of a store as a page lists them: the newest first, a page at a time, long texts cut where they say so.
import type { Context } from 'hono';
import { z } from 'zod';
import type { Judgement } from '../feedback/record.js';
import { eraseLines, indexStore, readFeedback } from '../feedback/store.js';
import type { Message } from '../tokenizer/message.js';
import { bounds, type Excerpt, type JudgementEntry, type JudgementList, judgementKinds } from './contract.js';
import { schemaFaults } from './openai-request.js';

type Kind = (typeof judgementKinds)[number];

const querySchema = z.strictObject({
  kind: z.enum(judgementKinds).optional(),
  /** The last one that the page has: what follows is older. */
  before: z.string().min(1).max(bounds.id).optional(),
});

/** @throws RefusedRequest for what no page asks. */
export function judgementQuery({ req }: Context): z.output<typeof querySchema> {
  const parsed = querySchema.safeParse(req.query());
  if (parsed.success) return parsed.data;
  throw schemaFaults(parsed.error);
}

export async function listJudgements(
  file: string,
  { kind, before }: z.output<typeof querySchema>,
): Promise<JudgementList> {
  const all: Judgement[] = [];
  for await (const judgement of readFeedback(file)) all.push(judgement);
  const newest = all.reverse();
  const counts = Object.fromEntries(
    judgementKinds.map((each) => [each, newest.filter((judgement) => isOf(judgement, each)).length]),
  ) as JudgementList['counts'];
  const from = before === undefined ? 0 : newest.findIndex(({ id }) => id === before) + 1;
  const found = newest.slice(from).filter((judgement) => kind === undefined || isOf(judgement, kind));
  const more = Math.max(0, found.length - bounds.judgements);
  return {
    judgements: found.slice(0, bounds.judgements).map(entryOf),
    ...(more > 0 && { more }),
    all: newest.length,
    counts,
  };
}

/** Its text is overwritten on the disk, also that of a judgement that was withdrawn. @returns whether there was one. */
export async function eraseJudgement(file: string, id: string): Promise<boolean> {
  const { texts, deleted } = await indexStore(file);
  const places = texts.filter((place) => place.id === id);
  await eraseLines(file, places);
  return places.length > 0 || deleted.some((each) => each.id === id);
}

/** A choice that was corrected is of two kinds. */
function isOf({ verdict, edited }: Judgement, kind: Kind): boolean {
  switch (kind) {
    case 'good':
    case 'bad':
      return verdict === kind;
    case 'edited':
      return edited !== undefined;
    case 'preferred':
      return verdict === 'first' || verdict === 'second';
    case 'neither':
      return verdict === 'tie' || verdict === 'both-bad' || verdict === 'skip';
    default:
      return kind satisfies never;
  }
}

function entryOf({ id, at, annotator, verdict, prompt, answers, edited }: Judgement): JudgementEntry {
  const asked = prompt.filter(({ role }) => role === 'user');
  return {
    ...{ id, at, annotator, verdict },
    turn: asked.length,
    question: excerpt(asked.at(-1)?.content ?? prompt.at(-1)?.content ?? ''),
    answers: answers.map(({ name, messages }) => ({ ...(name !== undefined && { name }), said: lastOf(messages) })),
    ...(edited !== undefined && { edited: lastOf(edited) }),
  };
}

function lastOf(messages: readonly Message[]): Excerpt {
  return excerpt(messages.at(-1)?.content ?? '');
}

/** Whole characters: none is cut in two. */
function excerpt(text: string): Excerpt {
  if (text.length <= bounds.excerpt) return { text };
  const kept = text.slice(0, bounds.excerpt).replace(/[\ud800-\udbff]$/, '');
  return { text: kept, omitted: text.length - kept.length };
}
