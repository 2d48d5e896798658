// An answer with tools as a person watches it come: its text, what it calls, and what comes of that.
import type { ToolCall } from '../tokenizer/message.js';
import { StreamDecoder } from '../tokenizer/stream-decoder.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import type { RanCall } from '../tools/tool.js';
import type { ToolSession } from '../tools/toolbox.js';
import { streamed } from './streamed.js';
import { answerWithTools, type ToolAnswer, type ToolEvent, type ToolModel, type ToolRequest } from './tool-loop.js';

/** What is no text of the answer. `thought`: where the form keeps it apart from the text. */
export type ToolUse =
  | { type: 'thought'; text: string }
  | { type: 'call'; call?: ToolCall; written?: string }
  | { type: 'result'; ran: RanCall };

/** Yields as it comes what `answerWithTools` returns. Leaving the loop early ends the answer, and a tool that runs. */
export function streamWithTools(
  model: ToolModel,
  request: ToolRequest & { session: ToolSession },
): AsyncGenerator<string | ToolUse, ToolAnswer> {
  const answered = (tell: (piece: string | ToolUse) => void, signal: AbortSignal): Promise<ToolAnswer> => {
    const shown = new ShownAnswer(model, request.session);
    return answerWithTools(model, { ...request, signal }, (event) => shown.add(event).forEach(tell));
  };
  return streamed(answered, request.signal);
}

/** Turns events into what is shown of them. */
class ShownAnswer {
  readonly #turns: ToolTurns;
  readonly #decoder: StreamDecoder;
  /** Of the message that is being written. */
  #text = '';
  #length = 0;
  #hasResults = false;

  constructor({ template, tokenizer }: ToolModel, { tools }: ToolSession) {
    this.#turns = new ToolTurns(template, tools);
    this.#decoder = new StreamDecoder(tokenizer, { skipSpecial: this.#turns.form.showsThoughts });
  }

  add(event: ToolEvent): (string | ToolUse)[] {
    if (event.type === 'token') {
      this.#text += this.#decoder.push(event.id);
      return this.#more(false);
    }
    if (event.type === 'result') this.#hasResults = true;
    if (event.type !== 'message') return [event];
    this.#text += this.#decoder.end();
    const more = this.#more(true);
    const { reasoning } = event.message;
    // Where it is no part of what is shown, it is told apart.
    const isApart = reasoning !== undefined && !this.#turns.form.showsThoughts;
    this.#text = '';
    this.#length = 0;
    return isApart ? [{ type: 'thought', text: reasoning }, ...more] : more;
  }

  #more(isWhole: boolean): string[] {
    const shown = this.#turns.form.shown(this.#text, { isWhole, hasResults: this.#hasResults });
    const piece = shown.slice(this.#length);
    this.#length = Math.max(this.#length, shown.length);
    return piece === '' ? [] : [piece];
  }
}
