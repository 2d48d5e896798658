// A conversation with a checkpoint: the whole of it is the context of every answer; answers stream as they are drawn. With tools,
// calls and their results are turns of it like any other.
import { UserError } from '../base/errors.js';
import { kebabCase } from '../base/format.js';
import { type ComputeChoice, isUsualBackend, type Quantization } from '../config/compute.js';
import type { Sampling } from '../config/sampling.js';
import { openBackend } from '../tensor/backends.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { TemplateFault } from '../tokenizer/template-fault.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import type { Toolbox } from '../tools/toolbox.js';
import { type Reply, unusable } from './chat-model.js';
import { learntToolbox, type OpenLearnt } from './learnt-toolbox.js';
import { LocalModel, type OpenedModel } from './local-model.js';
import type { ToolAnswer } from './tool-loop.js';
import { streamWithTools, type ToolUse } from './tool-stream.js';

export interface ChatOptions {
  compute: ComputeChoice;
  /** Default: as the checkpoint's generation_config.json says. */
  sampling?: Partial<Sampling>;
  seed: number;
  maxNewTokens: number;
  system?: string;
  /** Of an adapter: the model that it is put into, where a person named it. */
  base?: string;
  /** False: the files are not compared with their sha256. */
  verify?: boolean;
  /** How the matrices are stored while it answers; default: as float32. */
  quantize?: Quantization;
  /** What the model may call, or what opens those tools that the checkpoint says it learnt; it stays the caller's. */
  toolbox?: Toolbox | OpenLearnt;
}

/** An answer, and what the model was shown for it. */
export interface AnsweredTurn {
  prompt: readonly Message[];
  tools?: readonly Tool[];
  /** Calls and results, in front of the answer. */
  steps: readonly Message[];
  answer: Message;
  seed: number;
  finish: Reply['finish'];
}

export interface Chat {
  /** Adds the user's turn and streams the answer's text, and what it calls. The signal, or leaving the loop, stops the answer where it is. */
  send(text: string, signal?: AbortSignal): AsyncGenerator<string | ToolUse, void>;
  reset(): void;
  transcript(): Message[];
  /** The last answer; undefined where there is none yet. */
  readonly last: AnsweredTurn | undefined;
  /** Puts a person's text in the place of the last answer: what follows builds on it. */
  replaceLast(answer: Message): void;
  /** What answers, and how it draws. */
  readonly model: { readonly identity: string; readonly sampling: Sampling };
  /** What a person should know before they type: the backend, where sampling comes from, and whether the model has learnt to answer. */
  readonly notes: readonly string[];
  /** Turns left out of the last answer's context because they no longer fit. */
  readonly forgotten: number;
  /** Tokens that went through the model, and those that earlier turns had left in its cache. */
  readonly tokens: { readonly read: number; readonly reused: number };
  close(): Promise<void>;
}

