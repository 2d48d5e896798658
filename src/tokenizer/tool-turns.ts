// How a conversation continues where a model has called: its calls are read from the tokens that it wrote, and the results are
// tokens that follow them. What was written stays as it is, so a template is needed that would write it, too, in front of what
// comes later; one from outside is tried out.
import { type Answer, besideCalls, readAnswer } from './answer.js';
import type { ChatTemplate } from './chat-template.js';
import type { Message, Tool, ToolCall } from './message.js';
import { noTools, TemplateFault } from './template-fault.js';
import type { Tokenizer } from './tokenizer.js';

/** How a template's calls are written and answered. */
export interface CallForm {
  /** The token that ends a message of calls. */
  end: string;
  /** @param ids what the model wrote since its message began, without the token that ended it. */
  read(tokenizer: Tokenizer, ids: readonly number[], tools: readonly Tool[]): Answer;
  /**
   * What a person sees of a message as it comes, more of it each time. `isWhole`: nothing follows.
   * `hasResults`: calls and results of the same turn come before it.
   */
  shown(text: string, place: { isWhole: boolean; hasResults: boolean }): string;
  /** Whether thoughts are part of that; else, special tokens separate the parts of a message. */
  showsThoughts: boolean;
  /** What follows `end` where nothing was called, and the message continues. Absent: there, `end` ends it. */
  withoutCalls?: string;
  /** The results of a message's calls as this form shows them, one message each. Absent: as they are. */
  results?(results: readonly CallResult[]): Message[];
  /** After so many messages of calls there is no place for another. */
  maxRounds?: number;
}

/** A call, or a text that is none, and what the model is to read of it. */
export interface CallResult {
  call: ToolCall | string;
  content: string;
  isFault: boolean;
}

const question: Message = { role: 'user', content: 'question' };
const probe: Tool = {
  name: 'mossctl_probe',
  parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
};
const probeCall: ToolCall = { name: probe.name, arguments: { text: 'probe of calls' } };

export class ToolTurns {
  readonly tools: readonly Tool[];
  readonly form: CallForm;
  /** Of the token that ends a message of calls. */
  readonly endId: number;
  readonly #template: ChatTemplate;

  /** @throws UserError where the template has no place for tools, or writes calls in a form that is not read here. */
  constructor(template: ChatTemplate, tools: readonly Tool[]) {
    const { tokenizer } = template;
    this.#template = template;
    this.tools = tools;
    this.form = template.calls ?? hermesForm(template);
    const endId = tokenizer.controlId(this.form.end);
    if (endId === undefined) throw noTools(`it ends calls with ${this.form.end}, which is no token of its tokenizer`);
    this.endId = endId;
  }

  /** The message that these tokens are, and its calls in order; a text is one that cannot be read. */
  read(ids: readonly number[]): { message: Message; calls: (ToolCall | string)[] } {
    const { content, reasoning, toolCalls, brokenCalls, callsInOrder } = this.form.read(
      this.#template.tokenizer,
      ids,
      this.tools,
    );
    const message: Message = {
      ...{ role: 'assistant', content },
      ...(reasoning !== undefined && { reasoning }),
      ...(toolCalls !== undefined && { toolCalls }),
    };
    return { message, calls: callsInOrder ?? toolCalls ?? brokenCalls ?? [] };
  }

  /** The tools' messages for the calls of a message, in their order. */
  results(results: readonly CallResult[]): Message[] {
    if (this.form.results !== undefined) return this.form.results(results);
    return results.map(({ call, content }) => ({
      ...{ role: 'tool', content },
      ...(typeof call !== 'string' && { name: call.name }),
    }));
  }

  /**
   * The tokens after the end of the calls: `results`, in which nothing becomes a control token, and the opening of the
   * next turn. @param messages up to the calls, which are the last of them.
   * @throws UserError where the template would write otherwise what stands before them.
   */
  following(messages: readonly Message[], results: readonly Message[]): number[] {
    // MOSS's template says at the very beginning whether anybody thinks; that was said already.
    const { reasoning: _, ...calls } = messages[messages.length - 1];
    const turns = [...messages.slice(0, -1), calls];
    return this.#template.encodeResults(turns, results, { tools: this.tools, end: this.form.end }).results;
  }

  /** What follows where nothing was called, and the message continues; undefined: it is over. */
  get withoutCalls(): number[] | undefined {
    const { withoutCalls } = this.form;
    return withoutCalls === undefined ? undefined : this.#template.tokenizer.encodeTrusted(withoutCalls);
  }
}

/** Hermes' and Qwen's, in a template from outside, if it passes: a call is written and read back, a result after it. */
function hermesForm(template: ChatTemplate): CallForm {
  const { tokenizer } = template;
  const end = tokenizer.turnEnd;
  if (template.isOurs) throw noTools('it has no place for them; a fine-tune of this version writes one that has');
  if (end === undefined) throw noTools('no token ends a turn');
  const result = 'mossctl probe result';
  const calls: Message = { role: 'assistant', content: '', toolCalls: [probeCall] };
  try {
    const listed = template.render([question], { tools: [probe], addGenerationPrompt: true });
    if (!listed.includes(probe.name)) throw noTools('it does not list them');
    const after = template.render([question, calls, { role: 'tool', name: probe.name, content: result }], {
      tools: [probe],
      addGenerationPrompt: true,
    });
    if (!after.includes(result)) throw noTools('it does not write their results');
    const { turn } = template.encodeResults([question, calls], [{ role: 'tool', name: probe.name, content: result }], {
      ...{ tools: [probe], end },
    });
    const [read] = readAnswer(tokenizer, turn).toolCalls ?? [];
    if (JSON.stringify(read) !== JSON.stringify(probeCall)) {
      throw noTools('it writes calls in another form than <tool_call> around JSON (that of Hermes and Qwen)');
    }
  } catch (error) {
    if (error instanceof TemplateFault) throw noTools(`it ${error.reason}`);
    throw error;
  }
  return { end, read: readAnswer, shown: besideCalls, showsThoughts: true };
}
