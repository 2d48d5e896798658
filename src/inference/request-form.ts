// The body of a request, and how it changes where an endpoint refuses a part of it: what is optional is left out, the limit
// takes its newer name, a system's words go into the first question. What was learnt holds for the run.
import { isRecord } from '../base/objects.js';
import type { Message, Tool } from '../tokenizer/message.js';
import type { Reply, ReplyOptions } from './chat-model.js';
import type { EndpointApi } from './endpoint.js';
import type { SaidError } from './endpoint-words.js';
import type { RequestBound } from './ledger-lines.js';

type Body = Record<string, unknown>;

/** Optional in the protocol: an endpoint may do without. */
const optional = ['temperature', 'top_p', 'seed', 'stop'];
const limits = ['max_tokens', 'max_completion_tokens'];
const tokensPerTurn = 8;
const tooHigh =
  /too (?:large|high|big|long)|exceed|at most|less than|greater than|maximum (?:allowed|value|context|of)/i;

/** How an endpoint holds a reply to JSON: to the schema, or to an object whatever it holds. */
export type JsonMode = 'schema' | 'object';

export class RequestForm {
  readonly #model: string;
  /** From the person: laid over the rest; null leaves a field out. */
  readonly #fields: Readonly<Body>;
  readonly #leftOut = new Set<string>();
  #limit = 0;
  #takesSystem = true;
  readonly #api: EndpointApi;
  /** What has not been refused, the first is asked for. */
  #jsonModes: JsonMode[];

  constructor(
    model: string,
    fields: Readonly<Body> = {},
    { api = 'chat', jsonMode = 'schema' }: { api?: EndpointApi; jsonMode?: JsonMode } = {},
  ) {
    this.#model = model;
    this.#fields = fields;
    this.#api = api;
    this.#jsonModes = jsonMode === 'schema' ? ['schema', 'object'] : ['object', 'schema'];
  }

