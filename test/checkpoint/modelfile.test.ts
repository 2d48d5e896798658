// What Ollama is told of a GGUF: a Go template that writes what the Jinja of the checkpoint does, and nothing where it could not.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Checkpoint } from '../../src/checkpoint/directory.js';
import { modelfile } from '../../src/checkpoint/modelfile.js';
import { chatmlTemplate } from '../../src/tokenizer/chatml.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { ggufCheckpoint } from './fixtures/gguf-checkpoint.js';

/** The golden tokenizer with another chat template. */
async function withTemplate(template: string, own: Partial<Checkpoint> = {}) {
  const checkpoint = { ...(await ggufCheckpoint('qwen3')), ...own };
  const json: unknown = JSON.parse(await readFile(`${checkpoint.tokenizerFolder}/tokenizer.json`, 'utf8'));
  const tokenizer = Tokenizer.fromJson(json, checkpoint.tokenizerFolder, { chatTemplate: template });
  return modelfile(checkpoint, tokenizer, 'm.gguf');
}

/** As Go does it, for the few actions that these templates have. */
function renderGo(template: string, messages: { role: string; content: string }[]): string {
  const system = messages.some(({ role }) => role === 'system');
  const literal = (text: string): string =>
    text.replace(/\{\{ ("(?:[^"\\]|\\.)*") \}\}/g, (_, quoted) => JSON.parse(quoted));
  const [, head = '', loop, tail] =
    /^(.*?)\{\{ range \.Messages \}\}(.*)\{\{ end \}\}\{\{ end \}\}(.*)$/s.exec(template) ?? [];
  const start = /^\{\{ if not \.System \}\}(.*)\{\{ end \}\}$/s.exec(head)?.[1] ?? '';
  const branches = new Map(
    loop
      .split(/\{\{ (?:else )?if eq \.Role /)
      .slice(1)
      .map((part): [string, string] => [/^"(\w+)" \}\}/.exec(part)?.[1] ?? '', part.replace(/^"\w+" \}\}/, '')]),
  );
  const bodies = messages.map(({ role, content }) =>
    literal(branches.get(role) ?? '?').replace('{{ .Content }}', () => content),
  );
  return (system ? '' : literal(start)) + bodies.join('') + literal(tail);
}

const talk = [
  { role: 'system', content: 'Be {{ brief }}.' },
  { role: 'user', content: '你好 "x"\n' },
  { role: 'assistant', content: 'Hi' },
  { role: 'user', content: 'Bye' },
];
const templateOf = (text: string): string => /^TEMPLATE """(.*)"""$/m.exec(text)?.[1] ?? '';

test('ChatML, with what ends an answer, the context and the sampling of its makers', async () => {
  const generationConfig = { temperature: 0.6, top_k: 20, do_sample: true };
  const { text, note } = await withTemplate(chatmlTemplate, { generationConfig } as Partial<Checkpoint>);
  assert.equal(note, undefined);
  assert.match(text, /^FROM \.\/m\.gguf\nTEMPLATE """/);
  assert.match(text, /^PARAMETER stop "<\|im_end\|>"$/m);
  assert.match(text, /^PARAMETER num_ctx 128\nPARAMETER temperature 0\.6\nPARAMETER top_k 20$/m);
  const written = talk.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('');
  assert.equal(renderGo(templateOf(text), talk), `${written}<|im_start|>assistant\n`);
  assert.equal(
    renderGo(templateOf(text), talk.slice(1, 2)),
    `<|im_start|>user\n${talk[1].content}<|im_end|>\n<|im_start|>assistant\n`,
  );
});

test('a template that says something where there is no system message', async () => {
  const template =
    "{%- if messages[0].role != 'system' %}{{ 'SYSTEM: default\\n' }}{% endif %}{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}{{ 'assistant: ' }}";
  const { text } = await withTemplate(template);
  assert.equal(renderGo(templateOf(text), talk.slice(1, 2)), `SYSTEM: default\nuser: ${talk[1].content}\nassistant: `);
  assert.match(renderGo(templateOf(text), talk), /^system: Be \{\{ brief \}\}\.\nuser: /);
});

test('none is written for a template that numbers its turns, and it is said; a base model continues text', async () => {
  const counting = '{% for m in messages %}{{ loop.index ~ m.role ~ m.content }}{% endfor %}{{ "a:" }}';
  const { text, note } = await withTemplate(counting);
  assert.doesNotMatch(text, /TEMPLATE/);
  assert.match(note ?? '', /chat template/);
  const { manifest } = await ggufCheckpoint('qwen3');
  const base = await withTemplate(chatmlTemplate, { manifest: { ...manifest, stage: 'pretrain' } });
  assert.equal(templateOf(base.text), '{{ .Prompt }}');
});
