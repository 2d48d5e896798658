// MOSS's own chat format (OpenMOSS, 2023), for its data and for models that are shaped by it: five parts a turn, each ended by
// a token of its own, the literal None where one is empty. One call and one result a turn; a conversation that needs more
// is refused. The meta-instruction is the system message; tools become its switches, the seventh of them included.
// As MOSS trains it, all is learnt but the meta-instruction and what tools said: the person's turns, too. (MOSS masks the None
// of an empty result as well; here it is learnt, so that an answer without a call is written in one go.)
import type { Message } from './message.js';

/** Tokens, special ones. What begins a part is ordinary text. */
export const mossEndList = ['<eoh>', '<eot>', '<eoc>', '<eor>', '<eom>'] as const;
export const mossTurnEnd = '<eom>';

/** What MOSS can possess: the switch, the tool's name there, and what it takes. */
const switches = [
  ['Web search', 'Search', 'query'],
  ['Calculator', 'Calculate', 'expression'],
  ['Equation solver', 'Solve', 'equation'],
  ['Text-to-image', 'Text2Image', 'description'],
] as const;

const toolSwitches = [
  "{%- if 'Capabilities and tools that MOSS can possess.' not in content -%}{{- 'Capabilities and tools that MOSS can possess.\\n' -}}{%- endif -%}",
  '{%- set state = namespace(thinks=false, names=[]) -%}',
  '{%- for other in messages -%}{%- if other.reasoning_content or other.thinking -%}{%- set state.thinks = true -%}{%- endif -%}{%- endfor -%}',
  "{{- '- Inner thoughts: ' + ('enabled' if state.thinks else 'disabled') + '.\\n' -}}",
  '{%- for tool in tools -%}{%- set state.names = state.names + [(tool.function if tool.function else tool).name] -%}{%- endfor -%}',
  ...switches.map(
    ([title, name, argument]) =>
      `{{- '- ${title}: ' + ('enabled. API: ${name}(${argument})' if '${name}' in state.names else 'disabled.') + '\\n' -}}`,
  ),
  "{{- '- Image edition: disabled.\\n- Text-to-speech: disabled.\\n' -}}",
  '{%- for tool in tools -%}',
  '{%- set function = tool.function if tool.function else tool -%}',
  `{%- if function.name not in ${JSON.stringify(switches.map(([, name]) => name)).replaceAll('"', "'")} -%}`,
  "{{- '- ' + function.name + ': enabled. API: ' + function.name + '(' -}}",
  '{%- if function.parameters and function.parameters.properties -%}',
  "{%- for name in function.parameters.properties -%}{%- if not loop.first -%}{{- ', ' -}}{%- endif -%}{{- name -}}{%- endfor -%}",
  '{%- endif -%}',
  "{{- ')\\n' -}}",
  '{%- endif -%}',
  '{%- endfor -%}',
];

