// Which class of transformers opens a folder, and what that class puts in the place of tokenizer.json's rules. Some build
// normalizer and splitter themselves and take the vocabulary alone; a folder's `tokenizer_class` or its `model_type` picks
// them (tokenization_auto.py of 5.24, and the classes themselves). Our ids are those of tokenizer.json, whichever class
// that is: what differs is said. See docs/decisions/012-tokenizer-json-decides.md.
import { UserError } from '../base/errors.js';
import { AddedTokenFinder } from './added-token-finder.js';
import { completeTokenizer, type TokenizerSources } from './added-tokens.js';
import { findNormalizer } from './normalizer.js';
import { gpt2Json, preTokenizerName, qwen2Json } from './pre-tokenizers.js';
import { TextToIds } from './text-to-ids.js';
import { readVocabulary } from './tokenizer-json.js';

export interface TransformersClass {
  name: string;
  /** Undefined: nothing here knows what it does. */
  rules?: ClassRules;
}

interface ClassRules {
  normalizer: unknown;
  preTokenizer: unknown;
  /** Named tokens that no file mentions. */
  defaults: Record<string, string>;
  /** Every named token becomes special. */
  namesSpecial: boolean;
}

const end = '<|endoftext|>';
const known: Readonly<Record<string, ClassRules>> = {
  Qwen2Tokenizer: {
    normalizer: { type: 'NFC' },
    preTokenizer: qwen2Json,
    defaults: { eos_token: end, unk_token: end, pad_token: end },
    namesSpecial: true,
  },
  GPT2Tokenizer: {
    normalizer: null,
    preTokenizer: gpt2Json,
    defaults: { bos_token: end, eos_token: end, unk_token: end },
    namesSpecial: false,
  },
  GPTNeoXTokenizer: {
    normalizer: { type: 'NFC' },
    preTokenizer: gpt2Json,
    defaults: { bos_token: end, eos_token: end, unk_token: end, pad_token: '<|padding|>' },
    namesSpecial: false,
  },
};

/** The other classes that do not take tokenizer.json as it is. Any name that is not here opens it as it is. */
const others = new Set(
  `Albert Bart Barthez Bartpho Bert BertGeneration BertJapanese Bertweet BigBird BioGpt Blenderbot BlenderbotSmall ByT5
  Camembert Canine CLIP Clvp CodeGen CodeLlama Cohere CpmAnt Cpm CTRL Deberta DebertaV2 Dia DistilBert DPRContextEncoder
  DPRQuestionEncoder DPRReader Esm Esmc FastSpeech2Conformer Flaubert FSMT Funnel Gemma GPTNeoXJapanese GPTSw3 Herbert
  Lasr LayoutLMv2 LayoutLMv3 LayoutXLM LED Luke Lxmert M2M100 Marian MarkupLM MBart MBart50 Mgpstr MLuke MobileBert MPNet
  Mvp MyT5 Nllb Nougat OpenAIGPT Pegasus Perceiver Phobert PLBart Pop2Piano ProphetNet Qwen3_5 Reformer RemBert RoCBert
  RoFormer Roberta SeamlessM4T Siglip Siglip2 Speech2Text SpeechT5 Splinter SqueezeBert T5 Tapas Tipsv2 Udop VideoPrism
  Vits Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper XGLM XLM XLMRoberta XLNet`
    .split(/\s+/)
    .map((name) => `${name}Tokenizer`),
);

/** What config.json says that matters here. */
export interface ModelFacts {
  model_type?: unknown;
  tokenizer_class?: unknown;
  vocab_size?: unknown;
}

/** The class that AutoTokenizer takes for a byte-level tokenizer.json; undefined: one that opens it as it is. */
export function transformersClass(config: unknown, model: ModelFacts): TransformersClass | undefined {
  const declared = (config as ModelFacts | undefined)?.tokenizer_class ?? model.tokenizer_class;
  const named = typeof declared === 'string' ? declared.replace(/Fast$/, '') : undefined;
  const type = model.model_type;
  const isQwen = type === 'qwen2' || (type === 'qwen3' && named === undefined);
  const name = isQwen ? 'Qwen2Tokenizer' : named;
  if (name === undefined) return undefined;
  const addsSpace = (config as { add_prefix_space?: unknown } | undefined)?.add_prefix_space === true;
  if (Object.hasOwn(known, name)) return addsSpace ? { name } : { name, rules: known[name] };
  return others.has(name) ? { name } : undefined;
}

