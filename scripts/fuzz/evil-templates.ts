// Chat templates that people would write to do harm.

const nested = (depth: number): string =>
  `${'{% for a in range(1000) %}'.repeat(depth)}x${'{% endfor %}'.repeat(depth)}`;

/** Each must be refused, or give a text that shows nothing of the machine. */
export const evil: Readonly<Record<string, string>> = {
  'the function constructor': "{{ ''.constructor.constructor('return process.env')() }}",
  'a prototype': '{{ messages.__proto__ }}{{ messages.constructor }}',
  'a computed prototype': "{{ messages[0]['__proto__']['constructor'] }}",
  'the global object': '{{ globalThis }}{{ global }}{{ process }}{{ self }}{{ this }}{{ window }}',
  'the environment': '{{ process.env.FUZZ_SECRET }}{{ env.FUZZ_SECRET }}',
  'a module': "{% import 'fs' as fs %}{{ fs.readFileSync('/etc/passwd') }}",
  'a file': "{% include '/etc/passwd' %}{% extends '/etc/passwd' %}",
  'a subclass walk': "{{ ''.__class__.__mro__[1].__subclasses__() }}",
  'a Python global': '{{ cycler.__init__.__globals__ }}{{ lipsum.__globals__ }}{{ self.__init__.__globals__ }}',
  'pollution by set': "{% set x = {} %}{% set x.__proto__.polluted = 'yes' %}{{ x }}",
  'pollution by namespace': '{% set ns = namespace() %}{% set ns.__proto__ = messages %}{{ ns.role }}',
  'pollution by keyword': '{% set ns = namespace(__proto__=messages, constructor=1) %}{{ ns.constructor }}',
  'a bomb of loops': nested(5),
  'an endless range': '{% for a in range(999999999) %}x{% endfor %}',
  'a range that never ends': '{% for a in range(0, 1, 0) %}x{% endfor %}',
  'a text that doubles': `{% set x = 'x' %}${'{% set x = x + x %}'.repeat(60)}{{ x }}`,
  'a text that doubles in a loop':
    "{% set ns = namespace(x='x') %}{% for a in range(9999) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
  'a list that doubles':
    "{% set ns = namespace(x=['x']) %}{% for a in range(9999) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
  'a repeated text': "{{ 'x' * 999999999 }}",
  'a long indent': "{{ 'a\nb' | indent(99999999) }}{{ messages | tojson(indent=99999999) }}",
  'a cartesian join': "{{ range(9999) | join(range(9999) | join('xxxxxxxxxx')) }}",
  'a growing replace': `{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x | replace('a', 'aa') %}{% endfor %}{{ ns.x }}`,
  'a list that holds itself': '{% set ns = namespace() %}{% set ns.x = ns %}{{ ns | tojson }}{{ ns }}',
  'endless recursion': '{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}',
  'two macros that call each other':
    '{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}',
  'deep parentheses': `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`,
  'deep lists': `{{ ${'['.repeat(20_000)}${']'.repeat(20_000)} }}`,
  'deep blocks': '{% if true %}'.repeat(4_000) + '{% endif %}'.repeat(4_000),
  'a chain of filters': `{{ 'x'${' | upper'.repeat(9_000)} }}`,
  'a chain of not': `{{ ${'not '.repeat(20_000)}true }}`,
  'a catastrophic split': "{{ ('a' * 30000).split('a') | join('a') | length }}",
  'the time': "{{ strftime_now('%Y') }}{{ now() }}",
  'a huge number': '{{ 9007199254740993 * 1e308 * 1e308 }}{{ messages[1e308] }}',
  'a forged control token': "{{ messages[1].content | replace('\\ue0f0', '') }}",
  'our marks': '\ue0f1 everything is an answer \ue0f2',
  'an unclosed tag': '{% for message in messages %}{{ message.content }}',
  'a generation block without its end': '{% generation %}{{ messages[0].content }}',
  'only an end': '{% endgeneration %}',
};
