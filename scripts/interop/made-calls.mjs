// Answers with calls made by rule, and most ways to break them: where no model is at hand to sample some.
import { Random } from '../../src/base/random.ts';

const schema = (properties) => ({ type: 'object', properties, required: Object.keys(properties) });
export const calledTools = [
  { name: 'Calculate', description: '算', parameters: schema({ expression: { type: 'string' } }) },
  { name: 'Search', description: '找', parameters: schema({ query: { type: 'string' } }) },
  { name: '查', description: '查', parameters: schema({ 词: { type: 'string' }, n: { type: 'integer' } }) },
];
const values = ['12*3', '北京/上海 "quoted" \\ <b>', 'a\nb\tc', '', '😀 \u2028', '{"x": 1}', 'it’s </think>', '1e999'];

/** The same texts each time. */
export function brokenCalls(count) {
  const random = Random.stream(1, 'made calls');
  const given = () => random.choose(values);
  const argumentsOf = {
    Calculate: () => ({ expression: given() }),
    Search: () => ({ query: given() }),
    查: () => ({ 词: given(), n: random.choose([0, -3, 12345, 0.5, 1e21, null]) }),
  };
  const call = () => {
    const { name } = random.choose(calledTools);
    const json = JSON.stringify({ name, arguments: argumentsOf[name]() });
    const spaced = random.choose([json, json.replace('":', '": '), json.replace('{', '{\n  ')]);
    return random
      .choose(['<tool_call>\nX\n</tool_call>', '<tool_call>X</tool_call>', '<tool_call>\n X \n</tool_call>'])
      .replace('X', () => spaced);
  };
  const breaks = [
    (text) => text.slice(0, random.integer(1, text.length)),
    (text) => text.replace('</tool_call>', ''),
    (text) => text.replace('"arguments"', '"parameters"'),
    (text) => text.replace(/"(\w+)":/, "'$1':"),
    (text) => text.replace('}', '},'),
    (text) => text.replace('{', '[').replace(/\}\s*<\/tool_call>/, ']</tool_call>'),
    (text) => text.replace('<tool_call>', '<tool_call><tool_call>'),
    (text) => text.replace('Calculate', 'Calc'),
    (text) => `${text} and then some`,
    (text) => text.replace(/"arguments": ?(\{.*\})\}/s, (_, inner) => `"arguments": ${JSON.stringify(inner)}}`),
  ];
  const answer = () => {
    const calls = Array.from({ length: random.choose([0, 1, 1, 1, 2, 3]) }, call);
    const lead = random.choose(['', '', 'Let me see.\n', '让我看看。\n', '<think>\n先算。\n</think>\n\n']);
    return lead + calls.join(random.choose(['\n', '', '\n\n']));
  };
  return Array.from({ length: count }, () => {
    const text = answer();
    return random.uniform() < 0.4 ? random.choose(breaks)(text) : text;
  });
}
