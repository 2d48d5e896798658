// Training steps by the clock: the first ones warm up, then as many as are asked for or as fit some seconds.
import { type Spread, spreadOf } from './measure.js';

export const warmUpSteps = 2;
const maxSteps = 20;
const maxSeconds = 20;

export interface TimedStep {
  seconds: number;
  tokens: number;
  loss: number;
}

export interface StepTiming {
  /** That were timed. */
  steps: number;
  /** At the median step; and the quartiles. */
  tokensPerSecond: number;
  quartiles: [low: number, high: number];
  secondsPerToken: Spread;
  /** Of the last step. */
  loss: number;
}

/** `steps`: to time; without it as many as fit 20 seconds, from 1 to 20. `cancelled` is asked between steps. */
export async function timeSteps(
  run: (step: number) => Promise<TimedStep>,
  { steps, cancelled }: { steps?: number; cancelled: () => boolean },
): Promise<StepTiming> {
  const perToken: number[] = [];
  let loss = Number.NaN;
  const started = performance.now();
  const isEnough = (): boolean =>
    steps === undefined
      ? perToken.length >= maxSteps || performance.now() - started > maxSeconds * 1000
      : perToken.length >= steps;
  for (let step = 1; step <= warmUpSteps || perToken.length === 0 || !isEnough(); step++) {
    if (cancelled()) break;
    const timed = await run(step);
    loss = timed.loss;
    if (step > warmUpSteps) perToken.push(timed.seconds / timed.tokens);
  }
  const seconds = spreadOf(perToken);
  return {
    ...{ steps: perToken.length, tokensPerSecond: 1 / seconds.median, quartiles: [1 / seconds.high, 1 / seconds.low] },
    ...{ secondsPerToken: seconds, loss },
  };
}
