// The `formulas` block of a data-spec: which arithmetic is generated, and how much of it is never shown in training.
import { z } from 'zod';

export const sourceName = z
  .string()
  .regex(
    /^[\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}-]{0,39}$/u,
    'a source name is 1 to 40 small letters of any script, digits or dashes',
  )
  .describe('name, shown with every document');

export const formulasSchema = z.strictObject({
  name: sourceName.default('formulas').describe('name, shown with every document'),
  count: z
    .int()
    .min(1)
    .max(100_000_000)
    .describe('formulas for training; with one to a document, the same one is kept once'),
  perDocument: z.int().min(1).max(1000).default(8).describe('formulas in one document, one a line'),
  operators: z
    .array(z.enum(['+', '-', '×', '÷']))
    .min(1)
    .default(['+', '-', '×'])
    .describe('operators to use'),
  maxOperand: z.int().min(1).max(1_000_000).default(20).describe('largest operand of + and -'),
  maxFactor: z.int().min(1).max(1_000_000).default(12).describe('largest operand of ×, largest divisor and quotient'),
  maxMultiplier: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('one of the two factors is at most this: 9 with maxFactor 99 is 2-digit × 1-digit'),
  evenLengths: z
    .boolean()
    .default(false)
    .describe('numbers of one, two, three digits are drawn equally often, not as often as there are such numbers'),
  brackets: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('share of the formulas of three terms or more with a pair of brackets'),
  terms: z.int().min(2).max(8).default(3).describe('operands in one formula, at most'),
  heldOut: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('share of the operand pairs that no training formula computes with'),
  heldOutSeed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .optional()
    .describe(
      'which pairs these are; default: the seed of the build. Fix it where questions about them are kept in a file',
    ),
});

export type FormulasSpec = z.output<typeof formulasSchema>;
