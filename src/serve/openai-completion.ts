// POST /v1/completions: text that the model continues, as text. Nothing in it becomes a control token.
import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { Context } from 'hono';
import type { LocalModel } from '../inference/local-model.js';
import { StreamDecoder } from '../tokenizer/stream-decoder.js';
import { type ChoicePiece, type ChoicePlan, seedsOf } from './choice.js';
import { readJson } from './exchange.js';
import { bounded, type OpenAiForm, sendAnswer } from './openai-answer.js';
import { checkAnswers, drawnSeed } from './openai-bounds.js';
import { type CompletionRequest, completionRequestSchema, parseRequest, samplingOf } from './openai-request.js';
import { roomFor, textPrompt } from './prompts.js';
import type { Service } from './service.js';

/** OpenAI's own default. */
const defaultTokens = 16;

export async function completion(c: Context, service: Service): Promise<Response> {
  const { models, admission, limits } = service;
  const request = parseRequest(await readJson(c, limits), completionRequestSchema);
  const { prompt, n, max_tokens: asked = defaultTokens, stream: isStreamed } = request;
  const count = prompt.length * n;
  checkAnswers(request, { count, asked, limits });
  const entry = models.find(request.model);
  const visit = admission.enter(count, c.req.raw.signal);
  try {
    const model = await entry.open(visit);
    const sampling = model.sampling(samplingOf(request));
    const seeds = seedsOf(request.seed ?? drawnSeed(), n);
    const plans: (ChoicePlan & { seed: number })[] = [];
    let input = 0;
    for (const text of prompt) {
      await setImmediate(); // others are answered between long prompts
      const read = textPrompt(model, text);
      input += read.tokens.length;
      const room = { tokens: read.tokens.length, asked, defaultTokens, param: 'prompt' };
      const plan: ChoicePlan = {
        ...{ ...read, maxNewTokens: roomFor(model, room), sampling, stops: request.stop },
        ...{ logProbabilities: request.logprobs !== undefined, topTokens: request.logprobs ?? 0 },
      };
      plans.push(...seeds.map((seed) => ({ ...plan, seed })));
    }
    return await sendAnswer(c, service, visit, {
      ...{ model, id: entry.id, plans, input, isStreamed, form: completionForm(model, request) },
      includesUsage: request.stream_options?.include_usage === true,
    });
  } catch (error) {
    visit.leave();
    throw error;
  }
}

function completionForm(model: LocalModel, request: CompletionRequest): OpenAiForm {
  const { prompt, n } = request;
  const offsets = new Map<number, { length: number; decoder: StreamDecoder }>();
  const withLogprobs = (index: number, tokens: ChoicePiece['tokens']): object => {
    if (request.logprobs === undefined) return { logprobs: null };
    const place = offsets.get(index) ?? {
      length: prompt[Math.floor(index / n)].length,
      decoder: new StreamDecoder(model.tokenizer, { skipSpecial: true }),
    };
    offsets.set(index, place);
    const name = (id: number): string => tokenName(model, id);
    return {
      logprobs: {
        tokens: tokens.map(({ id }) => name(id)),
        token_logprobs: tokens.map(({ logProbability }) => bounded(logProbability)),
        top_logprobs: request.logprobs === 0 ? null : tokens.map(({ top = [] }) => topOf(top, name)),
        text_offset: tokens.map(({ id }) => {
          const at = place.length;
          place.length += place.decoder.push(id).length;
          return at;
        }),
      },
    };
  };
  return {
    ...{ idPrefix: 'cmpl', object: 'text_completion', chunkObject: 'text_completion' },
    begin: () => [],
    piece: (index, { content, tokens }) => ({ text: content, ...withLogprobs(index, tokens), finish_reason: null }),
    end: (_, { finish }) => [{ text: '', logprobs: null, finish_reason: finish }],
    whole: (index, pieces, { finish }) => ({
      text: pieces.map(({ content }) => content).join(''),
      ...withLogprobs(
        index,
        pieces.flatMap(({ tokens }) => tokens),
      ),
      finish_reason: finish,
    }),
  };
}

function topOf(top: readonly { id: number; logProbability: number }[], name: (id: number) => string): object {
  const named = new Map<string, number>();
  // Two tokens may have one name; the likelier comes first.
  for (const { id, logProbability } of top) if (!named.has(name(id))) named.set(name(id), bounded(logProbability));
  return Object.fromEntries(named);
}

/** Its text; of one that is part of a character, as OpenAI has it: `bytes:\xe4\xb8`. */
function tokenName({ tokenizer }: LocalModel, id: number): string {
  const bytes = tokenizer.tokenBytes(id);
  if (isUtf8(bytes)) return tokenizer.decode([id]);
  return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
}
