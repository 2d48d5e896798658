// Why a chat template writes nothing: there is none, it refuses the conversation, or it does not work.
import { cleanText } from '../base/clean-text.js';
import { UserError } from '../base/errors.js';
import { RefusalError } from './jinja/budget.js';

/** A conversation that the template cannot render. `reason` follows "the chat template": `refuses it: …`, `fails on it: …`. */
export class TemplateFault extends UserError {
  readonly reason: string;
  constructor(cause: unknown, shown: (text: string) => string = (text) => text) {
    const why = shown((cause as Error).message).slice(0, 500);
    const refused = cause instanceof RefusalError;
    const next = refused
      ? 'Change the conversation: templates mostly refuse system messages, tools or an order of roles'
      : "Fix chat_template.jinja, or chat_template in tokenizer_config.json, of the model's folder";
    const what = refused ? 'the chat template refuses this conversation' : 'the chat template does not work';
    super({ what, why, next }, { cause });
    this.reason = `${refused ? 'refuses' : 'fails on'} it: ${cleanText(why, 200)}`;
  }
}

/** @param shown how a person reads what the template says of an escaped text. */
export function attempt<T>(work: () => T, shown?: (text: string) => string): T {
  try {
    return work();
  } catch (error) {
    throw new TemplateFault(error, shown);
  }
}

/** @param where the model's folder. */
export function noTemplate(where?: string): UserError {
  return new UserError({
    where,
    what: 'this model has no chat template',
    why: 'it is a base model, or the file was left behind: how turns are written cannot be guessed',
    next: 'Put one into its folder as chat_template.jinja',
  });
}

/** @param why of the chat template: `it …`. */
export function noTools(why: string): UserError {
  return new UserError({
    what: "this model's chat template cannot be used with tools",
    why,
    next: 'Go without them (--no-tools), or use a model whose template has tools, such as one that mossctl sft has made',
  });
}
