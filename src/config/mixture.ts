// Which text pretraining reads, how much of each, and when: proportions by language and by source, limits to repetition,
// and phases of the training with proportions of their own.
import { z } from 'zod';

const weight = (what: string) =>
  z.number().min(0).max(1e6).optional().describe(`proportion of ${what}; a language without one is not read`);
const temperature = z.number().min(0.1).max(1000).optional();

const blend = {
  languages: z.strictObject({ zh: weight('Chinese'), en: weight('English'), other: weight('all else') }).optional(),
  sources: z
    .record(z.string(), z.number().min(0).max(1e6))
    .optional()
    .describe('proportions of the sources, NAME: NUMBER (within each language where those are weighed too)'),
  temperature: z
    .strictObject({
      languages: temperature.describe('languages in proportion to tokens^(1/temperature); 1: by size, large: equal'),
      sources: temperature.describe('the same for sources'),
    })
    .optional(),
};

/** Proportions that hold at one time. */
export type Blend = { [Key in keyof typeof blend]?: z.output<(typeof blend)[Key]> };

function checkLevels({ languages, sources, temperature }: Blend, context: z.RefinementCtx): void {
  for (const [level, weights] of Object.entries({ languages, sources })) {
    if (weights === undefined || temperature?.[level as keyof typeof temperature] === undefined) continue;
    const message = `give the ${level} proportions or a temperature, not both`;
    context.addIssue({ code: 'custom', path: ['temperature', level], message });
  }
}

const phaseSchema = z
  .strictObject({
    until: z.number().gt(0).max(1).describe('share of the steps at which the phase ends'),
    ...blend,
  })
  .superRefine(checkLevels);

export const mixtureSchema = z
  .strictObject({
    ...blend,
    epochs: z
      .union([z.number().gt(0).max(1e6), z.record(z.string(), z.number().gt(0).max(1e6))])
      .optional()
      .describe('passes over a source at most, one number or one by source: then the others get its share'),
    phases: z
      .array(phaseSchema)
      .min(1)
      .max(100)
      .optional()
      .describe('what holds first, phase after phase; after the last one, what is said above'),
  })
  .superRefine((mixture, context) => {
    checkLevels(mixture, context);
    mixture.phases?.forEach(({ until }, i, phases) => {
      if (i === 0 || until > phases[i - 1].until) return;
      const message = `it ends at ${until}, before the phase above it ends`;
      context.addIssue({ code: 'custom', path: ['phases', i, 'until'], message });
    });
  });

export type MixtureConfig = z.output<typeof mixtureSchema>;
