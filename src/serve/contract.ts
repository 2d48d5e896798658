// What the page and this process say to each other under /api: the one place where both look it up. The bodies that a page
// sends are schemas, because a request is checked before anything is done with it; what it is answered is typed.
import { z } from 'zod';
import { askedSamplingSchema } from '../config/sampling.js';

/** Of every request that changes something: the token of this process, which `GET /api/session` gives. */
export const tokenHeader = 'x-mossctl-token';

export const bounds = {
  messages: 1024,
  /** Characters of one text. */
  text: 1 << 20,
  id: 200,
  /** Of a series in `GET /api/runs/:name`; more are thinned, and `thinned` says so. */
  points: 2000,
  samples: 200,
  series: 500,
  /** Of `GET /api/runs`: the newest; `more` says how many there are beside them. */
  runs: 200,
  /** Of `GET /api/rounds`, the same. */
  rounds: 100,
  /** Of one `GET /api/feedback/judgements`; older ones are asked for with `before`. */
  judgements: 50,
  /** Characters of a text in that list; `omitted` says how many more there are. */
  excerpt: 4000,
} as const;

const text = z.string().max(bounds.text);
const id = z.string().min(1).max(bounds.id);
const seed = z.int().min(0).max(0xffffffff);

const call = z.strictObject({ id: id.optional(), name: id, arguments: z.record(z.string().max(1000), z.unknown()) });

/** One message, in the shape that data files and the rest of this project have. */
export const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: text,
  reasoning: text.optional(),
  toolCalls: z.array(call).max(128).optional(),
  toolCallId: id.optional(),
  name: id.optional(),
});
export type PageMessage = z.output<typeof messageSchema>;

const messages = z.array(messageSchema).min(1).max(bounds.messages);

// GET /api/session

export interface ServedModel {
  /** What `model` of a request says. */
  id: string;
  /** `pretrain`, `sft`, `align`, …; of a third-party model `import`. */
  stage: string;
  /** Of the whole model, embeddings included; undefined where the weights have not been opened yet. */
  parameters?: number;
  contextLength: number;
  /** Names of what it may call in `POST /api/chat`. */
  tools: string[];
  /** It continues text: it has learnt no turns. */
  isBase: boolean;
}

export interface Session {
  token: string;
  version: string;
  /** Empty where a run is followed that has saved no checkpoint yet: then chat is a 503 with the code `no_model_yet`. */
  models: ServedModel[];
  /** The id of the one that is meant where none is named; '' where there is none yet. */
  default: string;
  /** The run's name, where a run is served. */
  run?: string;
  /** That run is followed while it trains: further models appear here as it saves them. */
  follows?: boolean;
  /** Of the page, from Accept-Language. */
  language: 'en' | 'zh';
}

// POST /api/chat → SSE of these, one JSON in each `data:`

export const chatSchema = z.strictObject({
  model: id.optional(),
  messages,
  seed: seed.optional(),
  sampling: askedSamplingSchema.optional(),
  maxNewTokens: z.int().min(1).max(1_000_000).optional(),
  /** Whether it may call what it learnt to call; the calls are run here. */
  tools: z.boolean(),
});
export type ChatBody = z.output<typeof chatSchema>;

export interface Usage {
  input: number;
  output: number;
}

export type ChatEvent =
  | { type: 'text'; text: string }
  /** Where the model's form keeps it apart from the text. */
  | { type: 'thought'; text: string }
  /** `written`: a call that cannot be read, as the model wrote it. */
  | { type: 'call'; name?: string; arguments?: Record<string, unknown>; written?: string }
  | { type: 'result'; name: string; text: string; failed: boolean }
  /** `messages`: what this turn adds to the conversation, as it is to be sent back. */
  | {
      type: 'end';
      finish: 'stop' | 'length' | 'aborted' | 'calls';
      usage: Usage;
      seed: number;
      messages: PageMessage[];
    }
  | ApiError;

/** Also the body of every refusal under /api, with its status. */
export interface ApiError {
  type: 'error';
  what: string;
  next?: string;
  /** In OpenAI's words, where the page has words of its own, such as `context_length_exceeded`. */
  code?: string;
}

// Feedback

export const undoSchema = z.strictObject({ id });

const judged = {
  annotator: z.string().min(1).max(100).optional(),
  maxNewTokens: z.int().min(1).optional(),
  /** Deleting a conversation erases all that was judged in it; default: by its first question. */
  conversation: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  /** Whether the model was offered its tools. */
  tools: z.boolean().optional(),
};
const given = { messages, sampling: askedSamplingSchema.optional(), seed: seed.optional() };

/** One of two answers. `messages`: what it adds to the conversation: calls, results and, last, the answer. */
const answer = z.strictObject({ model: id, ...given });

export const feedbackSchema = z.discriminatedUnion('kind', [
  /** `messages` ends with the answer that is judged. */
  z.strictObject({ kind: z.enum(['good', 'bad']), model: id, ...given, ...judged }),
  /** What should have been said instead. */
  z.strictObject({ kind: z.literal('edit'), model: id, ...given, edited: text.min(1), ...judged }),
  /** Two answers to the same question: `messages` ends with the question. */
  z.strictObject({
    kind: z.literal('better'),
    messages,
    /** In the order in which they were shown. */
    answers: z.tuple([answer, answer]),
    better: z.union([z.literal(0), z.literal(1), z.literal('tie'), z.literal('both bad')]),
    ...judged,
  }),
]);
export type FeedbackBody = z.output<typeof feedbackSchema>;

