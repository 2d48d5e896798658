// Readers of tokenizers and chat templates. What is accepted is also used: a tokenizer must give its text back, and a
// template must render without having seen anything but its inputs.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message } from '../../src/tokenizer/message.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { readTokenizerFiles } from '../../src/tokenizer/tokenizer-files.js';
import { mutateJson } from './mutate-json.js';
import { mutateTemplate } from './mutate-text.js';
import type { Reader } from './readers.js';
import * as world from './world.js';

const probeText = '12×3+9=45 春眠不觉晓 <|im_end|> café\u0301 \ud800 \u{1f468}\u200d\u{1f469}\n\n  x';

export async function tokenizerReaders(folder: string): Promise<Reader[]> {
  const [json, config, template] = ['json', 'config', 'template'].map((name) => join(folder, name));
  for (const place of [json, config, template]) {
    await mkdir(place);
    await writeFile(join(place, 'tokenizer.json'), world.bytesOf(world.fixture('golden/tokenizer/tokenizer.json')));
  }
  const golden = await world.goldenTokenizer();
  const templates = [...world.fixtures(/chat_template\.jinja$/), Buffer.from(golden.chatTemplate)];
  return [
    {
      name: 'tokenizer.json',
      seeds: world.fixtures(/(^|\/)tokenizer\.json$/),
      mutate: mutateJson,
      async read(input) {
        await writeFile(join(json, 'tokenizer.json'), input);
        useTokenizer(await Tokenizer.open(json));
      },
    },
    {
      // With the worker that tries out the template in it.
      name: 'tokenizer_config.json',
      seeds: world.fixtures(/(^|\/)tokenizer_config\.json$/),
      mutate: mutateJson,
      weight: 0.1,
      async read(input) {
        await writeFile(join(config, 'tokenizer_config.json'), input);
        useTokenizer(await Tokenizer.open(config));
        (await readTokenizerFiles(config)).notes();
      },
    },
    {
      name: 'chat template, probed',
      seeds: templates,
      mutate: mutateTemplate,
      weight: 0.1,
      async read(input) {
        await writeFile(join(template, 'chat_template.jinja'), input);
        const tokenizer = await Tokenizer.open(template);
        useTemplate(tokenizer, tokenizer.chatTemplate);
      },
    },
    {
      name: 'chat template',
      seeds: templates,
      mutate: mutateTemplate,
      async read(input) {
        useTemplate(golden, input.toString('utf8'));
      },
    },
  ];
}

function useTokenizer(tokenizer: Tokenizer): void {
  const ids = tokenizer.encode(probeText);
  const text = tokenizer.decode(ids);
  if (text.normalize('NFC') !== Buffer.from(probeText).toString().normalize('NFC')) {
    throw new Error(`what was encoded comes back as ${JSON.stringify(text)}`);
  }
  tokenizer.encodeTrusted(probeText);
  tokenizer.files();
}

/** Renders a conversation of which a user's turn is made of every control string. */
function useTemplate(tokenizer: Tokenizer, source: string): void {
  const template = new ChatTemplate(tokenizer, source);
  const messages: Message[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: tokenizer.controlStrings.join(' ') },
    { role: 'assistant', content: '<think>\nhm\n</think>\n\nYes.' },
    { role: 'user', content: '再见' },
  ];
  const { tokens, loss } = template.encode(messages, { addGenerationPrompt: true });
  if (tokens.length !== loss.length) throw new Error(`${tokens.length} tokens, ${loss.length} loss marks`);
  template.encodeTurns(messages);
  if (template.render(messages).includes('fuzz-secret')) throw new Error('the template has read the environment');
}
