// A model on this machine, ready to answer: weights, tokenizer, chat template and the engine that samples from them, all
// from the one folder. Chat, evaluation, alignment and samples during training speak to a model through it.
import type { AdapterOptions } from '../checkpoint/adapter.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { checkTokenRows } from '../checkpoint/model-config.js';
import { withCheckpoint } from '../checkpoint/reading.js';
import type { Quantization } from '../config/compute.js';
import { greedy, type Sampling, samplingSchema, withinBounds } from '../config/sampling.js';
import { disposeModel, frozenFromTensors, type Model, modelFromTensors } from '../model/model.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import { StreamDecoder } from '../tokenizer/stream-decoder.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { type ChatFormat, isBaseModel, stopIdsOf } from './chat-format.js';
import type { ChatModel, Reply, ReplyOptions } from './chat-model.js';
import { Engine, type Generation, type Request } from './engine.js';
import { quantizationNote, quantizedModel } from './quantized.js';
import { resultsOf } from './sequence.js';

interface QuantizeOption {
  /** How the matrices are stored while they are used; default: as float32. */
  quantize?: Quantization;
}

interface LoadedWeights extends QuantizeOption {
  model: Model;
  tokenizer: Tokenizer;
  checkpoint?: Checkpoint;
}

export class LocalModel implements ChatModel, ChatFormat {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly engine: Engine;
  readonly isBase: boolean;
  readonly eosTokenIds: readonly number[];
  /** Absent: weights in training. */
  readonly checkpoint: Checkpoint | undefined;
  readonly quantize: Quantization | undefined;
  #template: ChatTemplate | undefined;

  /** Borrows weights that somebody else disposes, after this model. */
  constructor({ model, tokenizer, checkpoint, quantize }: LoadedWeights) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.checkpoint = checkpoint;
    this.quantize = quantize;
    this.engine = new Engine(model, { withoutToken: idsWithoutToken(tokenizer, model.config.vocab_size) });
    this.isBase = isBaseModel(tokenizer, checkpoint?.manifest.stage);
    this.eosTokenIds = checkpoint?.eosTokenIds ?? [];
  }

  /** Opens a checkpoint (step, stage or run folder, or `latest`) on the current backend; `verify` and `base` as for `openCheckpoint`. */
  static async open(
    path: string,
    options: { verify?: boolean } & Pick<AdapterOptions, 'base'> & QuantizeOption = {},
  ): Promise<OpenedModel> {
    return withCheckpoint(path, async (directory) => LocalModel.of(await openCheckpoint(directory, options), options));
  }

  /**
   * The weights of a checkpoint that was opened, on the current backend. `isFrozen`: nobody will train them, and they leave
   * the checkpoint for here. @throws UserError where a token has no row in them.
   */
  static async of(
    checkpoint: Checkpoint,
    { quantize, isFrozen = false }: QuantizeOption & { isFrozen?: boolean } = {},
  ): Promise<OpenedModel> {
    const tokenizer = await Tokenizer.open(checkpoint.tokenizerFolder);
    checkTokenRows(checkpoint.model, tokenizer, checkpoint.path);
    const { model: config, weights, path } = checkpoint;
    const model =
      quantize !== undefined
        ? quantizedModel(checkpoint)
        : (isFrozen ? frozenFromTensors : modelFromTensors)(config, weights, path);
    return new LocalModel({ model, tokenizer, checkpoint, quantize }) as OpenedModel;
  }

  /** Compiled when it is first asked for: text is continued without one. */
  get template(): ChatTemplate {
    this.#template ??= new ChatTemplate(this.tokenizer);
    return this.#template;
  }

  get identity(): string {
    const digest = this.checkpoint?.digest ?? 'weights in training';
    return this.quantize === undefined ? digest : `${digest} ${this.quantize}`;
  }

  get contextLength(): number {
    return this.model.config.max_position_embeddings;
  }

  get notes(): readonly string[] {
    const own = this.quantize === undefined ? [] : [quantizationNote(this.model)];
    return [...(this.checkpoint?.notes ?? []), ...own];
  }

  /** What the model's makers wrote into its generation_config.json. */
  get publishedSampling(): Partial<Sampling> {
    const { do_sample, temperature, top_k, top_p, min_p, repetition_penalty } = this.checkpoint?.generationConfig ?? {};
    return withinBounds({
      temperature: do_sample === false ? greedy.temperature : temperature,
      topK: top_k,
      topP: top_p,
      minP: min_p,
      repetitionPenalty: repetition_penalty,
    });
  }

  /** What is asked for; else what the model's makers published; else our defaults. */
  sampling(asked: Partial<Sampling> = {}): Sampling {
    const given = Object.entries(asked).filter(([, value]) => value !== undefined);
    return samplingSchema.parse({ ...this.publishedSampling, ...Object.fromEntries(given) });
  }

  /** Generations for one prompt, each until a token of the model's own ends it; empty where the prompt fills the context. */
  async generate(request: Omit<Request, 'stopIds'>): Promise<Generation[]> {
    if (request.tokens.length >= this.contextLength) return resultsOf(request, 'length');
    return this.engine.submit({ ...request, stopIds: this.stopIds });
  }

  /** Every token that ends an answer. */
  get stopIds(): number[] {
    return stopIdsOf(this);
  }

  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const { maxNewTokens, tools, seed = 0, signal, index: _, continuation: __, form: ___, ...asked } = options;
    const { tokens } = this.template.encode(messages, { addGenerationPrompt: true, tools });
    const request = { tokens, maxNewTokens, stopIds: stopIdsOf(this), seed, signal, sampling: this.sampling(asked) };
    const decoder = new StreamDecoder(this.tokenizer, { skipSpecial: true });
    const stream = this.engine.stream(request);
    let text = '';
    try {
      for (;;) {
        const next = await stream.next();
        const piece = next.done ? decoder.end() : decoder.push(next.value.id);
        text += piece;
        if (piece !== '') yield piece;
        if (next.done) return { ...this.#said(text, next.value.tokens), finish: next.value.finish };
      }
    } finally {
      await stream.return(undefined as unknown as Generation); // where the caller has stopped listening
    }
  }

  /** An answer with its thoughts and calls apart, where the template is ours; its pieces have streamed as they came. */
  #said(text: string, tokens: readonly number[]): Pick<Reply, 'text' | 'reasoning' | 'toolCalls'> {
    if (!this.template.isOurs) return { text };
    const { content, reasoning, toolCalls } = this.template.read(tokens);
    return { text: content, ...(reasoning !== undefined && { reasoning }), ...(toolCalls && { toolCalls }) };
  }

  /** Frees the cache, and the weights where they were opened here. */
  async dispose(): Promise<void> {
    await this.engine.dispose();
    if (this.checkpoint !== undefined) disposeModel(this.model);
  }
}

/** Rows that pad the embedding, and ids that the vocabulary omits. */
function idsWithoutToken(tokenizer: Tokenizer, rows: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < rows; id++) if (!tokenizer.hasToken(id)) ids.push(id);
  return ids;
}

/** Runs `use` with a temporary LocalModel over these weights, which stay the caller's. */
export async function withWeights<T>(
  weights: { model: Model; tokenizer: Tokenizer },
  use: (model: LocalModel) => Promise<T>,
): Promise<T> {
  const model = new LocalModel(weights);
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/** A model that came from a checkpoint. */
export type OpenedModel = LocalModel & { readonly checkpoint: Checkpoint };
