// How a token is drawn from what the model holds likely: the one schema of sampling, for chat, evaluation and endpoints.
import { z } from 'zod';

const fields = {
  temperature: z.number().min(0).max(10).describe('0 always takes the likeliest token'),
  topK: z.int().min(0).max(1_000_000).describe('draw from the k likeliest tokens; 0 = all'),
  topP: z
    .number()
    .min(0.01)
    .max(1)
    .describe('draw from the fewest likeliest tokens that make up this share (nucleus sampling, Holtzman et al. 2020)'),
  minP: z
    .number()
    .min(0)
    .max(1)
    .describe('draw from the tokens at least this share as likely as the likeliest (Nguyen et al. 2024); 0 = all'),
  repetitionPenalty: z
    .number()
    .min(0.1)
    .max(10)
    .describe('divides positive and multiplies negative logits of tokens already seen (CTRL, Keskar et al. 2019)'),
};

/** What a person asks for; the rest is as the model's makers would have it, or as `samplingSchema` says. */
export const askedSamplingSchema = z.strictObject(fields).partial();

export const samplingSchema = z.strictObject({
  temperature: fields.temperature.default(0.7),
  topK: fields.topK.default(50),
  topP: fields.topP.default(0.95),
  minP: fields.minP.default(0),
  repetitionPenalty: fields.repetitionPenalty.default(1),
});

export type Sampling = Readonly<z.output<typeof samplingSchema>>;

/** What a model's makers wrote, clamped to our bounds: other tools allow wider ones, and a top-k of -1 for all. */
export function withinBounds(written: Partial<Sampling>): Partial<Sampling> {
  const bounded = Object.entries(fields).flatMap(([key, { minValue, maxValue }]) => {
    const value = written[key as keyof Sampling];
    return value === undefined ? [] : [[key, Math.min(Math.max(value, minValue ?? value), maxValue ?? value)]];
  });
  return Object.fromEntries(bounded);
}

export const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };

/** The model's own distribution, at a temperature: nothing cut off. */
export function samplingAt(temperature: number): Sampling {
  return { ...greedy, temperature };
}
