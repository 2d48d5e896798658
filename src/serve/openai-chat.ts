// POST /v1/chat/completions. Calls of tools are returned, never run.
import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import type { LocalModel } from '../inference/local-model.js';
import type { Tool } from '../tokenizer/message.js';
import type { AnswerReader } from './answer-readers.js';
import { type ForcedCall, forcedCalls, scoredNames, unreadCall, type WrittenCall, writtenCall } from './call-choice.js';
import { type ChoiceEnd, type ChoicePiece, type ChoicePlan, seedsOf } from './choice.js';
import { readJson } from './exchange.js';
import { chatLogprobs, type OpenAiForm, sendAnswer } from './openai-answer.js';
import { checkAnswers, drawnSeed } from './openai-bounds.js';
import { messagesOf, toolsOf } from './openai-messages.js';
import { type ChatRequest, chatRequestSchema, parseRequest, samplingOf } from './openai-request.js';
import { chatPrompt, roomFor } from './prompts.js';
import { RefusedRequest } from './refusal.js';
import type { Service } from './service.js';
import { checkFields } from './written-fields.js';

export async function chatCompletion(c: Context, service: Service): Promise<Response> {
  const { models, admission, limits } = service;
  const request = parseRequest(await readJson(c, limits), chatRequestSchema);
  const asked = askedTokens(request);
  const { n: count, stream: isStreamed } = request;
  checkAnswers(request, { count, asked, limits });
  const entry = models.find(request.model);
  const messages = messagesOf(request.messages);
  const tools = toolsOf(request.tools);
  const callable = callableNames(request, tools);
  const visit = admission.enter(count + scoredNames(callable), c.req.raw.signal);
  try {
    const model = await entry.open(visit);
    const prompt = chatPrompt(model, messages, request.tool_choice === 'none' ? [] : tools);
    checkFields(model.template, messages);
    const defaultTokens = Math.min(limits.defaultTokens, Math.floor(limits.requestTokens / count));
    const room = { tokens: prompt.tokens.length, asked, defaultTokens, param: 'messages' };
    const maxNewTokens = roomFor(model, room);
    const sampling = model.sampling(samplingOf(request));
    const seeds = seedsOf(request.seed ?? drawnSeed(), count);
    const asking = { prompt: prompt.tokens, sampling, seeds, signal: visit.signal };
    const forced =
      callable === undefined || prompt.turns === undefined
        ? []
        : await forcedCalls(model, prompt.turns, { ...asking, names: callable });
    const plan: ChoicePlan = {
      ...{ ...prompt, maxNewTokens, sampling, stops: request.stop },
      ...{ logProbabilities: request.logprobs, topTokens: request.top_logprobs ?? 0 },
    };
    const plans = seeds.map((seed, i) => ({ ...withOpening(plan, forced[i]), seed }));
    return await sendAnswer(c, service, visit, {
      ...{ model, id: entry.id, plans, input: prompt.tokens.length, isStreamed },
      form: chatForm(model, request, forced),
      includesUsage: request.stream_options?.include_usage === true,
    });
  } catch (error) {
    visit.leave();
    throw error;
  }
}

function askedTokens({ max_tokens, max_completion_tokens }: ChatRequest): number | undefined {
  if (max_tokens === undefined || max_completion_tokens === undefined || max_tokens === max_completion_tokens) {
    return max_completion_tokens ?? max_tokens;
  }
  const what = 'max_tokens and max_completion_tokens say different numbers';
  throw new RefusedRequest({ status: 400, what, next: 'Give one of them', param: 'max_tokens' });
}

/** What the answer has to call one of; undefined: it may call or not. */
function callableNames(
  { tool_choice: choice, top_logprobs, logprobs }: ChatRequest,
  tools: readonly Tool[],
): string[] | undefined {
  const refused = (what: string, param: string) => new RefusedRequest({ status: 400, what, param });
  if (top_logprobs !== undefined && top_logprobs > 0 && !logprobs)
    throw refused('top_logprobs goes with logprobs: true', 'top_logprobs');
  if (choice === undefined || choice === 'auto' || choice === 'none') return undefined;
  const names = tools.map(({ name }) => name);
  if (names.length === 0) throw refused('tool_choice asks for a call, and there are no tools', 'tool_choice');
  if (choice === 'required') return names;
  if (names.includes(choice.name)) return [choice.name];
  throw refused(`tool_choice names ${choice.name}, which is none of the tools`, 'tool_choice');
}

function withOpening(plan: ChoicePlan, forced: ForcedCall | undefined): ChoicePlan {
  if (forced === undefined) return plan;
  return {
    ...plan,
    force: (generated) => (generated.length === 0 ? forced.opening : []),
    // A call that cannot be read is given as one all the same, and not as text besides.
    reader: (): AnswerReader => {
      const reader = plan.reader();
      return {
        push: (id) => reader.push(id),
        end: (stopId) => {
          const end = reader.end(stopId);
          return end.calls.length > 0 ? end : { content: '', reasoning: '', calls: [] };
        },
      };
    },
  };
}

function chatForm(model: LocalModel, request: ChatRequest, forced: readonly (ForcedCall | undefined)[]): OpenAiForm {
  const { tokenizer } = model;
  const withLogprobs = (tokens: ChoicePiece['tokens']): object => ({
    logprobs: request.logprobs ? chatLogprobs(tokenizer, tokens) : null,
  });
  const callsOf = (index: number, { calls, tokens }: ChoiceEnd): WrittenCall[] => {
    const own = forced[index];
    return calls.length > 0 || own === undefined ? calls.map(writtenCall) : [unreadCall(model, own, tokens)];
  };
  const toolCall = ({ name, arguments: given }: WrittenCall): object => ({
    ...{ id: `call_${randomBytes(12).toString('hex')}`, type: 'function', function: { name, arguments: given } },
  });
  const finishOf = ({ finish }: ChoiceEnd, calls: readonly WrittenCall[]): string =>
    finish === 'stop' && calls.length > 0 ? 'tool_calls' : finish;
  return {
    ...{ idPrefix: 'chatcmpl', object: 'chat.completion', chunkObject: 'chat.completion.chunk' },
    begin: () => [{ delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null }],
    piece: (_, { content, reasoning, tokens }) => ({
      delta: { ...(reasoning !== '' && { reasoning_content: reasoning }), ...(content !== '' && { content }) },
      ...withLogprobs(tokens),
      finish_reason: null,
    }),
    end: (index, end) => {
      const calls = callsOf(index, end);
      const deltas = calls.map((call, i) => ({
        ...{ delta: { tool_calls: [{ index: i, ...toolCall(call) }] }, logprobs: null, finish_reason: null },
      }));
      return [...deltas, { delta: {}, logprobs: null, finish_reason: finishOf(end, calls) }];
    },
    whole: (index, pieces, end) => {
      const calls = callsOf(index, end);
      const content = pieces.map((piece) => piece.content).join('');
      const reasoning = pieces.map((piece) => piece.reasoning).join('');
      const message = {
        ...{ role: 'assistant', content: content === '' && calls.length > 0 ? null : content, refusal: null },
        ...(reasoning !== '' && { reasoning_content: reasoning }),
        ...(calls.length > 0 && { tool_calls: calls.map(toolCall) }),
      };
      return { message, ...withLogprobs(pieces.flatMap(({ tokens }) => tokens)), finish_reason: finishOf(end, calls) };
    },
  };
}
