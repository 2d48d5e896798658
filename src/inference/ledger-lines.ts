// The lines of a request ledger (request-ledger.ts): what each may say, and how a file of them is read. It may be of an earlier
// version, or damaged: what is no line is passed over.
import { z } from 'zod';
import { toolCallSchema } from '../tokenizer/message.js';

/** What a request may take; without `output` nothing bounds its answer. */
export interface RequestBound {
  input: number;
  output?: number;
}

const count = z.int().min(0);
const completionSchema = z.object({
  text: z.string(),
  /** Earlier files say `garbage`. */
  finish: z.string().transform((finish) => (finish === 'garbage' ? 'unusable' : finish)),
  toolCalls: z.array(toolCallSchema).optional(),
  reasoning: z.string().optional(),
  why: z.string().optional(),
});
const usageSchema = z.object({ input: count, output: count });
const sentSchema = z.object({
  request: z.string(),
  sent: z.string(),
  atMost: z.object({ input: count, output: count.optional() }),
  /** Of the machine, since it was started: while it runs, what a process has written is not lost with it. */
  boot: z.string().optional(),
});
/** It is handed to the network; no line of a request that says so: it never was. */
const leavingSchema = z.object({ request: z.string(), leaving: z.literal(true) });
/** Its answer, which is kept under `key`; one that cost nothing here has no request. */
const answerSchema = z.object({
  key: z.string(),
  completion: completionSchema,
  request: z.string().optional(),
  usage: usageSchema.optional(),
  /** From when it was asked for, waiting and further tries included. */
  seconds: z.number().min(0).optional(),
});
/** Another end: an answer without a reply, none at all, or it never left. */
const endSchema = z.object({
  request: z.string(),
  status: z.int().optional(),
  lost: z.string().optional(),
  unsent: z.string().optional(),
});
const lineSchema = z.union([
  answerSchema,
  sentSchema,
  z.object({ forgotten: z.array(z.string()) }),
  leavingSchema,
  endSchema,
]);
export type LedgerLine = z.output<typeof lineSchema>;

/** What is no line of a ledger is passed over. */
export function readLines(lines: readonly string[]): LedgerLine[] {
  return lines.flatMap((line) => {
    try {
      return [lineSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
