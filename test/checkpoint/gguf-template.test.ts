// A chat template without its generation tags says the same: rendered by an engine that knows the tags, before and after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Template } from '@huggingface/jinja';
import { withoutGenerationTags } from '../../src/checkpoint/gguf-template.js';
import { chatmlTemplate } from '../../src/tokenizer/chatml.js';

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: '你好 {% generation %}' },
  { role: 'assistant', content: ' 你好！\n' },
  { role: 'user', content: '12 + 30?' },
  { role: 'assistant', content: '42' },
];

/** White space around the tags in every way that Jinja treats differently. */
const templates = [
  chatmlTemplate,
  '{% for m in messages %}{% if m.role == "assistant" %} \n {% generation %} \n {{ m.content }} \n {% endgeneration %} \n {% endif %}{% endfor %}',
  '{% for m in messages %}\n  {%- generation %}\n  {{ m.content }}\n  {%- endgeneration %}\n{% endfor %}',
  '{% for m in messages %}\n  {% generation -%}\n  {{ m.content }}\n  {% endgeneration -%}\n  x\n{% endfor %}',
  '{% for m in messages %}\n    {%generation%}\n    {{- m.content -}}\n    {%endgeneration%}\n{% endfor %}',
];

test('the rendering is the same with and without the tags', () => {
  for (const template of templates) {
    const changed = withoutGenerationTags(template);
    assert.doesNotMatch(changed, /generation\s*[-+]?%\}/);
    for (const add_generation_prompt of [true, false]) {
      const context = { messages, add_generation_prompt };
      assert.equal(new Template(changed).render(context), new Template(template).render(context), template);
    }
  }
});

test('only tags change: not comments, strings, raw blocks, or text that ends early', () => {
  const same = [
    '{# {% generation %} #}{{ "{% generation %}" }}',
    "{% raw %}{% generation %}{% endraw %}{{ 'it\\'s {% endgeneration %}' }}",
    '{% set x = "%}{% generation %}" %}{{ x }}',
    'plain { % text',
    '{{ generation }}{% generations %}',
    '{% generation',
    '{{ "',
    '{#',
    '{% raw %}{% generation %}',
  ];
  for (const template of same) assert.equal(withoutGenerationTags(template), template);
  const mixed = '{% raw %}{% generation %}{% endraw %}{%- generation +%}a{%+ endgeneration -%}';
  assert.equal(withoutGenerationTags(mixed), '{% raw %}{% generation %}{% endraw %}{%- if true +%}a{%+ endif -%}');
});
