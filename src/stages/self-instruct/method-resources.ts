// What methods work with beside the model: programs that set tasks, passages of the corpus, tools that run. Opened only where a chosen
// method needs it.
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { languageShare, wordsOf } from '../../base/words.js';
import { type MethodName, methodShares } from '../../config/methods.js';
import type { SelfInstructConfig } from '../../config/pipeline.js';
import { readDocuments } from '../../data/documents.js';
import { openTools } from '../../tools/open.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { Job } from '../stage.js';
import type { MethodResources } from './methods/method.js';
import { openOffline } from './offline-teacher.js';
import type { TaskLanguage } from './teacher.js';

export interface OpenResources {
  names: readonly MethodName[];
  resources: MethodResources;
  close(): Promise<void>;
}

/** @throws UserError where a method lacks what it needs. */
export async function openResources(job: Job<SelfInstructConfig>): Promise<OpenResources> {
  const { config, inputs, seed, reporter } = job;
  const names = [...methodShares(config.methods).keys()];
  const setter = names.includes('cot') ? await openOffline(job) : undefined;
  const passages = names.includes('backtranslate') ? await passagesOf(inputs.data, seed) : undefined;
  const note = (text: string): void => reporter.note('warning', text);
  const toolbox: Toolbox | undefined = names.includes('tools')
    ? await openTools(config.tools ?? defaultTools, { note })
    : undefined;
  return { names, resources: { setter, passages, toolbox }, close: async () => toolbox?.close() };
}

/** They read nothing. */
const defaultTools = ['Calculate', 'Solve', 'Now'];

const sizes = { min: 25, max: 220 };
/** Of each language, drawn evenly over the corpus. */
const maxPassages = 20_000;

/** Paragraphs that are an answer's size, whole, and in one language. */
async function passagesOf(corpus: string | undefined, seed: number): Promise<Record<TaskLanguage, string[]>> {
  const found: Record<TaskLanguage, string[]> = { zh: [], en: [] };
  const seen = { zh: 0, en: 0 };
  const random = Random.stream(seed, 'self-instruct/passages');
  if (corpus !== undefined)
    for await (const { text, language } of readDocuments(corpus, 'train')) {
      if (language === 'other') continue;
      for (const paragraph of text.split(/\n\s*\n/)) {
        if (!isPassage(paragraph.trim(), language)) continue;
        const own = found[language];
        const at = seen[language]++;
        // Reservoir sampling: each passage so far stays with the same chance.
        const place = at < maxPassages ? at : random.integer(0, at + 1);
        if (place < maxPassages) own[place] = paragraph.trim();
      }
    }
  for (const language of ['zh', 'en'] as const) found[language] = random.shuffle(found[language]);
  if (found.zh.length + found.en.length > 0) return found;
  throw new UserError({
    what: 'the method backtranslate has no passages to be answers',
    where: 'selfInstruct.methods',
    why:
      corpus === undefined
        ? 'this run has no corpus'
        : `no paragraph of the corpus is prose of ${sizes.min} to ${sizes.max} words or Chinese characters`,
    next: 'Add a data block whose sources hold prose, or leave backtranslate away from selfInstruct.methods',
  });
}

function isPassage(text: string, language: TaskLanguage): boolean {
  if (text.length > 20 * sizes.max || !/[.!?。！？”"」）)]$/.test(text)) return false;
  const words = wordsOf(text).length;
  return words >= sizes.min && words <= sizes.max && languageShare(text, language) >= 0.8;
}