export interface FeedbackId {
  id: string;
}

export const judgementKinds = ['good', 'bad', 'edited', 'preferred', 'neither'] as const;

/** The beginning of a text. */
export interface Excerpt {
  text: string;
  /** Characters that there are behind it. */
  omitted?: number;
}

export interface JudgementEntry {
  id: string;
  /** As ISO 8601. */
  at: string;
  annotator: string;
  verdict: 'good' | 'bad' | 'edit' | 'first' | 'second' | 'tie' | 'both-bad' | 'skip';
  /** Of its conversation, from 1. */
  turn: number;
  question: Excerpt;
  /** One, or two in the order in which they were shown. `name`: the model's. */
  answers: { name?: string; said: Excerpt }[];
  /** What a person wrote instead. */
  edited?: Excerpt;
}

/** GET /api/feedback/judgements?kind=…&before=ID, the newest first. `POST /api/feedback/delete` erases one for good. */
export interface JudgementList {
  judgements: JudgementEntry[];
  /** Older ones of this kind that there are beside these. */
  more?: number;
  /** Of every kind, and of each: one that was both chosen and corrected counts as both. */
  all: number;
  counts: Record<(typeof judgementKinds)[number], number>;
}

export interface FeedbackSummary {
  good: number;
  bad: number;
  edited: number;
  preferred: number;
  /** That a training would learn from. */
  pairs: number;
  file: string;
  wouldTrain: {
    pairs: number;
    labels: number;
    enough: boolean;
    why?: string;
    /** About so many comparisons or corrections more, each of a question of its own, and a round may begin. */
    needed?: number;
    /** As `align.method` names it, and how often it would go through what is learnt. */
    method: string;
    epochs: number;
    /** Of the preferences (pairs and labels): what is learnt, and what decides on the promotion. */
    learnt: number;
    heldOut: number;
  };
  /** The newest judgement, which `undo` would withdraw. */
  last?: { id: string; kind: string; at: string };
}

// Runs

export interface RunSummary {
  name: string;
  state: 'running' | 'done' | 'stopped';
  /** The one that is running, or was last. */
  stage?: string;
  stages: string[];
  /** When its metrics last changed, as ISO 8601. */
  changed: string;
}

/** GET /api/runs, the newest first. */
export interface RunList {
  runs: RunSummary[];
  /** Older ones that there are beside these. */
  more?: number;
}

export interface RunDetail {
  name: string;
  state: RunSummary['state'];
  stages: { name: string; state: 'running' | 'finished' | 'skipped' | 'stopped'; seconds?: number }[];
  /** Steps of rounds follow one another. A value is null where it was no number (a loss that overflowed). */
  series: { stage: string; metric: string; points: [step: number, value: number | null][]; thinned?: boolean }[];
  /** Series that there are beside these. */
  moreSeries?: number;
  /** Lines of its metrics that could not be read. */
  broken?: number;
  /** Where its events continue: `GET /api/runs/:name/events?from=OFFSET`. */
  offset: number;
  samples: { stage: string; step: number; prompt: string; answer: string }[];
  /** Earlier ones that there are beside these. */
  moreSamples?: number;
  results: { checkpoint: string; metric: string; value: number; low?: number; high?: number }[];
  /** Seconds, of the stage that runs. */
  eta?: number;
  /** Bytes; share of one core. Of the run's own process, where it is running on this machine. */
  machine?: { rss: number; cpu: number };
}

// Rounds of alignment from feedback

export const roundSchema = z.strictObject({ model: id });

export interface RoundId {
  id: string;
}

/** A figure of the gate: metric, value, 95 % interval. */
export interface GateFigure {
  metric: string;
  value: number;
  low?: number;
  high?: number;
}

export interface RoundEnd {
  type: 'end';
  promoted: boolean;
  /** In the gate's own words. */
  why: string;
  checkpoint?: string;
  /** The id under which it is served now: absent where it was undone, or began with a model that is not served here. */
  model?: string;
  before?: GateFigure[];
  after?: GateFigure[];
  /** `after` − `before`, paired, with 95 % intervals. */
  gains?: GateFigure[];
}

/** GET /api/rounds/:id: what it says and, last, its end; of a round of an earlier server the end alone. */
export type RoundEvent =
  | { type: 'progress'; label: string; done?: number; total?: number; text?: string }
  | RoundEnd
  | ApiError;

export interface RoundSummary {
  id: string;
  /**
   * `running`: follow it with GET /api/rounds/:id. `promoted`: where `end.model` is there it is served and can be undone.
   * `refused`: by the gate. `stopped`: it did not come to its end.
   */
  state: 'running' | 'promoted' | 'refused' | 'undone' | 'stopped';
  /** When it began, as ISO 8601. */
  began: string;
  /** What it came to, unless it is running. */
  end?: RoundEnd;
}

/** GET /api/rounds: those of this server and of earlier ones, the newest first. */
export interface RoundList {
  rounds: RoundSummary[];
  /** Older ones that there are beside these. */
  more?: number;
}

export interface RoundUndone {
  /** What is the default again. */
  default: string;
  /** It stays on the disk. */
  checkpoint: string;
}
