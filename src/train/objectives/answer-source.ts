// Who answers a policy's prompts while it learns, who scores the answers, and what of both is known already: as the objective of sampled
// answers (online.ts) asks for it.
import { UserError } from '../../base/errors.js';
import type { Model } from '../../model/model.js';
import type { AnswerGroup } from './sampled-batches.js';

/** Which answers are asked for. */
export interface DrawRequest {
  model: Model;
  /** Its digest: answers of other weights are not those. */
  weights: string;
  /** The sampling, from 0, and how often it has tried for groups with a spread. */
  sampling: number;
  attempt: number;
  /** That learns from them first. */
  step: number;
  /** By their places among all. */
  prompts: readonly number[];
  /** The model has gone on since: what was drawn must be known. */
  isPast: boolean;
}

/** Whose log-probabilities: two samplings may be of equal weights. */
export type MeasureRequest = Pick<DrawRequest, 'weights' | 'sampling' | 'isPast'>;

/** Who answers and who scores, and what of both is known already. */
export interface AnswerSource {
  /** Digest of all that answers follow from but the weights: under another one nothing is known. */
  readonly identity: string;
  /** Prompts in all. */
  readonly length: number;
  /** A group for each prompt, in their order. */
  draw(request: DrawRequest): Promise<AnswerGroup[]>;
  /** log π of the tokens of each answer of the sampling, by its row: those that are known, or those that `measure` gives. */
  logProbabilities(at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]>;
  /** The same of what the critic beside these weights says of each token. */
  values(at: MeasureRequest, measure: () => Promise<number[][]>): Promise<number[][]>;
}

/** @param answers That were asked to be scored. */
export function nothingScored(step: number, answers: number): UserError {
  return new UserError(
    {
      where: `align, step ${step}`,
      what: `none of the ${answers} answers has a reward`,
      why: 'the scorer gave no number for any of them',
      next: 'Look at what scores them (a judge that is down, a check that fails). The same command resumes with these answers, none of which is sampled again',
    },
    { exitCode: 1 },
  );
}
