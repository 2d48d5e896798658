// What a chat template may use. The limits are set low here, so that templates which do no harm anywhere reach them: a loop
// of 81 under a budget for 20, a list of 20 where 10 are allowed. Guarded against is a published template that asks for
// more memory, time or stack than a machine has, in any of the ways in which texts, lists and calls grow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { CompiledTemplate } from '../../src/tokenizer/compiled-template.js';
import { LimitError, type Limits, limitsFor } from '../../src/tokenizer/jinja/budget.js';
import type { Message } from '../../src/tokenizer/message.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { onFullStack } from '../full-stack.js';

const messages: Message[] = [{ role: 'user', content: 'x' }];
const context = {
  messages,
  zero: 0,
  ten: 'xxxxxxxxxx',
  whole: 'ab'.repeat(400),
  same: 'ab'.repeat(400),
  half: 'ab'.repeat(200),
  blank: ' '.repeat(400),
  broken: 'a\n'.repeat(100),
  pairs: '😀'.repeat(200),
  numbers: Array.from({ length: 60 }, (_, i) => i),
  nested: [[[[[[[[1]]]]]]]],
  likewise: [[[[[[[[1]]]]]]]],
  keyed: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } },
  keyedLikewise: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } },
  mapping: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`key${i}`, i])),
};

function render(source: string, limits: Partial<Limits> = {}): string {
  const all = { ...limitsFor(0), ...limits };
  return new CompiledTemplate(source).render(context, { start: '', end: '', limits: all });
}

/** Refused under the low limit, in these words, and rendered under the usual ones. */
function limited(limits: Partial<Limits>, why: RegExp, sources: readonly string[]): void {
  for (const source of sources) {
    render(source);
    assert.throws(
      () => render(source, limits),
      (error) => error instanceof LimitError && why.test(error.message),
      source,
    );
  }
}

test('a text is counted before it is made, whatever makes it', () => {
  limited({ text: 40 }, /makes a text of more than 40 characters/, [
    '{% if ten * 5 %}{% endif %}',
    '{% if (ten * 3) + (ten * 2) %}{% endif %}',
    '{% if (ten * 3) ~ (ten * 2) %}{% endif %}',
    '{% if ten | replace("x", "12345") %}{% endif %}',
    '{% if ten.replace("x", "12345") %}{% endif %}',
    '{% if range(9) | join("-----") %}{% endif %}',
    '{% if "-----".join(["a", "b", "c", "d", "e", "f", "g", "h", "i"]) %}{% endif %}',
    '{% if "a\nb" | indent(20, true) %}{% endif %}',
    '{% if (ten * 3) | upper %}{% endif %}',
    '{% if (ten * 3).lower() %}{% endif %}',
    '{% if [1, 2, 3] | tojson(separators=(ten * 2, ":")) %}{% endif %}',
    '{% if ten | tojson %}{% endif %}',
    '{% if [1] | tojson(indent=50) %}{% endif %}',
    '{% if [ten, ten, ten, ten] | string %}{% endif %}',
    '{% if strftime_now(ten) %}{% endif %}',
    '{% for i in range(9) %}xxxxx{% endfor %}',
    '{% set all %}{% for i in range(9) %}xxxxx{% endfor %}{% endset %}',
    '{% macro m() %}{% for i in range(9) %}xxxxx{% endfor %}{% endmacro %}{% if m() %}{% endif %}',
  ]);
});

test('a list or mapping is counted before it is made, whatever makes it', () => {
  limited({ items: 10 }, /makes a list of more than 10 items/, [
    '{% set x = range(20) %}',
    '{% set x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] %}',
    `{% set x = {${Array.from({ length: 11 }, (_, i) => `"${i}": 1`).join()}} %}`,
    '{% set x = [1] * 20 %}',
    '{% set x = dict(mapping) %}',
    '{% set x = range(9) | list + range(9) | list %}',
    '{% set x = "a,b,c,d,e,f,g,h,i,j,k".split(",") %}',
    '{% set x = "a b c d e f g h i j k".split() %}',
    '{% set x = broken.splitlines() %}',
    '{% set x = "abcdefghijk" | list %}',
    '{% for x in "abcdefghijk" %}{% endfor %}',
    '{% for x in mapping %}{% endfor %}',
    '{% set x = mapping.keys() %}',
    '{% set x = mapping.items() %}',
    '{% set x = mapping | items %}',
    '{% set x = mapping | dictsort %}',
    '{% set x = mapping | tojson %}',
    '{% set x = numbers | list %}',
    '{% set x = numbers | sort %}',
    '{% set x = numbers | unique %}',
    '{% set x = numbers | map("string") %}',
    '{% set x = numbers | select("odd") %}',
    '{% macro m(a, b, c, d, e, f, g, h, i, j, k) %}{% endmacro %}{% set x = m(*numbers[:11]) %}',
    '{% set x = namespace(**mapping) %}',
  ]);
});