/** tokenizer.json as such a class makes it anew; undefined where nothing that text depends on is another. */
export function rebuiltJson(
  rules: ClassRules,
  sources: TokenizerSources,
  complete: unknown,
  directory: string,
): unknown {
  const rebuilt = completeTokenizer({ ...sources, rebuilt: rules }, directory).json as TokenizerJson;
  const json = {
    ...rebuilt,
    normalizer: rules.normalizer,
    pre_tokenizer: rules.preTokenizer,
    model: { ...rebuilt.model, ignore_merges: false },
  };
  return describe(json) === describe(complete as TokenizerJson) ? undefined : json;
}

interface TokenizerJson {
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  added_tokens?: unknown;
  model?: { ignore_merges?: unknown } | null;
}

function describe({ normalizer, pre_tokenizer, added_tokens, model }: TokenizerJson): string {
  const [name, form] = [preTokenizerName(pre_tokenizer), findNormalizer(normalizer)?.name];
  return JSON.stringify([name, form, added_tokens, model?.ignore_merges === true]);
}

/** Texts that one set of rules or another treats in its own way. */
const probes = [
  ...[
    'Hello world',
    " I'll, WE'RE he'S",
    'a  b   c',
    ' leading',
    'trailing  ',
    'a\n\n\nb',
    ' \n x',
    'a\tb',
    '1234567890',
    'x12 34y',
    '٣٤٥',
  ],
  ...[
    '你好，世界。',
    '2024年6月',
    '中文 English 混排123',
    'こんにちは',
    '한국어',
    'e\u0301',
    'A\u030a',
    'ﬁ',
    'naïve café',
    'नमस्ते',
    'ไทย',
    'Привет',
  ],
  ...[
    '😀👍🏽',
    '...!!!',
    '(a+b)*c=d;',
    '"quoted"',
    "it's",
    '$5.00',
    'foo_bar',
    'http://a.b/c?d=e',
    'x\r\ny',
    '\u00a0x',
    '　全角',
    '½²',
    '—…',
  ],
];

interface ClassQuestion {
  sources: TokenizerSources;
  /** tokenizer.json with every added token. */
  complete: unknown;
  directory: string;
  isQwen2: boolean;
}

/** What a person must know of a class whose rules are not tokenizer.json's; undefined where no text was found to differ. */
export function classNote(
  by: TransformersClass,
  { sources, complete, directory, isQwen2 }: ClassQuestion,
): string | undefined {
  const rebuilt = by.rules && rebuiltJson(by.rules, sources, complete, directory);
  if (by.rules !== undefined && rebuilt === undefined) return undefined;
  const opens = `transformers 5.24 opens this folder with ${by.name} (${isQwen2 ? 'model_type qwen2' : 'tokenizer_class or model_type'}), which has rules of its own in the place of tokenizer.json's`;
  const ids = 'ids are those of tokenizer.json here';
  const advice = isQwen2
    ? 'no setting changes that: compare before the model is served with transformers or vLLM'
    : '"tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json makes both the same';
  const [ours, theirs] = [complete, rebuilt].map((json) => encoderOf(json, directory));
  if (ours === undefined) return undefined; // whoever opens it says what is wrong
  if (theirs === undefined) return `${opens}, perhaps with other ids for the same text; ${ids}; ${advice}`;
  const contents = ((complete as TokenizerJson).added_tokens ?? []) as { content: string }[];
  const texts = [...probes, ...contents.slice(0, 200).map(({ content }) => `a${content} b`)];
  const other = texts.filter((text) => ours(text) !== theirs(text));
  if (other.length === 0) return undefined;
  const code = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const example = JSON.stringify(other[0]).replace(/\p{M}/gu, code);
  return `${opens}: ${other.length} of ${texts.length} texts tried get other ids there, ${example} for one; ${ids}; ${advice}`;
}

/** The ids of a text, as one text; undefined where tokenizer.json is not supported, or missing. */
function encoderOf(json: unknown, directory: string): ((text: string) => string) | undefined {
  if (json === undefined) return undefined;
  try {
    const vocabulary = readVocabulary(json, directory);
    const finder = new AddedTokenFinder(vocabulary.added, vocabulary.normalize);
    const ids = new TextToIds(vocabulary);
    return (text) =>
      finder
        .split(text)
        .flatMap((part) => part.id ?? Array.from(ids.encode(part.text)))
        .join();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
