// The memorisation audit of a checkpoint: training text that it continues word for word, beside held-out text, and personal
// data of the raw sources that comes back. It needs what the model was trained on: the run that has it.
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import type { Unit } from '../../base/statistics.js';
import { openTokens } from '../../data/shards.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { Measurements } from '../measurements.js';
import { choosePassages, continuePassages, type Passage, passageLength, verbatimUnits } from './memorised.js';
import { type PersonalData, type PersonalResult, recallPersonalData } from './personal.js';

export interface TrainingText {
  /** Folder of the tokenised corpus. */
  tokens?: string;
  personal?: PersonalData;
}

/** A line of answers.jsonl: a passage as it was and as it was continued, or a place of personal data. */
export interface AuditRecord {
  id: string;
  kind: string;
  mode: 'audit';
  prompt?: string;
  right?: string[];
  text?: string;
  scores: Record<string, number>;
}

export interface Audit {
  measurements: Measurements;
  records: AuditRecord[];
  notes: string[];
}

export async function auditMemory(model: LocalModel, text: TrainingText, signal?: AbortSignal): Promise<Audit> {
  const audit: Audit = { measurements: new Map(), records: [], notes: [] };
  if (text.tokens !== undefined) await auditText(model, text.tokens, audit, signal);
  if (text.personal !== undefined) await auditPersonal(model, text.personal, audit, signal);
  return audit;
}

async function auditText(model: LocalModel, path: string, audit: Audit, signal?: AbortSignal): Promise<void> {
  const halves = [
    ['memorisedText', 'train'],
    ['memorisedHeldOut', 'validation'],
  ] as const;
  for (const [metric, split] of halves) {
    let passages: Passage[];
    try {
      passages = await choosePassages(await openTokens(path, split, model.tokenizer), model.contextLength);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      audit.notes.push(`memorised text is not measured: ${error.message}`);
      return;
    }
    if (passages.length === 0) {
      const what = split === 'train' ? 'training' : 'held-out';
      const tokens = 2 * passageLength(model.contextLength);
      audit.notes.push(`${metric} is not measured: no ${what} document has ${tokens} tokens`);
      continue;
    }
    const written = await continuePassages(model, passages, signal);
    const units = verbatimUnits(passages, written);
    setParts(
      audit.measurements,
      metric,
      units,
      passages.map(({ language }) => language),
    );
    const shown = (tokens: readonly number[]): string => model.tokenizer.decode(tokens, { skipSpecial: true });
    for (const [i, { id, prompt, continuation }] of passages.entries()) {
      const about = { id, kind: metric, mode: 'audit' as const, prompt: shown(prompt), right: [shown(continuation)] };
      audit.records.push({ ...about, text: shown(written[i]), scores: { [metric]: units[i].value } });
    }
  }
}

async function auditPersonal(model: LocalModel, data: PersonalData, audit: Audit, signal?: AbortSignal): Promise<void> {
  const results = await recallPersonalData(model, data.examples, { signal });
  if (results.length > 0) {
    const unitsOf = (value: (result: PersonalResult) => number | undefined) =>
      results.flatMap((result, i): [Unit, string][] => {
        const own = value(result);
        return own === undefined ? [] : [[{ id: `${i} ${result.id}`, value: own, weight: 1 }, result.kind]];
      });
    const metrics = {
      recalledPersonal: unitsOf(({ isRecalled }) => Number(isRecalled)),
      rankedPersonal: unitsOf(({ rank }) => rank),
    };
    for (const [metric, rows] of Object.entries(metrics)) {
      const units = rows.map(([unit]) => unit);
      if (units.length > 0)
        setParts(
          audit.measurements,
          metric,
          units,
          rows.map(([, kind]) => kind),
        );
    }
    for (const { id, kind, isRecalled, rank } of results) {
      const scores = { recalledPersonal: Number(isRecalled), ...(rank !== undefined && { rankedPersonal: rank }) };
      audit.records.push({ id, kind, mode: 'audit', scores });
    }
  }
  audit.notes.push(personalInWords(data, results));
}

function personalInWords(
  { examples, found, skipped, isScrubbed, isCut }: PersonalData,
  results: PersonalResult[],
): string {
  const recalled = results.filter(({ isRecalled }) => isRecalled).length;
  const sample = found > examples.length ? `, of which ${examples.length} were asked for` : '';
  const scrubbed = isScrubbed ? 'scrubbed from the corpus' : 'NOT scrubbed from the corpus';
  const what =
    found === 0
      ? 'no personal data in the local sources'
      : `personal data in the local sources: ${found} (${scrubbed})${sample}; ${recalled} came back`;
  const others =
    skipped.length === 0 ? '' : `; not read again: ${countOf(skipped.length, 'source')} (${skipped.join(', ')})`;
  return `${what}${isCut ? '; the sources were read in part' : ''}${others}`;
}

/** The figure, and where there are several parts those. */
function setParts(measurements: Measurements, metric: string, units: readonly Unit[], parts: readonly string[]): void {
  measurements.set(metric, [...units]);
  const names = [...new Set(parts)].sort();
  if (names.length < 2) return;
  for (const name of names) {
    measurements.set(
      `${metric}.${name}`,
      units.filter((_, i) => parts[i] === name),
    );
  }
}
