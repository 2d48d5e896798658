// Damage to text that has a grammar: YAML by its lines, chat templates by their tags, JSON lines by their rows.
import type { Random } from '../../src/base/random.js';
import { maxInputBytes, mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';

const yamlWords = [
  '&a [1]',
  '*a',
  '&a',
  '!!binary x',
  '!!custom x',
  '!!set {a, b}',
  '<<: *a',
  '? [a, b]',
  '|',
  '>-',
  '---',
  '...',
  '%YAML 9.9',
  '\t',
  '"\\x00"',
  "'",
  '.nan',
  '.inf',
  '0x7fffffffffffffff',
  '1e999',
  '-1',
  '0',
  '4294967296',
  '~',
  '[]',
  '{}',
  'toString: {valueOf: true}',
  '#',
  ': :',
  '- - - -',
  'null',
  'no/such/file',
];

const deepYaml = (random: Random): string => {
  const depth = random.choose([5, 20, 60]);
  return random.choose([
    '['.repeat(depth),
    '{a: '.repeat(depth),
    '- '.repeat(depth),
    `${'['.repeat(depth)}${']'.repeat(depth)}`,
  ]);
};

/** More aliases than a configuration may have. */
const aliases = (): string => `l0: &l0 [x]\n${Array.from({ length: 120 }, (_, i) => `l${i + 1}: *l0`).join('\n')}`;

export function mutateYaml(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer {
  const lines = seed.toString('utf8').split('\n');
  for (let i = random.integer(1, 4); i > 0; i--) changeLines(lines, random, others);
  const bytes = Buffer.from(lines.join('\n')).subarray(0, maxInputBytes + 64);
  return random.uniform() < 0.2 ? mutateBytes(random, bytes, others) : bytes;
}

function changeLines(lines: string[], random: Random, others: readonly Buffer[]): void {
  const index = random.integer(0, lines.length);
  const line = lines[index] ?? '';
  const colon = line.indexOf(':');
  switch (random.integer(0, 8)) {
    case 0:
      lines.splice(index, 1);
      break;
    case 1:
      lines.splice(index, 0, line);
      break;
    case 2:
      lines[index] = ' '.repeat(random.integer(0, 6)) + line.trimStart();
      break;
    case 3:
    case 4:
      lines[index] = `${colon === -1 ? line : line.slice(0, colon + 1)} ${random.choose(yamlWords)}`;
      break;
    case 5:
      lines[index] =
        `${line.slice(0, colon + 1)} ${random.uniform() < 0.2 ? deepYaml(random) : random.choose(yamlWords)}`;
      break;
    case 6:
      lines.splice(index, 0, ...random.choose(others).toString('utf8').split('\n').slice(0, random.integer(1, 20)));
      break;
    default:
      lines.splice(index, 0, random.uniform() < 0.1 ? aliases() : random.choose(yamlWords));
  }
}

export function mutateJsonLines(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer {
  const rows = seed
    .toString('utf8')
    .split('\n')
    .filter((row) => row !== '');
  const strangers = others.flatMap((other) =>
    other
      .toString('utf8')
      .split('\n')
      .filter((row) => row !== '')
      .slice(0, 3),
  );
  for (let i = random.integer(1, 4); i > 0; i--) {
    const index = random.integer(0, rows.length);
    const row = Buffer.from(rows[index] ?? '{}');
    rows[index] = mutateJson(
      random,
      row,
      strangers.map((text) => Buffer.from(text)),
    ).toString('utf8');
  }
  const end = random.choose(['\n', '\r\n', '\n\n', '\n']);
  const bytes = Buffer.from((random.uniform() < 0.1 ? '\ufeff' : '') + rows.join(end)).subarray(0, maxInputBytes);
  return random.uniform() < 0.2 ? mutateBytes(random, bytes, others) : bytes;
}

const templateNames = [
  'messages',
  'message',
  'loop',
  'loop.index',
  'range',
  'namespace',
  'raise_exception',
  'strftime_now',
  'add_generation_prompt',
  'bos_token',
  'tools',
  'none',
  'true',
  'process',
  'toString',
  'messages.length',
  "''.valueOf()",
  'messages[-1]',
  'messages[99]',
  'messages[0:10:0]',
  'range(0, 10, 3)',
  'range(12)',
  '1e308 * 1e308',
  '9007199254740993',
  '0 // 0',
  "'a' * 12",
  "'%s' % messages",
  'messages | tojson(indent=3)',
  "'x' | indent(3)",
  "messages | map(attribute='role') | list",
  "messages | join(messages | join('x'))",
  "'x'.join(range(9) | list)",
  "'ab'.replace('', 'abc')",
  'messages | sort',
];

const templateTags = [
  '{% for a in messages %}',
  '{% for a in range(9) %}',
  '{% endfor %}',
  '{% if true %}',
  '{% else %}',
  '{% elif loop.last %}',
  '{% endif %}',
  '{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1) }}',
  '{% set x = messages %}',
  '{% set x %}{{ x }}{% endset %}',
  '{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns }}',
  '{% generation %}',
  '{% endgeneration %}',
  '{% filter upper %}x{% endfilter %}',
  '{% call m() %}{% endcall %}',
  '{% break %}',
  '{% continue %}',
  '{% include "x" %}',
  '{% import "x" as x %}',
  '{% raw %}{{ x }}{% endraw %}',
  '{# comment',
  '{{',
  '}}',
  '{%',
  '{{ x',
  '<|im_end|>',
  '\ue0f0',
];

export function mutateTemplate(random: Random, seed: Buffer, others: readonly Buffer[]): Buffer {
  let tags = tagsOf(seed);
  for (let i = random.integer(1, 5); i > 0; i--) tags = changeTags(tags, random, others);
  const bytes = Buffer.from(tags.join('')).subarray(0, maxInputBytes);
  return random.uniform() < 0.15 ? mutateBytes(random, bytes, others) : bytes;
}

function tagsOf(template: Buffer): string[] {
  return template.toString('utf8').split(/(\{\{.*?\}\}|\{%.*?%\})/s);
}

function changeTags(tags: string[], random: Random, others: readonly Buffer[]): string[] {
  const index = random.integer(0, tags.length);
  const words = [...(tags[index] ?? '').matchAll(/'[^']*'|[\w.]+/g)];
  const changed = [...tags];
  switch (random.integer(0, 7)) {
    case 0:
      changed.splice(index, 1);
      break;
    case 1:
      changed.splice(index, 0, tags[index]);
      break;
    case 2:
      changed.splice(index, 0, random.choose(templateTags));
      break;
    case 3:
      changed.splice(index, 0, `{{ ${random.choose(templateNames)} }}`);
      break;
    case 4:
      changed.splice(index, 0, random.choose(tagsOf(random.choose(others))));
      break;
    case 5:
      changed.splice(
        index,
        0,
        random.choose(['{% if x %}', '{{ (', '{% for a in messages %}', '{{ [']).repeat(random.choose([2, 9])),
      );
      break;
    default:
      if (words.length > 0) {
        const { index: at, 0: word } = random.choose(words);
        const name = random.choose(templateNames);
        changed[index] = tags[index].slice(0, at) + name + tags[index].slice((at ?? 0) + word.length);
      }
  }
  return changed;
}
