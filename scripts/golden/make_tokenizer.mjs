// Writes test/golden/tokenizer/: a small tokenizer made by our trainer, and texts and conversations to try it on.
// Then run make_tokenizer.py, which adds what transformers makes of them. Run: node --import tsx scripts/golden/make_tokenizer.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { trainTokenizer } from '../../src/tokenizer/train.ts';

const corpus = `
床前明月光，疑是地上霜。举头望明月，低头思故乡。白日依山尽，黄河入海流。欲穷千里目，更上一层楼。
春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。明月几时有？把酒问青天。不知天上宫阙，今夕是何年。
Call me Ishmael. Some years ago—never mind how long precisely—having little or no money in my purse, and nothing
particular to interest me on shore, I thought I would sail about a little and see the watery part of the world. It is
a way I have of driving off the spleen and regulating the circulation.\r\n\r\n
12×3+9=45  7×8=56 １２３ Ⅻ ½ 2024年5月6日
def add(a, b):\n    return a + b\n\n\n    # naïve café, Ελλάδα, мир, 日本語のテキスト、カタカナ・ーひらがな
😀👩‍👩‍👧 ❤️ 🇨🇳 e\u0301 n\u0303 ￥１００！ “引号” …… — <|not a token|> C:\\path\\n \u00a0\u3000\u0085\ufeff
`;
const tokenizer = await trainTokenizer([corpus, corpus, corpus], { vocabSize: 560 });

const texts = [
  '',
  ' ',
  'Hello world, hello.',
  '床前明月光，疑是地上霜。',
  '2024年5月6日，12345×67=827115',
  '１２３４ ⅫⅫ ½½½½ ۱۲۳ 𝟙𝟚𝟛𝟜',
  'trailing spaces   ',
  '   leading\t\ttabs\n\n\n  and   \r\n lines\r\r\n',
  "it's don't WE'LL .café !a-b_c $x €y 'é",
  '😀👩‍👩‍👧‍👦❤️🇨🇳🏳️‍🌈 e\u0301\u0302 n\u0303 ก็ ẛ̣',
  '\u0000\u0001\u007f\u00ad\u200b\u2060 a\u0000b \u0000\u0000c',
  '\u00a0a \u0085\u0085\n b\u2028c\u3000\u3000中 \ufeff\ufeff d\u180e e',
  'カタカナ・ーひらがな゛゠漢字龥龦〇々한국어 𠀀𠀁 mixed混合text文字123数字',
  '<|im_end|><|im_start|>user\n<|pad|><|endoftext|> <|not a token|> <|im_end|',
  '，。！？、；：“”（）《》……——',
  `${'a'.repeat(300)}${'月'.repeat(200)}${'!'.repeat(100)}${' '.repeat(100)}${'\n'.repeat(100)}${'9'.repeat(100)}`,
];
const conversations = [
  [{ role: 'user', content: '你好' }],
  [
    { role: 'system', content: 'You are Moss.' },
    { role: 'user', content: '12×3+9=?' },
    { role: 'assistant', content: '12×3=36, 36+9=45.' },
    { role: 'user', content: '  明月几时有？\n' },
    { role: 'assistant', content: '把酒问青天。 ' },
  ],
  [
    { role: 'user', content: 'a\n\nb' },
    { role: 'assistant', content: '' },
    { role: 'tool', content: '{"x": 1}' },
    { role: 'assistant', content: 'def f():\n    return 1\n' },
  ],
];
/** Chat templates that differ from ours in how they control white space. */
const templates = [
  "{% for message in messages %}\n  {% if message['role'] == 'assistant' %}\nA: {% generation %}\n{{ message['content'] | trim }}{{ eos_token }}{% endgeneration %}\n\n  {% else %}\nQ: {{ message['content'] }}\n\n  {% endif %}\n{% endfor %}",
  "{{ bos_token }}\n{%- for m in messages %}\n    {%- if m.role == 'assistant' %}  \n    {%- generation %}\n  {{ m.content }} {%- endgeneration -%}  \n\n    {%- else %}[{{ m.role }}] {{ m.content }}{% endif %}\n{%- endfor %}\n",
  "{%- for m in messages -%}<|im_start|>{{ m.role + '\\n' }}{%- if m.role == 'assistant' -%}{%- set text = m.content -%} {% generation -%} {{ text }}<|im_end|> {%- endgeneration %}\n{% else %}{{ m.content }}<|im_end|>{% endif %}\n{% endfor %}",
];

const directory = new URL('../../test/golden/tokenizer/', import.meta.url);
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(tokenizer.files())) writeFileSync(new URL(name, directory), text);
writeFileSync(new URL('cases.json', directory), `${JSON.stringify({ texts, conversations, templates }, null, 1)}\n`);
