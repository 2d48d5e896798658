// What a run reports. Stages emit these and nothing else; the progress bar, metrics.jsonl and report.html are three
// readers of the same stream. The types follow from the schemas that metrics.jsonl is read with.
import { z } from 'zod';
import { presentMetrics, trainingMetrics } from '../base/metric-names.js';
import { jsonNumber as number } from '../base/schema.js';

const text = z.string();
const integer = z.int();
/** Metric name → value; a name of an earlier version becomes the present one. */
const byMetric = <Value extends z.ZodType>(value: Value) => z.record(text, value).transform(presentMetrics);
const metrics = byMetric(number);
export type Metrics = z.output<typeof metrics>;

const stage = text;
const interval = { low: number, high: number };

/** One column per checkpoint, one row per metric. */
const columnSchema = z.object({
  /** 'base', 'sft', 'align'. */
  label: text,
  checkpoint: text,
  /** Metric name → value, for example `bitsPerByte.zh`, `correct.arithmetic`, `reward`. */
  metrics,
  /** 95 % intervals, where there is enough evidence for one. */
  intervals: byMetric(z.object(interval)).optional(),
  /** Held-out questions with a check that it was asked: what `correct` is the share of. */
  questions: integer.optional(),
});
export type EvaluationColumn = z.output<typeof columnSchema>;

/** What one checkpoint gained on the one before it, measured on the same tasks and texts. */
const comparisonSchema = z.object({
  /** Labels of columns. */
  from: text,
  to: text,
  /** Metric name → `to` − `from`, paired, with its 95 % interval. */
  differences: byMetric(z.object({ mean: number, ...interval })),
});
export type Comparison = z.output<typeof comparisonSchema>;

/** Shown in the eval table of the terminal and the report. */
export const tableSchema = z.object({
  columns: z.array(columnSchema),
  /** Each column but the first against the one before. */
  comparisons: z.array(comparisonSchema).optional(),
});
export type EvaluationTable = z.output<typeof tableSchema>;

/** What became of the documents of one source on the way into the corpus. */
const fateSchema = z.object({
  /** Before anything was dropped. */
  read: number,
  /** Skipped because of a weight below 1 or a limit. */
  left: number,
  dropped: z.array(z.object({ rule: text, documents: number, examples: z.array(text) })),
  /** `scrub.PHONE`, in how many documents, and how often in all. */
  edited: z.array(z.object({ kind: text, documents: number, count: number, examples: z.array(text) })),
});
export type SourceFate = z.output<typeof fateSchema>;

/** A part of a corpus and how large it is: of one language or source, or both. */
const partSchema = z.object({
  split: text,
  source: text.optional(),
  language: text.optional(),
  documents: number,
  bytes: number,
  /** Once it is tokenised. */
  tokens: number.optional(),
});
export type CorpusPart = z.output<typeof partSchema>;

/** A point on the line between the policy of a round (α = 0) and what was trained from it (α = 1), as it was measured. */
export const gatePointSchema = z.object({
  alpha: number,
  metrics,
  /** What it gained on the policy, with 95 % intervals. */
  gains: byMetric(z.object({ mean: number, ...interval })),
  /** Of the budgets, and without an alarm. */
  isWithin: z.boolean(),
  /** Why it could not be promoted, in words. */
  why: text.optional(),
});
export type GatePoint = z.output<typeof gatePointSchema>;

const estimate = z.object({ mean: number, ...interval });
const scoredAnswer = z.object({ text, score: number });

/** Of a reward model, or of a judge: figures over pairs of answers whose better one is known. */
const rewardReportSchema = z.object({
  isGranted: z.boolean(),
  refusals: z.array(text),
  parts: z.array(z.object({ name: text, pairs: integer, accuracy: estimate })),
  baselines: z.array(z.object({ name: text, accuracy: estimate, gain: estimate })),
  /** Of scores; a judge gives none. */
  calibration: z
    .object({
      error: number,
      bound: number,
      bins: z.array(z.object({ confidence: number, right: number, pairs: integer })),
    })
    .optional(),
  /** Of a judge, who it is (a digest of all that its verdicts follow from, and what a person calls it), and shares: of pairs whose verdict changes with the order, of verdicts for the first shown, of pairs without one. */
  judge: z
    .object({ name: text.optional(), model: text.optional(), swayed: number, first: number, silent: number })
    .optional(),
  /** Of the difference of two scores with that of their lengths. */
  lengthCorrelation: number,
  /** With what programs say. */
  gold: z.object({ pairs: integer, accuracy: estimate }).optional(),
  bestOfN: z
    .object({
      prompts: integer,
      points: z.array(z.object({ n: integer, kl: number, gold: number })),
      gain: estimate,
      turnsAt: number.optional(),
    })
    .optional(),
  /** Pairs that are scored most wrongly. */
  worst: z.array(z.object({ prompt: text, chosen: scoredAnswer, rejected: scoredAnswer })),
});
export type RewardReport = z.output<typeof rewardReportSchema>;