export const mossTemplate = [
  '{%- for message in messages -%}',
  "{%- set content = message.content if message.content is string else (message.content or []) | map(attribute='text') | join('') -%}",
  "{%- set before = '' if loop.first else messages[loop.index0 - 1].role -%}",
  "{%- set after = '' if loop.last else messages[loop.index0 + 1].role -%}",
  '{%- set thought = message.reasoning_content or message.thinking -%}',
  "{%- if message.role == 'system' and not loop.first -%}{{- raise_exception('the format of MOSS has one system message, at the beginning') -}}{%- endif -%}",
  '{%- if loop.first -%}',
  "{%- if message.role == 'system' and content -%}{{- content -}}{%- if not content.endswith('\\n') -%}{{- '\\n' -}}{%- endif -%}{%- endif -%}",
  '{%- if tools -%}',
  ...toolSwitches,
  '{%- endif -%}',
  '{%- endif -%}',
  "{%- if message.role == 'user' -%}",
  "{%- generation -%}{{- '<|Human|>: ' + content + '<eoh>\\n' -}}{%- endgeneration -%}",
  "{%- elif message.role == 'tool' -%}",
  "{%- set isLine = before != 'tool' and after != 'tool' and '=>' not in content -%}",
  "{%- if before != 'tool' -%}{%- generation -%}{{- '<|Results|>:' -}}{%- endgeneration -%}{%- endif -%}",
  "{{- ' ' if isLine else '\\n' -}}{{- content -}}",
  "{%- if after != 'tool' -%}{%- if not isLine -%}{{- '\\n' -}}{%- endif -%}{%- generation -%}{{- '<eor>\\n' -}}{%- endgeneration -%}{%- endif -%}",
  "{%- elif message.role == 'assistant' and before == 'tool' -%}",
  "{%- if message.tool_calls or after == 'tool' or thought -%}{{- raise_exception('the format of MOSS has one thought and one command a turn, before the results') -}}{%- endif -%}",
  "{%- generation -%}{{- '<|MOSS|>: ' + content + '<eom>\\n' -}}{%- endgeneration -%}",
  "{%- elif message.role == 'assistant' -%}",
  '{%- generation -%}',
  "{{- '<|Inner Thoughts|>: ' + (thought or 'None') + '<eot>\\n<|Commands|>: ' -}}",
  '{%- if message.tool_calls -%}',
  "{%- if content -%}{{- raise_exception('the format of MOSS has no place for text beside a call') -}}{%- endif -%}",
  '{%- for tool_call in message.tool_calls -%}',
  "{%- if not loop.first -%}{{- ', ' -}}{%- endif -%}",
  '{%- set call = tool_call.function if tool_call.function else tool_call -%}',
  "{{- call.name + '(' -}}",
  '{%- if call.arguments is string -%}{{- call.arguments -}}',
  "{%- else -%}{%- for name in call.arguments -%}{%- if not loop.first -%}{{- ', ' -}}{%- endif -%}{{- call.arguments[name] | tojson -}}{%- endfor -%}{%- endif -%}",
  "{{- ')' -}}",
  '{%- endfor -%}',
  "{{- '<eoc>\\n' -}}",
  "{%- elif after == 'tool' -%}{{- content + '<eoc>\\n' -}}",
  "{%- else -%}{{- 'None<eoc>\\n<|Results|>: None<eor>\\n<|MOSS|>: ' + content + '<eom>\\n' -}}",
  '{%- endif -%}',
  '{%- endgeneration -%}',
  '{%- endif -%}',
  '{%- endfor -%}',
  // Without a switch that is on there is nothing to think or to call: the answer alone is left to write.
  '{%- if add_generation_prompt -%}',
  "{%- set first = messages[0].content if messages[0].role == 'system' and messages[0].content is string else '' -%}",
  "{%- if messages[-1].role == 'tool' -%}{{- '<|MOSS|>:' -}}",
  "{%- elif tools or enable_thinking or ': enabled.' in first -%}{{- '<|Inner Thoughts|>:' -}}",
  "{%- else -%}{{- '<|Inner Thoughts|>: None<eot>\\n<|Commands|>: None<eoc>\\n<|Results|>: None<eor>\\n<|MOSS|>:' -}}",
  '{%- endif -%}',
  '{%- endif -%}',
].join('\n');

/** What follows the commands where there is none: the results are not the model's to write. */
export const mossNoCalls = '\n<|Results|>: None<eor>\n<|MOSS|>:';

/** The message that each stretch with loss belongs to: one a message, but two for results, around what the tools said. */
export function mossOwners(messages: readonly Message[]): number[] {
  return messages.flatMap(({ role }, i) => {
    if (role === 'user' || role === 'assistant') return [i];
    if (role !== 'tool') return [];
    return [messages[i - 1]?.role, messages[i + 1]?.role].flatMap((beside) => (beside === 'tool' ? [] : [i]));
  });
}

const part = /<\|(?:Inner Thoughts|Commands|Results|MOSS)\|>:/;

/** What a model wrote, from wherever its prompt ended. A command is the content of its message. */
export function readMossAnswer(text: string): { content: string; reasoning?: string } {
  const valueIn = (written: string): string => {
    const found = part.exec(written);
    const value = (found === null ? written : written.slice(found.index + found[0].length)).replace(/^ /, '');
    return value === 'None' ? '' : value;
  };
  const [whole] = text.split(mossTurnEnd);
  const [beforeThought, afterThought] = splitOnce(whole, '<eot>');
  const reasoning = afterThought === undefined ? '' : valueIn(beforeThought);
  const [beforeCommand, afterCommand] = splitOnce(afterThought ?? whole, '<eoc>');
  const [, afterResults] = splitOnce(afterCommand ?? '', '<eor>');
  const command = afterCommand === undefined ? '' : valueIn(beforeCommand);
  const said = afterResults ?? (afterCommand === undefined ? (afterThought ?? whole) : '');
  return { content: command === '' ? valueIn(said) : command, ...(reasoning !== '' && { reasoning }) };
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}