/** Steps that a rendering takes: the least limit under which it ends. */
function stepsOf(source: string): number {
  let [low, high] = [0, limitsFor(0).work];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const ends = (): boolean => {
      try {
        render(source, { work: middle });
        return true;
      } catch (error) {
        if (error instanceof LimitError && /takes more than \d+ steps/.test(error.message)) return false;
        throw error;
      }
    };
    if (ends()) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What each costs at least: every place that does work has its part in one of them. */
const work: readonly (readonly [number, string])[] = [
  [2311, '{% for i in range(9) %}{% for j in range(9) %}{% endfor %}{% endfor %}'],
  [286, '{% for i in range(9) %}{% if i %}{% endif %}{% if i %}{% endif %}{% endfor %}'],
  [208, '{% macro m(n) %}{% endmacro %}{% set x = m(whole) %}'],
  [208, '{% macro m(n) %}{% endmacro %}{% set x = m(n=whole) %}'],
  [207, '{{ whole }}{{ same }}'],
  [11, '{% set x = [same] | length %}'],
  [410, '{% set x = [whole, same] | max %}'],
  [65, '{% set x = numbers.count(5) %}'],
  [1006, '{% set x = whole | length %}'],
  [506, '{% set x = whole | upper %}'],
  [507, '{% set x = whole.upper() %}'],
  [205, '{% set x = whole is upper %}'],
  [507, '{% set x = blank.strip() %}'],
  [5106, '{% set x = half in whole %}'],
  [5106, '{% set x = half not in whole %}'],
  [5430, '{% set x = whole.split(half) %}'],
  [3527, '{% set x = whole.split("a") %}'],
  [5430, '{% set x = whole.rsplit(half) %}'],
  [1058, '{% set x = broken.split() %}'],
  [662, '{% set x = broken.splitlines() %}'],
  [5415, '{% set x = whole.replace(half, "x") %}'],
  [825, '{% set x = whole.replace("a", "b") %}'],
  [5410, '{% set x = whole.find(half) %}'],
  [5411, '{% set x = whole.count(half) %}'],
  [722, '{% set x = whole.count("a") %}'],
  [806, '{% set x = whole[5] %}'],
  [806, '{% set x = whole[5:] %}'],
  [7607, '{% set x = whole[::2] %}'],
  [3806, '{% set x = pairs[1:] %}'],
  [36, '{% set x = numbers[::2] %}'],
  [106, '{% set x = whole == same %}'],
  [106, '{% set x = whole != same %}'],
  [509, '{% set x = whole.startswith(same) %}'],
  [321, '{% set x = whole.endswith([same, same]) %}'],
  [793, '{% set x = broken.splitlines() | join(",") %}'],
  [2076, '{% set x = numbers | unique %}'],
  [661, '{% set x = numbers | sort %}'],
  [65, '{% set x = 99 in numbers %}'],
  [65, '{% set x = numbers | sum %}'],
  [522, '{% set x = [whole] | map("upper") %}'],
  [230, '{% set x = [{"t": whole}] | selectattr("t", "upper") %}'],
];

test('work is counted, whatever does it', () => {
  const found = work.map(([, source]) => [stepsOf(source), source] as const);
  const cheaper = found.filter(([steps], i) => steps < work[i][0]);
  assert.deepEqual(cheaper, []);
  limited({ work: 200 }, /takes more than 200 steps/, [work[0][1]]);
});

test('levels are counted: of expressions, blocks, calls and of what is printed or compared', () => {
  limited({ depth: 6 }, /goes more than 6 levels deep/, [
    `{{ 1${' + 1'.repeat(8)} }}`,
    `{{ ${'not '.repeat(8)}true }}`,
    `{{ 'x'${' | upper'.repeat(8)} }}`,
    '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}',
    `${'{% if true %}'.repeat(8)}${'{% endif %}'.repeat(8)}`,
    `${'{% for i in [1] %}'.repeat(8)}${'{% endfor %}'.repeat(8)}`,
    '{{ nested }}',
    '{{ keyed }}',
    '{{ nested | tojson }}',
    '{{ keyed | tojson }}',
    '{{ nested == likewise }}',
    '{{ keyed == keyedLikewise }}',
  ]);
});

test('steps of zero, numbers without bound and what holds itself are refused', () => {
  for (const [source, why] of [
    ['{{ range(0, 4, zero) }}', /a step of zero/],
    ['{{ numbers[0:4:zero] }}', /a step of zero/],
    ['{{ range(10001) | length }}', /range\(\) of more than 10000 items/],
    ['{{ [1] | tojson(indent=101) }}', /0 to 100 spaces/],
    ['{{ "ab".replace("", "c") }}', /an empty text/],
    ['{{ "ab".split("") }}', /an empty separator/],
    ['{{ 1 // zero }}', /division by zero/],
    ['{{ 9007199254740991 + 1 }}', /more than 53 bits/],
    // Only a namespace can be made to hold itself.
    ['{{ namespace(a=1) }}', /cannot be printed/],
    ['{{ [namespace(a=1)] | tojson }}', /is not JSON/],
  ] as const) {
    assert.throws(() => render(source), { message: why }, source);
  }
});

test('a conversation is rendered under limits that fit its size', async () => {
  const tokenizer = await trainTokenizer(['a b c'], { vocabSize: 300 });
  assert.deepEqual(limitsFor(10), { text: 131_152, items: 100_000, work: 8_389_248, depth: 400 });
  const chat = (source: string) => new ChatTemplate(tokenizer, source).render(messages);
  for (const [source, why] of [
    ['{% if "x" * 140000 %}{% endif %}', /makes a text of more than 13\d{4} characters/],
    [`{% set x = ${Array(11).fill('range(10000) | list').join(' + ')} %}`, /makes a list of more than 100000 items/],
    [`{{ 0${' + 1'.repeat(450)} }}`, /goes more than 400 levels deep/],
    [`${'{% if true %}'.repeat(201)}${'{% endif %}'.repeat(201)}`, /blocks more than 200 deep/],
  ] as const) {
    assert.throws(
      () => chat(source),
      (error) => error instanceof UserError && why.test(error.message),
      source.slice(0, 60),
    );
  }
  assert.throws(() => new ChatTemplate(tokenizer, ' '.repeat(65_537)), /longer than 65536 characters/);
  // Where the stack ends while a template is parsed, that is a fault of the template, too.
  const parentheses = `{{ ${'('.repeat(30)}1${')'.repeat(30)} }}`;
  assert.equal(chat(parentheses), '1');
  assert.throws(() => onFullStack(() => new ChatTemplate(tokenizer, parentheses)), UserError);
});
