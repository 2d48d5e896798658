// Text to token ids and back, without loss for any bytes. Ids equal those of Hugging Face's tokenizers for the same
// tokenizer.json. `encode` never yields a control token: only code that writes control tokens itself may do that.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, UserError } from '../base/errors.js';
import { Bpe } from './bpe.js';
import { chatmlTemplate } from './chatml.js';
import { escapeRegex } from './escape-regex.js';
import { pieceEnd } from './pre-tokenizer.js';
import { type SpecialName, specialTokens } from './special-tokens.js';
import { type AddedToken, readVocabulary, type Vocabulary } from './tokenizer-json.js';
import { splitUtf8 } from './utf8.js';

const maxFileBytes = 64 << 20;
/** V8 copies slices up to this length; a longer one would keep its whole document in memory. */
const maxCachedLength = 12;
const maxCachedPieces = 1 << 16;

export interface DecodeOptions {
  /** Leave special tokens out. Default false: decoding what was encoded gives it back whole. */
  skipSpecial?: boolean;
}

export class Tokenizer {
  readonly vocabSize: number;
  /** The tokenizer.json this was made from. */
  readonly json: unknown;
  /** Jinja source of the chat template. */
  readonly chatTemplate: string;
  /** Every string that `encodeTrusted` turns into a control token, longest first. */
  readonly controlStrings: readonly string[];
  readonly #vocabulary: Vocabulary;
  readonly #bpe: Bpe;
  readonly #controlIds: ReadonlyMap<string, number>;
  readonly #controlPattern: RegExp;
  readonly #special: ReadonlySet<number>;
  readonly #cache = new Map<string, readonly number[]>();

