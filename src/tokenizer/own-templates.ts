// The chat templates of ours by name, and what goes with each. They write every turn the same whatever follows it, and every
// content as it is; a template from outside may do otherwise, and is tried out first (template-probe.ts).
import { chatmlResponseTemplate, chatmlSchemaTemplate, chatmlTemplate, formerChatmlTemplate } from './chatml.js';

interface OwnTemplate {
  source: string;
  /** For tokenizer_config.json: how others read an answer back. */
  responseTemplate?: object;
}

const templates = {
  chatml: { source: chatmlTemplate, responseTemplate: chatmlResponseTemplate },
  /** With whole JSON schemas in the list of tools. */
  'chatml-schema': { source: chatmlSchemaTemplate, responseTemplate: chatmlResponseTemplate },
} satisfies Record<string, OwnTemplate>;

export type TemplateName = keyof typeof templates;
export const templateNames = Object.keys(templates) as TemplateName[];

const bySource: ReadonlyMap<string, OwnTemplate> = new Map(
  [...Object.values(templates), { source: formerChatmlTemplate }].map((template) => [template.source, template]),
);

export function templateSource(name: TemplateName): string {
  return templates[name].source;
}

/** Undefined for a template from outside. */
export function ownTemplate(source: string): OwnTemplate | undefined {
  return bySource.get(source);
}
