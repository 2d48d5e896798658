// Two answers to each prompt, of two models or of one drawn twice. They follow from the seed and the prompt alone, so that
// a second person judges the same ones; what the store holds already is not drawn again.
import { UserError } from '../base/errors.js';
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { Conversation } from '../data/types.js';
import { replyOf } from '../inference/chat-model.js';
import type { OpenedModel } from '../inference/local-model.js';
import { fieldMessage, type Message } from '../tokenizer/message.js';
import type { Item } from './items.js';
import { contentId, itemOf, type JudgedAnswer } from './record.js';

export interface NamedModel {
  name: string;
  model: OpenedModel;
}

export interface SampleOptions {
  sampling: Partial<Sampling>;
  maxNewTokens: number;
  seed: number;
}

/** A prompt that is yet to be answered. */
export interface SampleRequest {
  request: string;
  prompt: Message[];
  tools?: Conversation['tools'];
}

/** Equal answers are drawn again so often. */
const maxTries = 8;

/** The requests for these prompts: what is asked of whom, and how. */
export function sampleRequests(
  prompts: readonly Conversation[],
  models: readonly NamedModel[],
  { sampling, maxNewTokens, seed }: SampleOptions,
): SampleRequest[] {
  const asked = models.map(({ model }) => ({ model: model.identity, ...model.sampling(sampling) }));
  return prompts.map(({ messages, tools }) => {
    const end = messages.at(-1)?.role === 'assistant' ? messages.length - 1 : messages.length;
    const prompt = messages.slice(0, end);
    const request = contentId({ prompt: prompt.map(fieldMessage), tools, asked, maxNewTokens, seed });
    return { request, prompt, ...(tools && { tools }) };
  });
}

/** The item; a text says why there is none. */
export async function sampleItem(
  { request, prompt, tools }: SampleRequest,
  models: readonly NamedModel[],
  { sampling, maxNewTokens, seed }: SampleOptions,
): Promise<Item | string> {
  const [first, second = first] = models;
  const draw = async ({ name, model }: NamedModel, stream: string): Promise<JudgedAnswer> => {
    const own = Random.stream(seed, `${request} ${stream}`).uint32();
    const reply = await replyOf(model, prompt, { ...sampling, maxNewTokens, seed: own, tools });
    const { text, reasoning, toolCalls, finish } = reply;
    const message: Message = { role: 'assistant', content: text, ...(reasoning && { reasoning }) };
    const messages = [{ ...message, ...(toolCalls && { toolCalls }) }];
    const origin = { model: model.identity, name, sampling: { ...model.sampling(sampling) }, seed: own };
    return { messages, ...origin, maxNewTokens, finish };
  };
  try {
    const a = await draw(first, 'first');
    for (let i = 0; i < maxTries; i++) {
      const b = await draw(second, `second ${i}`);
      if (itemOf([], [a.messages]) === itemOf([], [b.messages])) continue;
      const answers = [a, b];
      const item = itemOf(
        prompt,
        answers.map(({ messages }) => messages),
      );
      return {
        item,
        conversation: contentId({ prompt }),
        prompt,
        ...(tools && { tools: [...tools] }),
        answers,
        request,
      };
    }
    return 'both answers are the same, however often they are drawn';
  } catch (error) {
    if (error instanceof UserError) return error.faults[0].what;
    throw error;
  }
}