/** Every event that is kept. */
export const eventSchema = z.discriminatedUnion('type', [
  /**
   * `detail` of a finished stage: its output, relative to the run folder. `taken back`: it was refused before anything came of it,
   * so all that was said since it last started is void, and what was said before counts again.
   */
  z.object({
    type: z.literal('stage'),
    stage,
    state: z.enum(['started', 'finished', 'skipped', 'resumed', 'taken back']),
    detail: text.optional(),
  }),
  /** One optimizer step. `tokensPerSecond` counts non-padding input tokens; a stage of rounds counts each from step 1. */
  z.object({
    type: z.literal('step'),
    stage,
    step: integer,
    steps: integer,
    loss: number,
    learningRate: number,
    gradientNorm: number,
    tokens: number,
    tokensPerSecond: number,
    metrics: metrics.optional(),
    round: integer.optional(),
  }),
  /** `round`: that it ends, in a stage of rounds; `step` is the same number then. */
  z.object({
    type: z.literal('evaluation'),
    ...{ stage, step: integer, metrics: metrics.transform(trainingMetrics), round: integer.optional() },
  }),
  /** What one step did to each part of the model ('layer 3 attention', 'embedding'), in the order of the layers. */
  z.object({
    type: z.literal('statistics'),
    stage,
    step: integer,
    parts: z.array(z.object({ part: text, values: metrics })),
    round: integer.optional(),
  }),
  z.object({
    type: z.literal('sample'),
    stage,
    step: integer,
    prompt: text,
    completion: text,
    /** Of a model that is compared with the one before it: what that one answered, and what both answers are worth. */
    before: z.object({ completion: text, reward: number.optional() }).optional(),
    reward: number.optional(),
  }),
  /** Once it is whole on disk: at the next save point or at the end, so that equal runs report the same in the same order. */
  z.object({
    type: z.literal('checkpoint'),
    stage,
    step: integer,
    path: text,
    digest: text,
    round: integer.optional(),
  }),
  /**
   * A fact worth keeping in the report: the backend chosen and why, what was dropped and why. `unsaved` names a checkpoint
   * that could not be written, `unmeasured` a step whose figures failed, `incomplete` a file kept beside the work (metrics,
   * recorded replies): a run with one fails in the end, however well it continued. `backend`: the one that was opened.
   */
  z.object({
    type: z.literal('note'),
    stage,
    level: z.enum(['info', 'warning']),
    text,
    unsaved: text.optional(),
    unmeasured: text.optional(),
    incomplete: text.optional(),
    backend: text.optional(),
  }),
  z.object({
    type: z.literal('licence'),
    stage,
    source: text,
    licence: text,
    attribution: text.optional(),
    url: text.optional(),
    documents: number,
    bytes: number,
    fate: fateSchema.optional(),
  }),
  /** What a corpus consists of. `funnel`: what each rule took of all sources, in the order they are applied. */
  z.object({
    type: z.literal('composition'),
    stage,
    parts: z.array(partSchema),
    funnel: z.array(z.object({ rule: text, documents: number })).optional(),
  }),
  /** What each filter of generated rows dropped, and what it kept beside as many drawn at random and of equal lengths. */
  z.object({
    type: z.literal('filters'),
    stage,
    rules: z.array(
      z.object({
        rule: text,
        candidates: integer,
        dropped: integer,
        /** In each selection. */
        rows: integer,
        examples: z.array(text),
        selections: z.record(
          z.string(),
          z.object({
            questionWords: number,
            answerWords: number.optional(),
            distinctPairs: number,
            families: number,
          }),
        ),
      }),
    ),
  }),
  /** What a round of alignment was decided by. `alpha`: of what the next one starts from, 0 where the policy stayed. */
  z.object({
    type: z.literal('gate'),
    stage,
    round: integer,
    alpha: number,
    /** The metric that decides. */
    metric: text,
    points: z.array(gatePointSchema),
  }),
  /** How a reward model does on pairs that no training saw, and whether it may steer alignment. */
  z.object({ type: z.literal('reward'), stage, ...rewardReportSchema.shape }),
  z.object({ type: z.literal('table'), stage, ...tableSchema.shape }),
]);

/** A stage that a run is about to take, and how long it may take. */
export interface PlannedStage {
  name: string;
  /** Undefined: nobody knows. */
  seconds?: number;
  /** That it took on this machine, with these settings. */
  isMeasured?: boolean;
}

export type Event =
  | z.output<typeof eventSchema>
  /** Before the first stage: all of them, in order. Never kept. */
  | { type: 'plan'; stage: string; stages: readonly PlannedStage[] }
  /** Progress of anything that is not a training step: bytes fetched, documents read, prompts sampled. Never kept. */
  | { type: 'progress'; stage: string; label: string; done: number; total?: number; unit: string };

/** Takes events; never throws for what a reader of them does. */
export interface Reporter {
  emit(event: Event): void;
}

/** Without its stage; where it names one itself, that one counts (`eval base`). */
type StagelessEvent<E> = E extends Event ? Omit<E, 'stage'> & { stage?: string } : never;
type Note = Extract<Event, { type: 'note' }>;

export interface StageReporter {
  emit(event: StagelessEvent<Event>): void;
  note(
    level: Note['level'],
    text: string,
    more?: Pick<Note, 'backend' | 'unsaved' | 'unmeasured' | 'incomplete'>,
  ): void;
}

export function stageReporter(reporter: Reporter, stage: string): StageReporter {
  const emit: StageReporter['emit'] = ({ type, ...rest }) => reporter.emit({ type, stage, ...rest } as Event);
  return { emit, note: (level, text, more) => emit({ type: 'note', level, text, ...more }) };
}

export const silentReporter = stageReporter({ emit() {} }, '');
