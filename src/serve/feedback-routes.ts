// What a person says of answers on the page, and what there is of it: the same store, records and checks that the terminal has.
import { Hono } from 'hono';
import { steadyNow } from '../base/clock.js';
import type { Sampling } from '../config/sampling.js';
import { annotatorOf } from '../feedback/annotator.js';
import { contentId, itemOf, type JudgedAnswer, type Judgement, type Verdict } from '../feedback/record.js';
import { FeedbackSession, type NewJudgement } from '../feedback/session.js';
import { indexStore, judgementsAt, readFeedback } from '../feedback/store.js';
import { feedbackFigures } from '../feedback/summary.js';
import type { Speech } from '../language/speech.js';
import { feedbackEpochs, feedbackOutlook, missingPairs } from '../stages/align/feedback-outlook.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { readBody } from './body.js';
import { type FeedbackBody, type FeedbackId, type FeedbackSummary, feedbackSchema, undoSchema } from './contract.js';
import { eraseJudgement, judgementQuery, listJudgements } from './judgement-list.js';
import { asAsked, RefusedRequest, speechFor } from './refusal.js';

/** Who gave an answer: what a judgement of it keeps. */
export interface Answerer {
  /** Digest of the checkpoint, as `LocalModel.identity` has it. */
  identity: string;
  /** As a person names it. */
  name: string;
  sampling(asked?: Partial<Sampling>): Sampling;
  /** What it may call in a chat with tools. */
  tools?(): Promise<readonly Tool[] | undefined>;
}

export interface FeedbackHost {
  /** The store. */
  file: string;
  /** Whose judgements they are where the page names nobody; default: the login name. */
  annotator?: string;
  /** The served model of this id; undefined where there is none. */
  answererOf(model: string): Answerer | undefined | Promise<Answerer | undefined>;
  /** Of a round, which draws what it holds out. */
  seed: number;
}

