// Text to token ids and back. Ids equal those of Hugging Face's tokenizers for the same tokenizer.json; without a
// normalizer no byte that has a token is lost. `encode` never yields a control token: only code that writes control
// tokens itself may.
import { UserError } from '../base/errors.js';
import { chatTemplateName, specialTokensMapName, tokenizerConfigName, tokenizerJsonName } from '../base/layout.js';
import type { TemplateName } from '../config/templates.js';
import { type AddedToken, AddedTokenFinder, type TextPart } from './added-token-finder.js';
import { chatmlTemplate, missingTemplate } from './chatml.js';
import { ownTemplate, templateNamed } from './own-templates.js';
import { type RoleTokens, roleIds } from './roles.js';
import { type SpecialName, specialTokenList, specialTokens } from './special-tokens.js';
import { probeTemplate } from './template-probe.js';
import { TextToIds } from './text-to-ids.js';
import { readTokenizerFiles } from './tokenizer-files.js';
import { readVocabulary, type Vocabulary } from './tokenizer-json.js';
import { splitUtf8 } from './utf8.js';

export interface DecodeOptions {
  /** Skip special tokens. Default false: decoding what was encoded gives it back whole. */
  skipSpecial?: boolean;
}

/** What lies beside a tokenizer.json. */
interface TokenizerOptions {
  /** Jinja source; without it the one chat format of ours, where the vocabulary has its tokens. */
  chatTemplate?: string;
  roles?: RoleTokens;
  /** What the chat template writes after an assistant's answer: its first control string ends the turn. */
  afterAnswer?: string;
  /** The files that this was read from, by name: `files()` gives third-party ones back as they were, and a template. */
  texts?: Record<string, string>;
}

export class Tokenizer {
  readonly vocabSize: number;
  /** The tokenizer.json this was made from. */
  readonly json: unknown;
  /** Jinja source of the chat template. */
  readonly chatTemplate: string;
  /** `bos_token` and so on, as the chat template sees them. */
  readonly roles: RoleTokens;
  /** Every string that `encodeTrusted` turns into a control token, longest first. */
  readonly controlStrings: readonly string[];
  /** What Hugging Face's `encode` puts around every text; ours omits it. */
  readonly affixes: { before: readonly number[]; after: readonly number[] };
  readonly #vocabulary: Vocabulary;
  readonly #ids: TextToIds;
  readonly #added: AddedTokenFinder;
  readonly #special: ReadonlySet<number>;
  readonly #parts: Record<SpecialName, number | undefined>;
  readonly #originals: Record<string, string> | undefined;
  readonly #options: TokenizerOptions;

