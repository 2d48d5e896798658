// The licence of a reward: nothing that scores answers may steer alignment before it has shown, on pairs that no training saw, that
// it knows more than two scorers that understand nothing, that its gaps mean what they say, and that following it leads somewhere.
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { formatCount } from '../../base/format.js';
import { licenceName } from '../../base/layout.js';
import { jsonNumber } from '../../base/schema.js';
import { readSealed, writeSealed } from '../../base/sealed.js';
import { bootstrapMean, type Estimate, pairedBootstrap, type Unit } from '../../base/statistics.js';
import type { Baseline } from '../../evaluation/rewards/baselines.js';
import type { BestOfN } from '../../evaluation/rewards/best-of-n.js';
import { calibrationOf } from '../../evaluation/rewards/calibration.js';
import { accuracyUnits, gapOf, type ScoredPair } from '../../evaluation/rewards/pairs.js';

/** Prompts that pairs are held out of, at least: fewer decide nothing. */
export const minPrompts = 20;

const estimateSchema = z.object({ mean: jsonNumber, low: jsonNumber, high: jsonNumber });
const licenceSchema = z.object({
  format: z.literal(1),
  /** The digest of the checkpoint that it is for. */
  model: z.string(),
  isGranted: z.boolean(),
  /** Why it is not granted, in words. */
  refusals: z.array(z.string()),
  pairs: z.int(),
  prompts: z.int(),
  accuracy: estimateSchema,
  baselines: z.array(
    z.object({
      name: z.enum(['length', 'n-grams']),
      accuracy: estimateSchema,
      /** What the model is right more often, on the same pairs. */
      gain: estimateSchema,
    }),
  ),
  calibration: z.object({ error: jsonNumber, bound: jsonNumber, temperature: jsonNumber }),
  bestOfN: z
    .object({ prompts: z.int(), most: z.int(), gain: estimateSchema, turnsAt: jsonNumber.optional() })
    .optional(),
});
export type Licence = z.output<typeof licenceSchema>;

export interface LicenceEvidence {
  /** The digest of what is judged. */
  model: string;
  /** Held out, with its scores. */
  pairs: readonly ScoredPair[];
  /** Fitted on the pairs that it learnt from. */
  baselines: readonly Baseline[];
  /** Largest calibration error, unless chance alone makes a larger one of so few pairs. */
  calibration: number;
  bestOfN?: BestOfN;
}

/** What the evidence comes to. */
export function licenceFor({ model, pairs, baselines, calibration, bestOfN }: LicenceEvidence): Licence {
  const own = accuracyUnits(pairs);
  const { error, chance, temperature } = calibrationOf(pairs);
  // Of few pairs chance alone makes an error above the bound.
  const bound = Math.max(calibration, Math.ceil(1000 * chance) / 1000);
  const compared = beatenIn(pairs, baselines);
  const refusals: string[] = fewPrompts(own.length);
  if (pairs.length > 0 && pairs.every((pair) => gapOf(pair) === 0)) refusals.push('it scores all answers alike');
  refusals.push(...notBetter(own, compared));
  if (error > bound) {
    refusals.push(
      `its gaps do not mean what they say: the calibration error is ${error.toFixed(3)}, and ${bound} is allowed`,
    );
  }
  if (bestOfN !== undefined && bestOfN.gain.high < 0) {
    refusals.push(
      `following it makes answers worse: the best of ${bestOfN.points.length} is worth ${interval(bestOfN.gain)} more than any, by the checks of ${formatCount(bestOfN.prompts)} prompts`,
    );
  }
  return {
    ...{ format: 1, model, isGranted: refusals.length === 0, refusals },
    ...{ pairs: pairs.length, prompts: own.length, accuracy: bootstrapMean(own), baselines: compared },
    calibration: { error, bound, temperature },
    ...(bestOfN !== undefined && {
      bestOfN: {
        ...{ prompts: bestOfN.prompts, most: bestOfN.points.length, gain: bestOfN.gain },
        ...(bestOfN.turnsAt !== undefined && { turnsAt: bestOfN.turnsAt }),
      },
    }),
  };
}

type Compared = Licence['baselines'];

/** Scorers that understand nothing on the same pairs, and what whoever scored these is right more often. */
export function beatenIn(pairs: readonly ScoredPair[], baselines: readonly Baseline[]): Compared {
  return baselines.map(({ name, score }) => {
    const units = accuracyUnits(pairs, ({ chosen, rejected }) => score(chosen.text) - score(rejected.text));
    return { name, accuracy: bootstrapMean(units), gain: pairedBootstrap(units, accuracyUnits(pairs)) };
  });
}

export function fewPrompts(count: number): string[] {
  return count < minPrompts ? [`its pairs are of ${count} prompts, and fewer than ${minPrompts} decide nothing`] : [];
}

/** @param own How often it is right, by prompt. */
export function notBetter(own: readonly Unit[], compared: Compared): string[] {
  return compared.flatMap(({ name, accuracy, gain }) => {
    if (gain.low > 0) return [];
    const what = name === 'length' ? 'the length of an answer alone' : 'counting characters (n-grams)';
    return `it is not surely better than ${what}: right in ${percent(bootstrapMean(own).mean)} of the pairs, and that in ${percent(accuracy.mean)} (difference ${interval(gain)})`;
  });
}

/** Beside the model, sealed. @param directory of its checkpoint. */
export function writeLicence(directory: string, licence: Licence): Promise<void> {
  return writeSealed(join(directory, licenceName), licence);
}

/**
 * The licence of a reward model; a refused one too.
 * @throws UserError where there is none, or it is damaged, or of another model.
 */
export async function readLicence({ path, digest }: { path: string; digest: string }): Promise<Licence> {
  const where = join(path, licenceName);
  const read = await readSealed(where);
  const next = 'Train it here (mossctl align --only reward-model), which measures it, or pass --unlicensed';
  if (read === 'absent') {
    throw new UserError({ where: path, what: 'this reward model has no licence to steer alignment', next });
  }
  const licence = typeof read === 'string' ? undefined : licenceSchema.safeParse(read.value).data;
  if (licence === undefined) {
    throw new UserError({
      where,
      what: 'this licence of a reward model cannot be believed',
      why: 'it is not what was written',
      next,
    });
  }
  if (licence.model === digest) return licence;
  throw new UserError({
    where,
    what: 'this licence is of another reward model',
    why: `it is for ${licence.model.slice(0, 12)}, and the model is ${digest.slice(0, 12)}`,
    next,
  });
}

/** @throws UserError with the reasons, where it is refused. */
export function requireGranted(licence: Licence, where: string): void {
  if (licence.isGranted) return;
  throw new UserError({
    where,
    what: 'this reward model may not steer alignment: its licence is refused',
    why: licence.refusals.join('; '),
    next: 'Train it on more or other pairs; or pass --unlicensed (align.unlicensed: true), which is recorded with what it makes',
  });
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function interval({ mean, low, high }: Estimate): string {
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
  return Number.isFinite(low) ? `${signed(mean)}, 95 % from ${signed(low)} to ${signed(high)}` : signed(mean);
}