/** Opens a checkpoint to chat with. A base model has learnt no turns: it will continue text instead of answering. */
export async function openChat(path: string, options: ChatOptions): Promise<Chat> {
  const { name, note, warning } = await openBackend(options.compute.backend, options.compute);
  const model = await LocalModel.open(path, options);
  const opening: Message[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  checkOpening(model, opening);
  const { toolbox, refusal } =
    typeof options.toolbox === 'function' ? await learntToolbox(model, options.toolbox) : { toolbox: options.toolbox };
  const tools = toolbox?.tools;
  if (tools !== undefined) new ToolTurns(model.template, tools); // what cannot be is said before a word is typed
  let messages: Message[] = [...opening];
  let session = toolbox?.session();
  let last: AnsweredTurn | undefined;
  let turns = 0;
  let forgotten = 0;

  /** The newest turns that leave room for an answer, the system message always. */
  const context = (): { prompt: Message[]; tokens: number[] } => {
    const room = model.contextLength - Math.min(tools === undefined ? 16 : 128, model.contextLength >> 1);
    const questions = messages.flatMap(({ role }, i) => (role === 'user' ? [i] : []));
    for (const start of questions) {
      const prompt = [...opening, ...messages.slice(start)];
      const { tokens } = model.template.encode(prompt, { addGenerationPrompt: true, tools });
      forgotten = start - opening.length;
      if (tokens.length <= room) return { prompt, tokens };
      if (start !== questions.at(-1)) continue;
      const what = `this message takes ${tokens.length} tokens${tools === undefined ? '' : ' with the list of tools'}, ${room} fit into the model's context`;
      const next = tools === undefined ? 'Send a shorter one' : 'Send a shorter one, or name fewer --tools';
      throw new UserError({ what, where: model.checkpoint.path, next });
    }
    throw new Error('there is no question');
  };

  async function* send(text: string, signal?: AbortSignal): AsyncGenerator<string | ToolUse, void> {
    const conversation = messages; // `reset` begins another one
    conversation.push({ role: 'user', content: text });
    const { sampling, maxNewTokens } = options;
    const seed = (options.seed + turns++) >>> 0;
    let shown = '';
    let said: Reply | ToolAnswer | undefined;
    let prompt: Message[] = [];
    try {
      const { tokens, ...asked } = context();
      prompt = asked.prompt;
      const own = { maxNewTokens, seed, signal };
      const pieces: AsyncGenerator<string | ToolUse, Reply | ToolAnswer> =
        session === undefined
          ? model.reply(prompt, { ...sampling, ...own })
          : streamWithTools(model, { ...own, tokens, prompt, session, sampling: model.sampling(sampling) });
      try {
        for (;;) {
          const next = await pieces.next();
          if (next.done) {
            said = next.value;
            break;
          }
          if (typeof next.value === 'string') shown += next.value;
          yield next.value;
        }
      } finally {
        await pieces.return(unusable('nobody listens any more'));
      }
    } finally {
      // A turn without an answer is taken back: a conversation alternates, and an empty answer teaches nothing.
      const added = messagesOf(said, shown);
      const answer = added.at(-1);
      if (answer === undefined) conversation.pop();
      else {
        conversation.push(...added);
        const steps = added.slice(0, -1);
        // Not one of a conversation that was reset while it was said.
        if (conversation === messages) last = { prompt, tools, steps, answer, seed, finish: said?.finish ?? 'aborted' };
      }
    }
  }

  const computing = [
    ...(isUsualBackend(name) ? [] : [note]),
    ...(warning === undefined ? [] : [`warning: ${warning}`]),
  ];
  const notes = [...computing, ...model.notes, ...(refusal === undefined ? [] : [refusal])];
  if (model.checkpoint.manifest.stage === 'pretrain') {
    notes.push('this is a base model: it continues text and has not learnt to answer. Use the output of sft or align');
  }
  const published = Object.entries(model.publishedSampling)
    .filter(([key]) => options.sampling?.[key as keyof Sampling] === undefined)
    .map(([key, value]) => `${kebabCase(key)} ${value}`);
  if (published.length > 0)
    notes.push(`sampling from the checkpoint's generation_config.json: ${published.join(', ')}`);
  return {
    send,
    notes,
    reset: () => {
      messages = [...opening];
      session = toolbox?.session();
      last = undefined;
    },
    get last() {
      return last;
    },
    replaceLast: (answer) => {
      if (last === undefined) return;
      messages[messages.length - 1] = answer;
      last = { ...last, answer };
    },
    model: { identity: model.identity, sampling: model.sampling(options.sampling) },
    transcript: () => [...messages],
    tokens: model.engine.counts,
    get forgotten() {
      return forgotten;
    },
    close: () => model.dispose(),
  };
}

/**
 * The answer as the next prompt has it: thoughts and calls apart, or, where it was stopped, the text as it came. Empty where
 * it says nothing.
 */
function messagesOf(said: Reply | ToolAnswer | undefined, shown: string): Message[] {
  if (said !== undefined && 'messages' in said) {
    const { content = '', toolCalls } = said.messages.at(-1) ?? {};
    return content.trim() === '' && toolCalls === undefined ? [] : said.messages;
  }
  if (shown.trim() === '') return [];
  if (said === undefined) return [{ role: 'assistant', content: shown }];
  const { text, reasoning, toolCalls } = said;
  return [{ role: 'assistant', content: text, ...(reasoning && { reasoning }), ...(toolCalls && { toolCalls }) }];
}

/** A template may have no place for what is said before the conversation. @throws UserError that names `--system` */
function checkOpening({ template, checkpoint }: OpenedModel, opening: readonly Message[]): void {
  if (opening.length === 0) return;
  const question: Message[] = [{ role: 'user', content: 'question' }];
  const fault = (why: string): UserError => {
    const next = `Say it in the first message instead (the model is ${checkpoint.path})`;
    return new UserError({ what: 'this model takes no system message', where: '--system', why, next });
  };
  let text: string;
  try {
    text = template.render([...opening, ...question], { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof TemplateFault) throw fault(`its chat template ${error.reason}`);
    throw error;
  }
  const without = template.render(question, { addGenerationPrompt: true });
  if (text === without) throw fault('its chat template does not write one');
}
