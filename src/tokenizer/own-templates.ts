// The chat templates of ours by name, and what goes with each. They write every turn the same whatever follows it, and every
// content as it is; a template from outside may do otherwise, and is tried out first (template-probe.ts).
import { type TemplateName, templateNames } from '../config/templates.js';
import { type Answer, besideCalls, readAnswer } from './answer.js';
import { chatmlResponseTemplate, chatmlSchemaTemplate, chatmlTemplate, formerChatmlTemplate } from './chatml.js';
import type { Message } from './message.js';
import { mossEndList, mossNoCalls, mossOwners, mossTemplate, mossTurnEnd, readMossAnswer } from './moss.js';
import { mossResults, mossShown, readMossCalls } from './moss-calls.js';
import { specialTokens } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';
import type { CallForm } from './tool-turns.js';

interface OwnTemplate {
  source: string;
  /** Which control string ends an answer, and all that the template writes. */
  turnEnd: string;
  controls: readonly string[];
  /** For tokenizer_config.json: how others read an answer back. */
  responseTemplate?: object;
  /** The message that each stretch belongs to which the template marks; absent: one for each of the assistant's. */
  owners?(messages: readonly Message[]): number[];
  /** Absent: it has no place for tools. */
  calls?: CallForm;
  /** What a model wrote after a prompt. */
  read(tokenizer: Tokenizer, ids: readonly number[]): Answer;
}

const chatml = {
  turnEnd: specialTokens.turnEnd,
  controls: [specialTokens.turnStart, specialTokens.turnEnd],
  responseTemplate: chatmlResponseTemplate,
  calls: { end: specialTokens.turnEnd, read: readAnswer, shown: besideCalls, showsThoughts: true },
  read: readAnswer,
};

const templates: Readonly<Record<TemplateName, OwnTemplate>> = {
  chatml: { ...chatml, source: chatmlTemplate },
  /** With whole JSON schemas in the list of tools. */
  'chatml-schema': { ...chatml, source: chatmlSchemaTemplate },
  moss: {
    source: mossTemplate,
    turnEnd: mossTurnEnd,
    controls: mossEndList,
    owners: mossOwners,
    calls: {
      end: '<eoc>',
      read: (tokenizer, ids, tools) => readMossCalls(tokenizer.decode(ids), tools),
      shown: mossShown,
      showsThoughts: false,
      withoutCalls: mossNoCalls,
      results: mossResults,
      maxRounds: 1,
    },
    read: (tokenizer, ids) => readMossAnswer(tokenizer.decode(ids)),
  },
};

const former: OwnTemplate = {
  ...chatml,
  source: formerChatmlTemplate,
  responseTemplate: undefined,
  calls: undefined,
};
const bySource: ReadonlyMap<string, OwnTemplate> = new Map(
  [...Object.values(templates), former].map((template) => [template.source, template]),
);

export function templateNamed(name: TemplateName): OwnTemplate {
  return templates[name];
}

/** Of a tokenizer whose template is ours, by its source; the former ChatML goes by the name of the present one. */
export function templateNameOf(source: string): TemplateName | undefined {
  if (source === former.source) return 'chatml';
  return templateNames.find((name) => templates[name].source === source);
}

/** Undefined for a template from outside. */
export function ownTemplate(source: string): OwnTemplate | undefined {
  return bySource.get(source);
}
