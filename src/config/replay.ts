// What alignment reads on in while it learns from preferences, so that it forgets less of what came before.
import { z } from 'zod';
import { optionalRows } from './paths.js';

const share = (what: string) =>
  z
    .number()
    .min(0)
    .max(0.9)
    .default(0)
    .describe(`share of a step's tokens that are ${what}: longer steps for less forgetting`);

export const replaySchema = z
  .strictObject({
    text: share('plain text of pretraining'),
    instructions: share('conversations of fine-tuning'),
    data: optionalRows('those conversations (rows of JSONL, …); default: what self-instruct made for fine-tuning'),
    weight: z
      .number()
      .min(0)
      .max(1000)
      .default(0.1)
      .describe('of the mean loss of a replayed token beside the mean loss of a pair; less holds on to less'),
  })
  .superRefine(({ text, instructions }, context) => {
    if (text + instructions <= 0.9) return;
    const message = `with instructions (${instructions}) it is more than 0.9 of a step: what is to be learnt needs a part`;
    context.addIssue({ code: 'custom', path: ['text'], message });
  });
