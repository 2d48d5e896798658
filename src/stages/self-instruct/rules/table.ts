// THE table of rules, and the tasks that they make. A new rule is its row in one of these files and its wordings, in both
// languages, in data-specs/families/rules-*.yaml under the same name.
import type { Random } from '../../../base/random.js';
import { partFor } from '../../../tools/wordings.js';
import { exactlyIfShort, type FamilyRows, type SolvedTask, type TaskMaker } from '../families/family.js';
import { readThings } from '../families/strings.js';
import { type NamedWordings, readWordings } from '../families/wordings.js';
import { type TaskLanguage, taskLanguages } from '../teacher.js';
import { letterRules } from './letters.js';
import { listRules } from './lists.js';
import { meaningRules } from './meanings.js';
import { numberRules } from './numbers.js';
import { type InputSource, lexiconOf, type Rules, type RuleTask, requestOf } from './rule.js';

export const rules: Rules = { ...listRules, ...numberRules, ...letterRules, ...meaningRules };

/** How rules are asked for, and what their inputs are drawn from. */
export interface RuleBook {
  wordings: NamedWordings;
  source(language: TaskLanguage, random: Random): InputSource;
}

/** Read at once, as the wordings of families are. */
export function readRuleBook(): RuleBook {
  const files = ['rules-lists', 'rules-numbers', 'rules-letters', 'rules-words'];
  const lexicon = readWordings('rules-lexicon');
  const { words } = readThings();
  const lexicons = Object.fromEntries(taskLanguages.map((language) => [language, lexiconOf(lexicon, language)]));
  return {
    wordings: Object.assign({}, ...files.map(readWordings)),
    source: (language, random) => ({ language, random, words: words[language], lexicon: lexicons[language] }),
  };
}

/** `worked`: what the result is read from comes first, and the last line is "Answer: …". */
export function answerOf({ steps, result }: RuleTask, language: TaskLanguage, isWorked: boolean): string {
  return isWorked ? `${steps}\n${answerMarks[language]}${result}` : result;
}

export const answerMarks: Record<TaskLanguage, string> = { zh: '答案：', en: 'Answer: ' };

/** Rules are held out whole, every fifth: whoever follows those has learnt more than a list of rules. */
function makeRules(): TaskMaker {
  const book = readRuleBook();
  return ({ language, random, isHeldOut }): SolvedTask | undefined => {
    const name = random.choose(partFor(Object.keys(rules), isHeldOut));
    const task = rules[name].make(book.source(language, random));
    if (task === undefined) return undefined;
    const turns = [requestOf(random.choose(book.wordings[name][language]), task, random)];
    const { operands, result } = task;
    return {
      turns,
      solution: { answer: result, check: { type: 'equals', answer: result } },
      core: `${name}: ${operands.join(' | ')}`,
    };
  };
}

export const ruleFamilies = {
  rules: {
    task: 'one small operation that the request states in a sentence, on a few words, letters or numbers that stand in it: swap the first and the last word, add up the digits, find what two lists share',
    answerForm: 'Answer with the result alone, in the form that the request asks for.',
    key: 'quotation',
    anyLanguage: 'answer',
    check: exactlyIfShort,
    maker: makeRules,
  },
} satisfies FamilyRows;