  private constructor(json: unknown, vocabulary: Vocabulary, options: TokenizerOptions) {
    const { added, normalize } = vocabulary;
    this.json = json;
    this.#options = options;
    this.vocabSize = vocabulary.size;
    this.affixes = vocabulary.affixes;
    this.#vocabulary = vocabulary;
    this.#ids = new TextToIds(vocabulary);
    this.#added = new AddedTokenFinder(added, normalize);
    const { ids } = this.#added;
    this.controlStrings = [...ids.keys()].sort((a, b) => b.length - a.length);
    this.#special = new Set(added.filter((token) => token.special).map((token) => token.id));
    const isOurs = specialTokenList.every((content, id) => ids.get(content) === id);
    const hasChatml = ids.has(specialTokens.turnStart) && ids.has(specialTokens.turnEnd);
    this.chatTemplate = options.chatTemplate ?? (hasChatml ? chatmlTemplate : missingTemplate);
    this.roles = isOurs ? ourRoles : (options.roles ?? {});
    const [afterAnswer] = this.splitAtControls((options.afterAnswer ?? '').trimStart());
    this.#parts = roleIds((text) => ids.get(text), this.roles, afterAnswer?.id);
    // A model without a template is trained and served with ours: it is saved too, or other tools would guess one.
    this.#originals = isOurs || options.texts === undefined ? undefined : { ...options.texts };
    const usesOurTemplate = options.chatTemplate === undefined && hasChatml;
    if (usesOurTemplate && this.#originals !== undefined) this.#originals[chatTemplateName] = chatmlTemplate;
  }

  /** Checks everything about a parsed tokenizer.json (`where` names it in errors). Throws `UserError`. */
  static fromJson(json: unknown, where: string, options: TokenizerOptions = {}): Tokenizer {
    return new Tokenizer(json, readVocabulary(json, where), options);
  }

  /** Reads `tokenizer.json` and the files beside it. Throws `UserError`. */
  static async open(directory: string): Promise<Tokenizer> {
    const { json, path, ...options } = await readTokenizerFiles(directory);
    const { chatTemplate, roles } = options;
    const afterAnswer = chatTemplate && (await probeTemplate(chatTemplate, roles, directory));
    return Tokenizer.fromJson(json, path, { ...options, afterAnswer });
  }

  /** The same but for its tokenizer.json: chat template, roles and the files beside it stay. Throws `UserError`. */
  withJson(json: unknown, where: string): Tokenizer {
    const { texts } = this.#options;
    return Tokenizer.fromJson(json, where, {
      ...this.#options,
      ...(texts && { texts: { ...texts, [tokenizerJsonName]: toJsonFile(json) } }),
    });
  }

  /** The same with one of our chat templates. Throws `UserError` (`where` names this one) where it lacks the template's tokens. */
  withTemplate(name: TemplateName, where: string): Tokenizer {
    const { source, turnEnd, controls } = templateNamed(name);
    const missing = controls.filter((content) => this.controlId(content) === undefined);
    if (missing.length > 0) {
      throw new UserError({
        what: `the chat template ${name} needs the tokens ${missing.join(' ')}`,
        where,
        why: 'this tokenizer has none of that name, and a model without them cannot end a turn',
        next: `Train a tokenizer with tokenizer.template=${name}, or leave the template as it is`,
      });
    }
    const texts = this.#originals && { texts: { ...this.#originals, [chatTemplateName]: source } };
    const options = { ...this.#options, ...texts, chatTemplate: source, afterAnswer: turnEnd };
    return Tokenizer.fromJson(this.json, where, options);
  }

  /** Ids of ordinary text. Special-token strings in it are text like any other; lone surrogates become U+FFFD. */
  encode(text: string): number[] {
    return Array.from(this.#ids.encode(text));
  }

  /** What `encode` gives, in memory that the next call writes over: for those who copy the ids elsewhere. */
  encodeView(text: string): Int32Array {
    return this.#ids.encode(text);
  }

  /** Ids of text whose special-token strings are meant as control tokens: Hugging Face's, less its `affixes`. */
  encodeTrusted(text: string): number[] {
    const ids: number[] = [];
    for (const part of this.splitAtControls(text)) {
      if (part.id === undefined) append(ids, this.#ids.encode(part.text));
      else ids.push(part.id);
    }
    return ids;
  }

  /** The text in order, each special-token string a part of its own. */
  splitAtControls(text: string): TextPart[] {
    return this.#added.split(text);
  }

  /** Past the white space that a control string which ends at `cut` takes along (`rstrip`). */
  pastSpace(text: string, cut: number): number {
    return this.#added.pastSpace(text, cut);
  }

  /** The text in which `splitAtControls` looks for control strings. */
  forControls(text: string): string {
    return this.#added.lastForm(text);
  }

  /** The id of a control string; undefined for any other text. */
  controlId(text: string): number | undefined {
    return this.#added.ids.get(text);
  }

  /** Ids of any bytes: valid UTF-8 as `encode` would, the bytes between as pieces of their own. */
  encodeBytes(bytes: Uint8Array): number[] {
    const ids: number[] = [];
    for (const part of splitUtf8(bytes)) {
      if (part.valid) append(ids, this.#ids.encode(Buffer.from(part.bytes).toString()));
      else append(ids, this.#ids.encodeBytes(part.bytes));
    }
    return ids;
  }

  /** Text of ids; bytes that are not UTF-8 become U+FFFD. An id that no token has stands for nothing. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.decodeBytes(ids, options));
  }

  decodeBytes(ids: Iterable<number>, options: DecodeOptions = {}): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      if (this.hasToken(id) && !(options.skipSpecial && this.isSpecial(id))) parts.push(this.tokenBytes(id));
    }
    return Buffer.concat(parts);
  }

  /** Whether there is such a token: rows that pad an embedding past the vocabulary, and ids that it omits, have none. */
  hasToken(id: number): boolean {
    const { ends, size } = this.#vocabulary;
    return Number.isInteger(id) && id >= 0 && id < size && ends[id] > (id === 0 ? 0 : ends[id - 1]);
  }

  /** The bytes of one token. Throws `UserError` for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    const { bytes, ends, size } = this.#vocabulary;
    if (Number.isInteger(id) && id >= 0 && id < size) return bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id]);
    throw new UserError({
      what: `there is no token ${id}`,
      why: `this tokenizer has ${this.vocabSize}, from 0`,
      next: 'Use the tokenizer that the ids were made with',
    });
  }

  /** The token that plays this part. Throws `UserError` where the vocabulary has none. */
  specialId(name: SpecialName): number {
    const id = this.#parts[name];
    if (id !== undefined) return id;
    throw new UserError({
      what: `this tokenizer has no ${specialTokens[name]}`,
      why: 'nor does tokenizer_config.json name another token for it',
      next: 'Use a tokenizer that mossctl tokenizer train made, or the folder of a chat model',
    });
  }

  /**
   * The token that a document starts with: what the tokenizer's post_processor writes before every text, for the model
   * has learnt from that (Llama 3's `<|begin_of_text|>`); else the end of the text before. Throws as `specialId`.
   */
  get documentStart(): number {
    return this.affixes.before[0] ?? this.specialId('endOfText');
  }

  /** The control string that closes an assistant's turn. */
  get turnEnd(): string | undefined {
    return this.#parts.turnEnd === undefined ? undefined : this.decode([this.#parts.turnEnd]);
  }

  /** The tokens after which an answer is over: the end of a turn and the end of a text. */
  get stopIds(): number[] {
    return [...new Set([this.#parts.turnEnd, this.#parts.endOfText])].filter((id) => id !== undefined);
  }

  /** Whether a token has no text of its own. Rows that pad an embedding (Qwen's) past the vocabulary have none either. */
  isSpecial(id: number): boolean {
    return this.#special.has(id) || !this.hasToken(id);
  }

  /** Contents of the files that a checkpoint keeps; transformers' AutoTokenizer opens them. */
  files(): Record<string, string> {
    if (this.#originals !== undefined) return { ...this.#originals };
    const roles = Object.fromEntries(Object.entries(this.roles).map(([role, content]) => [`${role}_token`, content]));
    const responseTemplate = ownTemplate(this.chatTemplate)?.responseTemplate;
    return {
      [tokenizerJsonName]: toJsonFile(this.json),
      [tokenizerConfigName]: toJsonFile({
        // With another class transformers would put that class's own splitter in place of ours.
        tokenizer_class: 'PreTrainedTokenizerFast',
        ...roles,
        added_tokens_decoder: Object.fromEntries(
          this.#vocabulary.added.map((token) => [token.id, addedTokenEntry(token)]),
        ),
        clean_up_tokenization_spaces: false,
        chat_template: this.chatTemplate,
        ...(responseTemplate !== undefined && { response_template: responseTemplate }),
      }),
      [specialTokensMapName]: toJsonFile(roles),
    };
  }
}

const ourRoles: RoleTokens = { bos: specialTokens.endOfText, eos: specialTokens.endOfText, pad: specialTokens.pad };

function append(ids: number[], more: Int32Array): void {
  for (let i = 0; i < more.length; i++) ids.push(more[i]);
}

function addedTokenEntry({ content, lstrip, normalized, rstrip, single_word, special }: AddedToken): object {
  return { content, lstrip, normalized, rstrip, single_word, special };
}

function toJsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
