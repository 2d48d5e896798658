// What expanding seeds takes and what comes of it: the words that the loop (expand.ts), the preview and the files share.
import type { BudgetSpent } from '../../inference/request-ledger.js';
import type { MethodFailure } from './asked-model.js';
import type { Bucket } from './buckets.js';
import type { AnswerFilter } from './filters/answers.js';
import type { RejectedTask, RuleCount } from './filters/rejected.js';
import type { SeedTask } from './seed-tasks.js';
import type { ProposedTask, RequestShape, Solution, TaskRequest, Teacher } from './teacher.js';

export interface AcceptedTask extends ProposedTask {
  solution: Solution;
  /** With the version of its prompts; absent: `families`. */
  method?: string;
  /** Index of the request it came from. */
  request: number;
  /** Ids of the seeds that were shown. */
  seeds: string[];
  /** ROUGE-L to the nearest known prompt, where wording decides (see novelty.ts). */
  similarity?: number;
  nearest?: string;
  /** Made to be held out; undefined where its teacher makes no such difference. */
  isHeldOut?: boolean;
}

export interface Expansion {
  tasks: AcceptedTask[];
  requests: number;
  rejected: RejectedTask[];
  /** By rule: how often, and the first examples. */
  dropped: Map<string, RuleCount>;
  /** Buckets in which no new tasks were found: `chat/en`. */
  exhausted: string[];
  /** Methods whose replies could not be read; the others made what there is. */
  failed: MethodFailure[];
  /** Why it ended before there were enough. */
  stopped?: BudgetSpent;
}

export interface ExpandOptions {
  seeds: readonly SeedTask[];
  teacher: Teacher;
  buckets: readonly Bucket[];
  /** Tasks to accept, those to be held out apart: they are made first, where the teacher holds out. */
  target: number;
  heldOut: number;
  maxSimilarity: number;
  /** What answers are held against beside each other. */
  answers?: AnswerFilter;
  seed: number;
  onProgress?: (accepted: number, task: AcceptedTask | undefined) => void;
  signal?: AbortSignal;
}

export interface BucketState extends Bucket {
  isHeldOut: boolean;
  shape: RequestShape;
  accepted: AcceptedTask[];
  fruitless: number;
}

export interface PlannedRequest {
  state: BucketState;
  /** How many of its tasks are kept, at most. */
  limit: number;
  request: TaskRequest;
  /** Ids of the seeds that it shows. */
  seeds: string[];
}
