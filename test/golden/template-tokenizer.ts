// A small tokenizer of ours with one of our chat templates.
import type { TemplateName } from '../../src/config/templates.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

export function templateTokenizer(template: TemplateName): Promise<Tokenizer> {
  return trainTokenizer(['Say something. 说点什么。 tool call'.repeat(4)], { vocabSize: 300, template });
}
