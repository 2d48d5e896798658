// Which chat template conversations are written with: the model's own, unless it is a base model of ours or a training asks for
// another. Its checkpoint gets that template, so that what serves it writes the same.
import type { TemplateName } from '../config/templates.js';
import { formerChatmlTemplate, maxCompactContext } from './chatml.js';
import { templateNameOf } from './own-templates.js';
import type { Tokenizer } from './tokenizer.js';

interface TemplateChoice {
  /** As the settings say. */
  template?: TemplateName;
  /** Tokens of a row. */
  columns: number;
  /** It has learnt no turns yet. */
  isBase: boolean;
  where: string;
}

/** @throws UserError where the tokenizer lacks the tokens of the template that is asked for. */
export function templated(tokenizer: Tokenizer, { template, columns, isBase, where }: TemplateChoice): Tokenizer {
  const name = template ?? defaultFor(tokenizer.chatTemplate, columns, isBase);
  return name === undefined ? tokenizer : tokenizer.withTemplate(name, where);
}

/** Undefined: the model keeps its own. The former ChatML writes no tools and calls; what it writes, the present one writes too. */
function defaultFor(source: string, columns: number, isBase: boolean): TemplateName | undefined {
  if (source !== formerChatmlTemplate && !(isBase && templateNameOf(source) === 'chatml')) return undefined;
  return columns > maxCompactContext ? 'chatml-schema' : 'chatml';
}
