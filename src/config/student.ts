// The knobs of asking the student which of the generated tasks it still has to learn.
import { z } from 'zod';
import { path } from './paths.js';

const rate = z.number().min(0).max(1);

export const studentSchema = z
  .strictObject({
    checkpoint: path('the checkpoint that is to learn: it answers each training task that has a check'),
    samples: z.int().min(2).max(64).default(4).describe('its answers to each task'),
    temperature: z.number().min(0.01).max(10).default(1).describe('sampling temperature of these answers'),
    maxNewTokens: z.int().min(1).max(65536).default(40).describe('longest of these answers, in tokens'),
    from: rate.default(0.1).describe('share of right answers below which a task is dropped: beyond it for now'),
    to: rate.default(0.9).describe('share of right answers above which a task is dropped: nothing new to it'),
  })
  .refine(({ from, to }) => from <= to, { message: 'must not be above `to`: nothing would be kept', path: ['from'] });