  private constructor(json: unknown, vocabulary: Vocabulary, chatTemplate: string) {
    this.json = json;
    this.chatTemplate = chatTemplate;
    this.vocabSize = vocabulary.bytes.length;
    this.#vocabulary = vocabulary;
    this.#bpe = new Bpe(vocabulary.byteIds, vocabulary.merges);
    this.#controlIds = new Map(vocabulary.added.map((token) => [token.content, token.id]));
    this.#special = new Set(vocabulary.added.filter((token) => token.special).map((token) => token.id));
    this.controlStrings = [...this.#controlIds.keys()].sort((a, b) => b.length - a.length);
    this.#controlPattern = new RegExp(`(${this.controlStrings.map(escapeRegex).join('|')})`, 'u');
  }

  /** Checks everything about a parsed tokenizer.json (`where` names it in errors). Throws `UserError`. */
  static fromJson(json: unknown, where: string, chatTemplate: string = chatmlTemplate): Tokenizer {
    return new Tokenizer(json, readVocabulary(json, where), chatTemplate);
  }

  /** Reads `tokenizer.json` and, where there is one, the chat template beside it. Throws `UserError`. */
  static async open(directory: string): Promise<Tokenizer> {
    const path = join(directory, 'tokenizer.json');
    return Tokenizer.fromJson(await readJson(path), path, await readChatTemplate(directory));
  }

  /** Ids of ordinary text. Special-token strings in it are text like any other; lone surrogates become U+FFFD. */
  encode(text: string): number[] {
    const ids: number[] = [];
    this.#encodeInto(text, ids);
    return ids;
  }

  /** Ids of text whose special-token strings are meant as control tokens: what Hugging Face's `encode` gives. */
  encodeTrusted(text: string): number[] {
    const ids: number[] = [];
    for (const part of this.splitAtControls(text)) {
      const control = this.#controlIds.get(part);
      if (control === undefined) this.#encodeInto(part, ids);
      else ids.push(control);
    }
    return ids;
  }

  /** The text in order, each special-token string a part of its own (leftmost, then longest). */
  splitAtControls(text: string): string[] {
    if (this.controlStrings.length === 0) return [text];
    return text.split(this.#controlPattern).filter((part) => part !== '');
  }

  /** The id of a control string; undefined for any other text. */
  controlId(text: string): number | undefined {
    return this.#controlIds.get(text);
  }

  /** Ids of any bytes: valid UTF-8 as `encode` would, the bytes between as pieces of their own. */
  encodeBytes(bytes: Uint8Array): number[] {
    const ids: number[] = [];
    for (const part of splitUtf8(bytes)) {
      if (part.valid)
        this.#encodeInto(Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.length).toString(), ids);
      else append(ids, this.#bpe.encodeBytes(part.bytes));
    }
    return ids;
  }

  /** Text of ids; bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.decodeBytes(ids, options));
  }

  decodeBytes(ids: Iterable<number>, options: DecodeOptions = {}): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const id of ids) if (!(options.skipSpecial && this.#special.has(id))) parts.push(this.tokenBytes(id));
    return Buffer.concat(parts);
  }

  /** The bytes of one token. Throws `UserError` for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    const bytes = this.#vocabulary.bytes[id];
    if (bytes !== undefined) return bytes;
    throw new UserError({
      what: `there is no token ${id}`,
      why: `this tokenizer has ${this.vocabSize}, from 0`,
      next: 'Use the tokenizer that the ids were made with',
    });
  }

  /** The id of one of our four special tokens. Throws `UserError` where the vocabulary lacks it. */
  specialId(name: SpecialName): number {
    const id = this.#controlIds.get(specialTokens[name]);
    if (id !== undefined) return id;
    throw new UserError({
      what: `this tokenizer has no ${specialTokens[name]}`,
      next: 'Use a tokenizer that mossctl tokenizer train made',
    });
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** Contents of the files that a checkpoint keeps; transformers' AutoTokenizer opens them. */
  files(): Record<'tokenizer.json' | 'tokenizer_config.json' | 'special_tokens_map.json', string> {
    const roles = this.#roles();
    return {
      'tokenizer.json': toJsonFile(this.json),
      'tokenizer_config.json': toJsonFile({
        // With another class transformers would put that class's own splitter in place of ours.
        tokenizer_class: 'PreTrainedTokenizerFast',
        ...roles,
        added_tokens_decoder: Object.fromEntries(this.#vocabulary.added.map((token) => [token.id, describe(token)])),
        clean_up_tokenization_spaces: false,
        chat_template: this.chatTemplate,
      }),
      'special_tokens_map.json': toJsonFile(roles),
    };
  }

  #roles(): Record<string, string> {
    const roles = { bos_token: 'endOfText', eos_token: 'endOfText', pad_token: 'pad' } as const;
    const present = Object.entries(roles).filter(([, name]) => this.#controlIds.has(specialTokens[name]));
    return Object.fromEntries(present.map(([role, name]) => [role, specialTokens[name]]));
  }

  #encodeInto(text: string, ids: number[]): void {
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      append(ids, this.#encodePiece(text.slice(start, end)));
      start = end;
    }
  }

  #encodePiece(piece: string): readonly number[] {
    if (piece.length > maxCachedLength) return this.#bpe.encodePiece(piece);
    let ids = this.#cache.get(piece);
    if (ids === undefined) {
      ids = this.#bpe.encodePiece(piece);
      if (this.#cache.size >= maxCachedPieces) this.#cache.clear();
      this.#cache.set(piece, ids);
    }
    return ids;
  }
}

function append(ids: number[], more: readonly number[]): void {
  for (let i = 0; i < more.length; i++) ids.push(more[i]);
}

function describe({ content, special }: AddedToken): object {
  return { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special };
}

function toJsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function readChatTemplate(directory: string): Promise<string | undefined> {
  const jinja = await readBounded(join(directory, 'chat_template.jinja')).catch(ignoreMissing);
  if (jinja !== undefined) return jinja;
  const path = join(directory, 'tokenizer_config.json');
  const config = await readJson(path).catch(ignoreMissing);
  if (config === undefined) return undefined;
  const template = (config as { chat_template?: unknown } | null)?.chat_template;
  if (template === undefined || template === null || typeof template === 'string') return template ?? undefined;
  throw new UserError({ what: 'chat_template is not a string', where: path, next: 'Keep one template, as a string' });
}

async function readJson(path: string): Promise<unknown> {
  const text = await readBounded(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(
      { what: 'this is not valid JSON', where: path, why: (error as Error).message },
      { cause: error },
    );
  }
}

async function readBounded(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new UserError({ what: `larger than ${maxFileBytes >> 20} MiB`, where: path });
    return await readFile(path, 'utf8');
  } catch (error) {
    throw asUserError(error);
  }
}

function ignoreMissing(error: unknown): undefined {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  if (cause?.code !== 'ENOENT') throw error;
}
