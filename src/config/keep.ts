// Which checkpoints of a stage stay on disk, in one line: `last=3,every=1000,best=bits_per_byte`.
import { z } from 'zod';
import { shorten } from '../base/format.js';
import { trainingMetricName } from '../base/metric-names.js';

export interface KeepRule {
  /** So many of the newest; 2 where it is not said, so that a damaged one has another below it. */
  last: number;
  /** And those whose step it divides. */
  every?: number;
  /** And the one with the best value of this metric, in the spelling of the metrics: heldOutBitsPerByte. */
  best?: string;
}

const form = 'write it as last=3,every=1000,best=bits_per_byte, each part at most once';

/** The rule that a text says, or what is wrong with the text. */
export function parseKeep(text: string): KeepRule | { fault: string } {
  const rule: KeepRule = { last: 2 };
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const [key, value, ...rest] = part.split('=').map((word) => word.trim());
    if (value === undefined || value === '' || rest.length > 0)
      return { fault: `${quoted(part)} says nothing: ${form}` };
    if (seen.has(key)) return { fault: `${key} is said twice: ${form}` };
    seen.add(key);
    if (key === 'best') rule.best = metricName(value);
    else if (key === 'last' || key === 'every') {
      if (!/^[1-9]\d{0,8}$/.test(value))
        return { fault: `${key} must be a whole number of at least 1, got ${quoted(value)}` };
      rule[key] = Number(value);
    } else return { fault: `${quoted(key)} is not one of last, every, best: ${form}` };
  }
  return rule;
}

/** The rule of a text that `keepSchema` has accepted. */
export function keepRule(text: string): KeepRule {
  const rule = parseKeep(text);
  if ('fault' in rule) throw new Error(rule.fault);
  return rule;
}

export const keepSchema = z.string().superRefine((text, context) => {
  const rule = parseKeep(text);
  if ('fault' in rule) context.addIssue({ code: 'custom', message: rule.fault });
});

/** `held_out_loss` → heldOutLoss, `bits_per_byte.zh` → heldOutBitsPerByte.zh: as a stage names what it measures. */
export function metricName(written: string): string {
  return trainingMetricName(written.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

function quoted(text: string): string {
  return JSON.stringify(shorten(text, 60));
}