/** To be mounted at `/api`. */
export function feedbackRoutes(host: FeedbackHost): Hono {
  const app = new Hono();
  const { file } = host;
  let writing: Promise<unknown> = Promise.resolve();
  /** One judgement at a time: each looks for an earlier one of the same. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = writing.then(work);
    writing = result.catch(() => undefined);
    return result;
  };
  app.get('/feedback', async (context) => {
    const speech = await speechFor(context);
    return context.json(await summaryOf(file, host.seed, speech));
  });
  app.post('/feedback', async (context) => {
    const body = await readBody(context, feedbackSchema);
    const given = await judgementOf(body, host);
    const session = await openSession(file, body.annotator ?? host.annotator);
    return context.json(await inTurn(() => keep(session, given)));
  });
  app.post('/feedback/undo', async (context) => {
    const { id } = await readBody(context, undoSchema);
    const session = await openSession(file, host.annotator);
    return context.json(await inTurn(() => withdraw(session, id)));
  });
  app.get('/feedback/judgements', async (context) => context.json(await listJudgements(file, judgementQuery(context))));
  app.post('/feedback/delete', async (context) => {
    const { id } = await readBody(context, undoSchema);
    await openSession(file, host.annotator); // finishes what a crash interrupted
    if (!(await inTurn(() => eraseJudgement(file, id)))) throw noJudgement();
    return context.json({ id } satisfies FeedbackId);
  });
  return app;
}

async function summaryOf(file: string, seed: number, speech: Speech): Promise<FeedbackSummary> {
  const { preferences, ...counts } = await feedbackFigures(file);
  const { refusal, ...outlook } = feedbackOutlook(preferences, file, seed);
  const needed = refusal && missingPairs(preferences, file, seed);
  const fault = refusal?.faults[0];
  const why = fault && speech.fault({ what: fault.what, why: fault.why });
  return {
    ...counts,
    pairs: outlook.pairs,
    file,
    wouldTrain: {
      ...outlook,
      epochs: feedbackEpochs,
      enough: fault === undefined,
      ...(why !== undefined && { why }),
      ...(needed !== undefined && { needed }),
    },
  };
}

function openSession(file: string, annotator: string | undefined): Promise<FeedbackSession> {
  return FeedbackSession.open(
    file,
    asAsked(() => annotatorOf(annotator), 'annotator'),
    steadyNow,
  );
}

/** The same judgement of the same answer is kept once; another one takes the place of the earlier. */
async function keep(session: FeedbackSession, given: NewJudgement): Promise<FeedbackId> {
  const item = itemOf(
    given.prompt,
    given.answers.map(({ messages }) => messages),
  );
  let earlier: Judgement | undefined;
  for await (const judgement of readFeedback(session.path)) {
    const isSame = judgement.item === item && judgement.conversation === given.conversation;
    if (isSame && judgement.annotator === session.annotator) earlier = judgement;
  }
  if (earlier?.verdict === given.verdict && textOf(earlier.edited) === textOf(given.edited)) return { id: earlier.id };
  return { id: (await session.judge(given, earlier)).id };
}

function textOf(edited: readonly Message[] | undefined): string | undefined {
  return edited?.at(-1)?.content;
}

async function withdraw(session: FeedbackSession, id: string): Promise<FeedbackId> {
  const { live, undone, deleted } = await indexStore(session.path);
  const place = live.find((one) => one.id === id);
  if (place !== undefined) {
    for await (const judgement of judgementsAt(session.path, [place])) await session.undo(judgement);
  } else if (!undone.has(id) && !deleted.some((one) => one.id === id)) throw noJudgement();
  return { id };
}

function noJudgement(): RefusedRequest {
  const next = 'Look at what there is with `mossctl feedback list`';
  return new RefusedRequest({ status: 404, what: 'no judgement has this id', next });
}

async function judgementOf(body: FeedbackBody, host: FeedbackHost): Promise<NewJudgement> {
  const { maxNewTokens } = body;
  const asked = await askedIn(body, host);
  const { prompt, answers, tools } = asked;
  const conversation = body.conversation ?? contentId({ prompt: prompt.slice(0, firstQuestion(prompt) + 1) });
  const more = { ...(maxNewTokens !== undefined && { maxNewTokens }) };
  return {
    conversation,
    prompt,
    ...(tools !== undefined && { tools: [...tools] }),
    answers: answers.map((answer) => ({ ...answer, ...more })),
    ...verdictOf(body, answers),
  };
}

interface AskedAnswers {
  prompt: Message[];
  tools?: readonly Tool[];
  answers: JudgedAnswer[];
}

async function askedIn(body: FeedbackBody, host: FeedbackHost): Promise<AskedAnswers> {
  if (body.kind !== 'better') {
    const { model, messages, sampling, seed } = body;
    const start = messages.findLastIndex(({ role }) => role === 'user') + 1;
    const answerer = await answererOf(model, host);
    const tools = body.tools ? await answerer.tools?.() : undefined;
    return {
      prompt: promptOf(messages.slice(0, start)),
      ...(tools && { tools }),
      answers: [answerOf(answerer, messages.slice(start), { sampling, seed })],
    };
  }
  const answerers = await Promise.all(body.answers.map(({ model }) => answererOf(model, host)));
  const answers = body.answers.map(({ messages, ...drawn }, i) => answerOf(answerers[i], messages, drawn));
  if (itemOf([], [answers[0].messages]) === itemOf([], [answers[1].messages])) {
    throw new RefusedRequest({ status: 400, what: 'both answers are the same: there is nothing to compare' });
  }
  const tools = body.tools ? await answerers[0].tools?.() : undefined;
  return { prompt: promptOf(body.messages), ...(tools && { tools }), answers };
}

async function answererOf(model: string, host: FeedbackHost): Promise<Answerer> {
  const answerer = await host.answererOf(model);
  if (answerer !== undefined) return answerer;
  throw new RefusedRequest({
    status: 404,
    where: 'model',
    what: 'no model is served under this id',
    next: 'Take an id of /api/session',
  });
}

function promptOf(messages: Message[]): Message[] {
  if (messages.at(-1)?.role === 'user') return messages;
  throw new RefusedRequest({
    status: 400,
    where: 'messages',
    what: 'there is no question in front of the answer',
    next: 'Send the conversation from its beginning',
  });
}

function answerOf(
  { identity, name, sampling }: Answerer,
  messages: Message[],
  drawn: { sampling?: Partial<Sampling>; seed?: number },
): JudgedAnswer {
  if (messages.at(-1)?.role !== 'assistant') {
    throw new RefusedRequest({
      status: 400,
      where: 'messages',
      what: 'they do not end with an answer',
      next: 'Send the answer that is judged as the last message',
    });
  }
  const origin = { model: identity, name, sampling: { ...sampling(drawn.sampling) } };
  return { messages, ...origin, ...(drawn.seed !== undefined && { seed: drawn.seed }) };
}

function firstQuestion(prompt: readonly Message[]): number {
  return prompt.findIndex(({ role }) => role === 'user');
}

function verdictOf(
  body: FeedbackBody,
  answers: readonly JudgedAnswer[],
): { verdict: Verdict; edited?: Message[]; shownFirst?: 0 | 1 } {
  switch (body.kind) {
    case 'good':
    case 'bad':
      return { verdict: body.kind };
    case 'better':
      return { verdict: comparisons[body.better], shownFirst: 0 };
    case 'edit': {
      const { messages } = answers[0];
      const answer = messages[messages.length - 1];
      if (body.edited.trim() === answer.content.trim()) {
        throw new RefusedRequest({ status: 400, where: 'edited', what: 'it is as it was: there is nothing to keep' });
      }
      return { verdict: 'edit', edited: [...messages.slice(0, -1), { ...answer, content: body.edited }] };
    }
    default:
      return body satisfies never;
  }
}

const comparisons: Readonly<Record<string, Verdict>> = { 0: 'first', 1: 'second', tie: 'tie', 'both bad': 'both-bad' };
