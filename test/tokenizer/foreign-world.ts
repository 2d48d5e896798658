// Small tokenizers dressed as others': 256 bytes, some merges, the control tokens and the chat template of a family.
import { readFileSync } from 'node:fs';
import { byteCharacters, preTokenizerJson } from '../../src/tokenizer/pre-tokenizer.js';
import type { RoleTokens } from '../../src/tokenizer/roles.js';

export interface Family {
  controls: { content: string; special: boolean }[];
  roles: RoleTokens;
  template: string;
}

const templateOf = (name: string): string =>
  readFileSync(new URL(`../../scripts/interop/templates/${name}.jinja`, import.meta.url), 'utf8');
const special = (...contents: string[]) => contents.map((content) => ({ content, special: true }));
const plain = (...contents: string[]) => contents.map((content) => ({ content, special: false }));

export const families = {
  llama: {
    controls: special(
      ...['<|begin_of_text|>', '<|end_of_text|>', '<|finetune_right_pad_id|>', '<|start_header_id|>'],
      ...['<|end_header_id|>', '<|eom_id|>', '<|eot_id|>', '<|python_tag|>'],
    ),
    roles: { bos: '<|begin_of_text|>', eos: '<|eot_id|>' },
    template: templateOf('llama-3.2-instruct'),
  },
  qwen2: {
    controls: [...special('<|endoftext|>', '<|im_start|>', '<|im_end|>'), ...plain('<tool_call>', '</tool_call>')],
    roles: { eos: '<|im_end|>', pad: '<|endoftext|>' },
    template: templateOf('qwen2.5-instruct'),
  },
  qwen3: {
    controls: [
      ...special('<|endoftext|>', '<|im_start|>', '<|im_end|>'),
      ...plain('<think>', '</think>', '<tool_response>', '</tool_response>'),
    ],
    roles: { eos: '<|im_end|>', pad: '<|endoftext|>' },
    template: templateOf('qwen3'),
  },
} satisfies Record<string, Family>;

/** tokenizer.json of bytes and control tokens alone: the ids of texts are their bytes. */
export function bytesJson({ controls }: Pick<Family, 'controls'>): object {
  return {
    added_tokens: controls.map(({ content, special }, i) => ({ id: 256 + i, content, special, normalized: false })),
    normalizer: null,
    pre_tokenizer: preTokenizerJson,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(byteCharacters.map((character, byte) => [character, byte])),
      merges: [],
    },
  };
}
