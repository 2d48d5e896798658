// The knobs of a judge of sampled answers: a model that is shown two of them at a time, on this machine or behind an endpoint, and the
// pairs that it has to show itself on before it is believed.
import { z } from 'zod';
import { endpointShape } from './endpoint.js';
import { optionalPath, optionalRows } from './paths.js';

const { api: _, ...shape } = endpointShape; // a judge is asked in a chat

/** Those of them that have no default. */
const ofEndpoint = ['baseUrl', 'jsonMode', 'request', 'prices', 'budgetUsd', 'budgetTokens'] as const;

export const judgeSchema = z
  .strictObject({
    checkpoint: optionalPath('checkpoint, run or model folder of a chat model that judges on this machine'),
    model: z.string().min(1).max(200).optional().describe('name of the model that judges, at the endpoint'),
    ...shape,
    gold: optionalRows(
      'pairs whose better answer is known, on which the judge shows what it is worth; default: held-out preferences of `data`, else right and wrong answers of the policy to tasks with checks',
    ),
    goldPairs: z.int().min(20).max(10_000).default(60).describe('of these pairs, at most; each is asked twice'),
    orderDependent: z
      .number()
      .min(0)
      .max(1)
      .default(0.4)
      .describe('largest share of these pairs whose verdict changes with the order of the answers'),
    opponents: z
      .int()
      .min(2)
      .max(64)
      .default(4)
      .describe('answers that each answer is compared with, of a group of more than four different ones'),
  })
  .superRefine((judge, context) => {
    const { checkpoint, model, budgetUsd, prices } = judge;
    const fault = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    if ((checkpoint === undefined) === (model === undefined)) {
      fault('model', 'a judge is one model: give its `checkpoint`, or the name of a `model` at an endpoint');
    }
    if (checkpoint !== undefined) {
      for (const key of ofEndpoint) {
        if (judge[key] !== undefined) fault(key, 'it is of an endpoint, and not read beside `checkpoint`');
      }
    }
    if (budgetUsd !== undefined && prices === undefined) {
      fault('prices', 'a budget in dollars needs the prices of the model, in USD per million tokens');
    }
  });
export type JudgeConfig = z.output<typeof judgeSchema>;
