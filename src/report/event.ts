// What a run tells the world. Stages emit these and nothing else; the progress bar, metrics.jsonl and report.html
// are three readers of the same stream.
import type { Estimate, Interval } from '../base/statistics.js';

export type Metrics = Record<string, number>;

/** Shown in the eval table of the terminal and the report: one column per checkpoint, one row per metric. */
export interface EvaluationColumn {
  /** 'base', 'sft', 'align'. */
  label: string;
  checkpoint: string;
  /** Metric name → value, for example `bitsPerByte.zh`, `exactMatch.arithmetic`, `reward`. */
  metrics: Metrics;
  /** 95 % intervals, where there is enough evidence for one. */
  intervals?: Record<string, Interval>;
}

/** What one checkpoint gained on the one before it, measured on the same tasks and texts. */
export interface Comparison {
  /** Labels of columns. */
  from: string;
  to: string;
  /** Metric name → `to` − `from`, paired, with its 95 % interval. */
  differences: Record<string, Estimate>;
}

export interface EvaluationTable {
  columns: EvaluationColumn[];
  /** Each column but the first against the one before. */
  comparisons?: Comparison[];
}

/** What became of the documents of one source on the way into the corpus. */
export interface SourceFate {
  /** Before anything was dropped. */
  read: number;
  /** Left out by a weight below 1 or by a limit. */
  left: number;
  dropped: { rule: string; documents: number; examples: string[] }[];
  /** `scrub.PHONE`, in how many documents, and how often in all. */
  edited: { kind: string; documents: number; count: number; examples: string[] }[];
}

/** A part of a corpus and how large it is: of one language or source, or both. */
export interface CorpusPart {
  split: string;
  source?: string;
  language?: string;
  documents: number;
  bytes: number;
  /** Once it is tokenised. */
  tokens?: number;
}

export type Event =
  /** `detail` of a finished stage: its output, relative to the run folder. */
  | { type: 'stage'; stage: string; state: 'started' | 'finished' | 'skipped' | 'resumed'; detail?: string }
  /** Progress of anything that is not a training step: bytes fetched, documents read, prompts sampled. */
  | { type: 'progress'; stage: string; label: string; done: number; total?: number; unit: string }
  /** One optimizer step. `tokensPerSecond` counts non-padding input tokens; a stage of rounds counts each from step 1. */
  | {
      type: 'step';
      stage: string;
      step: number;
      steps: number;
      loss: number;
      learningRate: number;
      gradientNorm: number;
      tokens: number;
      tokensPerSecond: number;
      metrics?: Metrics;
      round?: number;
    }
  | { type: 'evaluation'; stage: string; step: number; metrics: Metrics }
  /** What one step did to each part of the model ('layer 3 attention', 'embedding'), in the order of the layers. */
  | { type: 'statistics'; stage: string; step: number; parts: { part: string; values: Metrics }[]; round?: number }
  | { type: 'sample'; stage: string; step: number; prompt: string; completion: string }
  /** Once it is whole on disk: at the next save point or at the end, so that equal runs tell the same in the same order. */
  | { type: 'checkpoint'; stage: string; step: number; path: string; digest: string; round?: number }
  /**
   * A fact worth keeping in the report: the backend chosen and why, what was dropped and why. `unsaved` names a checkpoint
   * that could not be written: a run with one fails in the end, however well it went on.
   */
  | { type: 'note'; stage: string; level: 'info' | 'warning'; text: string; unsaved?: string }
  | {
      type: 'licence';
      stage: string;
      source: string;
      licence: string;
      url?: string;
      documents: number;
      bytes: number;
      fate?: SourceFate;
    }
  /** What a corpus consists of. `funnel`: what each rule took of all sources, in the order they are applied. */
  | { type: 'composition'; stage: string; parts: CorpusPart[]; funnel?: { rule: string; documents: number }[] }
  | ({ type: 'table'; stage: string } & EvaluationTable);

/** Takes events; never throws for what a reader of them does. */
export interface Reporter {
  emit(event: Event): void;
}
