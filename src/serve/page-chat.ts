// What the page asks of the models: which there are, and a turn of a conversation. This is the only route that runs tools, in the
// loop that `mossctl chat` has.
import { type Context, Hono } from 'hono';
import { ownVersion } from '../base/version.js';
import type { OpenedModel } from '../inference/local-model.js';
import { streamWithTools, type ToolUse } from '../inference/tool-stream.js';
import { acceptedLanguage } from '../language/choice.js';
import type { Speech } from '../language/speech.js';
import type { Message } from '../tokenizer/message.js';
import type { Toolbox } from '../tools/toolbox.js';
import type { Visit } from './admission.js';
import { readBody } from './body.js';
import { choices } from './choice.js';
import { type ChatBody, type ChatEvent, chatSchema, type PageMessage, type Session } from './contract.js';
import { drawnSeed } from './openai-bounds.js';
import { chatPrompt, type Prompt, roomFor, textPrompt } from './prompts.js';
import { apiError, refusalOf, speechFor } from './refusal.js';
import type { Service } from './service.js';
import { type SentEvent, sendEvents } from './sse.js';

/** Of an answer, where the page names no number. */
const defaultTokens = 1024;

export function pageChat(service: Service): Hono {
  const app = new Hono();
  app.get('/session', async (c) => {
    await service.models.refresh();
    return c.json(sessionOf(c, service));
  });
  app.post('/chat', (c) => chat(c, service));
  return app;
}

function sessionOf(c: Context, { models, token }: Service): Session {
  return {
    ...{ token, version: ownVersion(), default: models.defaultEntry?.id ?? '', run: models.run },
    ...(models.follows && { follows: true }),
    models: models.all.map(({ described }) => described),
    language: acceptedLanguage(c.req.header('accept-language')),
  };
}

async function chat(c: Context, service: Service): Promise<Response> {
  const body = await readBody(c, chatSchema, service.limits);
  const entry = service.models.find(body.model);
  const visit = service.admission.enter(1, c.req.raw.signal);
  try {
    const model = await entry.open(visit);
    const toolbox = body.tools && !model.isBase ? await entry.toolbox() : undefined;
    const asked: Message[] = body.messages;
    // A base model has learnt no turns: it continues what was said last.
    const prompt = model.isBase
      ? textPrompt(model, asked[asked.length - 1].content)
      : chatPrompt(model, asked, toolbox?.tools ?? []);
    const room = { tokens: prompt.tokens.length, asked: body.maxNewTokens, defaultTokens, param: 'messages' };
    const turn: Turn = {
      model,
      toolbox,
      prompt,
      body,
      maxNewTokens: roomFor(model, room),
      seed: body.seed ?? drawnSeed(),
    };
    return sendEvents(c, events(turn, visit, service, await speechFor(c)), visit);
  } catch (error) {
    visit.leave();
    throw error;
  }
}

interface Turn {
  model: OpenedModel;
  toolbox: Toolbox | undefined;
  prompt: Prompt;
  body: ChatBody;
  maxNewTokens: number;
  seed: number;
}

/** What a turn comes to. */
interface Said {
  finish: Extract<ChatEvent, { type: 'end' }>['finish'];
  messages: readonly Message[];
  /** Tokens that the model wrote. */
  output: number;
}

async function* events(turn: Turn, visit: Visit, service: Service, speech: Speech): AsyncGenerator<SentEvent, void> {
  const { toolbox, prompt, seed } = turn;
  const pieces = toolbox === undefined ? withoutTools(turn, visit.signal) : withTools(turn, toolbox, visit.signal);
  const started = performance.now();
  try {
    for (;;) {
      const next = await pieces.next();
      if (!next.done) {
        for (const event of eventsOf(next.value)) yield { data: JSON.stringify(event) };
        continue;
      }
      visit.checkTime();
      const { finish, messages, output } = next.value;
      const usage = { input: prompt.tokens.length, output };
      service.metrics.countAnswer({ ...usage, seconds: (performance.now() - started) / 1000 });
      const end: ChatEvent = { type: 'end', finish, usage, seed, messages: messages.map(pageMessage) };
      return yield { data: JSON.stringify(end) };
    }
  } catch (error) {
    yield { data: JSON.stringify(apiError(refusalOf(error), speech)) };
  } finally {
    await pieces.return({ finish: 'aborted', messages: [], output: 0 });
  }
}

async function* withoutTools(turn: Turn, signal: AbortSignal): AsyncGenerator<string | ToolUse, Said> {
  const { model, prompt, body, maxNewTokens, seed } = turn;
  const sampling = model.sampling(body.sampling);
  const plan = { ...prompt, maxNewTokens, sampling, stops: [], logProbabilities: false, topTokens: 0, seed };
  const said: Said = { finish: 'aborted', messages: [], output: 0 };
  let content = '';
  let reasoning = '';
  for await (const told of choices(model, [plan], signal)) {
    if ('end' in told) {
      said.finish = told.end.finish;
      said.output = told.end.tokens.length;
      continue;
    }
    content += told.content;
    reasoning += told.reasoning;
    if (told.reasoning !== '') yield { type: 'thought', text: told.reasoning };
    if (told.content !== '') yield told.content;
  }
  return { ...said, messages: [{ role: 'assistant', content, ...(reasoning !== '' && { reasoning }) }] };
}

async function* withTools(turn: Turn, toolbox: Toolbox, signal: AbortSignal): AsyncGenerator<string | ToolUse, Said> {
  const { model, prompt, body, maxNewTokens, seed } = turn;
  const answer = yield* streamWithTools(model, {
    ...{ tokens: prompt.tokens, prompt: body.messages, session: toolbox.session() },
    ...{ maxNewTokens, seed, signal, sampling: model.sampling(body.sampling) },
  });
  return { finish: answer.finish, messages: answer.messages, output: answer.sampled.filter(Boolean).length };
}

function eventsOf(piece: string | ToolUse): ChatEvent[] {
  if (typeof piece === 'string') return [{ type: 'text', text: piece }];
  if (piece.type === 'thought') return [piece];
  if (piece.type === 'call') {
    const { call, written } = piece;
    return [{ type: 'call', ...(call && { name: call.name, arguments: call.arguments }), ...(written && { written }) }];
  }
  const { call, result } = piece.ran;
  return [{ type: 'result', name: call?.name ?? '', text: result.content, failed: result.fault !== undefined }];
}

/** What the contract has of a message, and no more. */
function pageMessage({ role, content, reasoning, toolCalls, toolCallId, name }: Message): PageMessage {
  return {
    ...{ role, content },
    ...(reasoning !== undefined && { reasoning }),
    ...(toolCalls !== undefined && { toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
    ...(name !== undefined && { name }),
  };
}