  body(messages: readonly Message[], options: ReplyOptions): Body {
    const { maxNewTokens, temperature, topP, seed, tools, schema, continuation } = options;
    const isChat = this.#api === 'chat';
    const body: Body = {
      model: this.#model,
      ...(isChat
        ? { messages: (this.#takesSystem ? messages : withoutSystem(messages)).map(toRequest) }
        : { prompt: promptOf(messages, options), stop: continuation?.stop?.slice(0, maxStops) }),
      response_format: schema && this.#responseFormat(schema),
      temperature,
      top_p: topP,
      seed,
      tools: tools?.map(toTool),
    };
    if (this.#limit < limits.length) body[limits[this.#limit]] = maxNewTokens;
    for (const name of this.#leftOut) delete body[name];
    const merged = Object.entries({ ...body, ...this.#fields });
    return Object.fromEntries(merged.filter(([, value]) => value !== undefined && value !== null));
  }

  /** The most that `body` can take: a token is at least a byte, and the form of a turn some tokens more. */
  atMost(body: Body): RequestBound {
    const { prompt, messages = prompt, max_tokens, max_completion_tokens, best_of } = body;
    const turns = Array.isArray(messages) ? messages.length : 1;
    const limit = [max_completion_tokens, max_tokens].find((each) => typeof each === 'number');
    const input = Buffer.byteLength(JSON.stringify(messages ?? body)) + tokensPerTurn * turns;
    const answers = typeof best_of === 'number' ? best_of : 1;
    return { input, ...(typeof limit === 'number' && { output: Math.ceil(limit * answers) }) };
  }

  /**
   * Changes the form so that `body` would not be refused for the same reason again.
   * @returns what to tell the person; '' where another request has changed it already; undefined where nothing can be done.
   */
  adapt(body: Body, refusal: SaidError): string | undefined {
    const json = this.#adaptJson(body, refusal);
    if (json !== undefined) return json;
    if (refusesSystem(body, refusal)) {
      if (!this.#takesSystem) return '';
      this.#takesSystem = false;
      return 'takes no system message: what it says is put before the question from here on';
    }
    const name = this.#fieldIn(body, refusal);
    if (name === undefined || name in this.#fields) return undefined;
    if (!limits.includes(name)) {
      if (this.#leftOut.has(name)) return '';
      this.#leftOut.add(name);
      return `takes no ${name} of ${JSON.stringify(body[name])}: asked without it from here on`;
    }
    // A limit that is too high for the model stays too high under another name.
    if (tooHigh.test(refusal.words)) return undefined;
    if (limits[this.#limit] !== name) return '';
    this.#limit++;
    return this.#limit < limits.length
      ? `takes no ${name}: asked with ${limits[this.#limit]} from here on`
      : 'takes no limit of tokens: asked without one from here on';
  }

  /** A reply whose beginning was part of the prompt. */
  whole(reply: Reply, { continuation: { begin = '' } = {} }: ReplyOptions): Reply {
    return this.#api === 'chat' || reply.text === '' ? reply : { ...reply, text: begin + reply.text };
  }

  #responseFormat(schema: Readonly<Body>): Body | undefined {
    const [mode] = this.#jsonModes;
    if (mode === undefined) return undefined;
    if (mode === 'object') return { type: 'json_object' };
    return { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } };
  }

  /** Where it is JSON that is refused: the other way to ask for it, if it was not refused too, or words alone. */
  #adaptJson({ response_format }: Body, { param = '', words }: SaidError): string | undefined {
    const isAbout = /response_format|json_(?:schema|object)|json mode/i;
    if (!isRecord(response_format) || 'response_format' in this.#fields || !isAbout.test(`${param} ${words}`))
      return undefined;
    const refused = response_format.type === 'json_object' ? 'object' : 'schema';
    if (!this.#jsonModes.includes(refused)) return '';
    this.#jsonModes = this.#jsonModes.filter((mode) => mode !== refused);
    const [next] = this.#jsonModes;
    const instead = { schema: 'constrained to a schema', object: 'asked for any JSON object' };
    return `takes no ${String(response_format.type)} as response_format: ${next ? instead[next] : 'asked for JSON in words alone'} from here on`;
  }

  /** The field of `body` that a refusal is about, of those that need not be there. */
  #fieldIn(body: Body, { param, words }: SaidError): string | undefined {
    const sent = [...optional, ...limits, ...Object.keys(this.#fields)].filter((name) => name in body);
    return (
      sent.find((name) => name === param) ?? sent.find((name) => new RegExp(`(?<![\\w])${name}(?![\\w])`).test(words))
    );
  }
}

function refusesSystem({ messages }: Body, { param = '', words }: SaidError): boolean {
  const hasSystem = ((messages ?? []) as { role: string }[]).some(({ role }) => role === 'system');
  const isAboutRole = /^messages.*role/.test(param) || /\brole|system (?:message|prompt|instruction)/i.test(words);
  return hasSystem && isAboutRole && /system|must alternate/i.test(words);
}

/** What the system says, before the first of the user's turns. */
function withoutSystem(messages: readonly Message[]): Message[] {
  const said = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.findIndex(({ role }) => role === 'user');
  return others.map((message, i) =>
    i === first ? { ...message, content: [...said, message.content].join('\n\n') } : message,
  );
}

/** Of an endpoint that continues text: what was said, and where the next turn begins. */
function promptOf(messages: readonly Message[], { continuation: { begin = '' } = {} }: ReplyOptions): string {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== 'system');
  const isTalk = others.length > 1;
  const turns = others.map(({ role, content }) => (isTalk ? `${speakers[role] ?? role}: ${content}` : content));
  const said = [...system, ...turns].join('\n\n');
  if (isTalk) return `${said}\n\n${speakers.assistant}:${begin === '' ? '' : ` ${begin}`}`;
  return begin === '' ? said : `${said}\n\n${begin}`;
}

const speakers: Readonly<Record<string, string>> = { user: 'User', assistant: 'Assistant', tool: 'Result' };
/** OpenAI takes no more. */
const maxStops = 4;

function toTool({ name, description, parameters }: Tool): Body {
  return { type: 'function', function: { name, description, parameters } };
}

function toRequest({ role, content, toolCalls, toolCallId, name }: Message): Body {
  const tool_calls = toolCalls?.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return { role, content, tool_calls, tool_call_id: toolCallId, name };
}
