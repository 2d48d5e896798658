// When alignment stops by itself: what a policy that games its reward, or falls apart, shows first.
import { z } from 'zod';

const limit = (max: number, initial: number, what: string) =>
  z.number().min(0).max(max).default(initial).describe(`${what}; 0 = off`);

const defaultAlike = 0.5;

export const alarmsSchema = z.strictObject({
  chosenFall: limit(100, 2, 'nats a token that the log-probability of the chosen answers may fall in a round'),
  entropyFall: limit(1, 0.9, 'share of its entropy that the policy may lose in a round'),
  kl: limit(100, 1, 'KL divergence of a round from the policy that it began with, in nats a token of its own answers'),
  length: limit(1000, 2, 'how many times as long, or as short, as before answers may become'),
  repetition: limit(1, 0.2, 'share of the word sequences of an answer that may become repetitions, more than before'),
  unended: limit(1, 0.2, 'share of answers that may run into maxNewTokens without an end, more than before'),
  language: limit(1, 0.2, 'share of answers to questions in a language that may leave it, more than before'),
  alike: limit(
    1,
    defaultAlike,
    'share of groups of sampled answers that may all be rewarded alike and low, over eight samplings (grpo, rloo, online-dpo)',
  ),
  gold: z
    .boolean()
    .default(true)
    .describe('whether a reward that rises while fewer answers are right (both beyond doubt) is an alarm'),
});
/** Of a method that learns from answers that are rewarded alike, too: `alike` is neither as it is by default, nor off. */
export function isAlikeSet({ alike }: { alike: number }): boolean {
  return alike !== 0 && alike !== defaultAlike;
}
export type AlarmsConfig = z.output<typeof alarmsSchema>;
