// The chat format of ours: ChatML, with calls, results and thoughts as Hermes and Qwen3 write them, to the letter, for servers
// parse what a model writes. `{% generation %}` marks what the assistant says, its end token included: the part that a
// fine-tune learns. transformers reads the same marks.
// Each turn is written the same whatever follows it, thoughts too (Qwen3 drops those of earlier turns): one rendering has
// every answer as it will be served. See docs/decisions/016-calls-and-thoughts-in-chatml.md.

/** How much of a tool the system turn says: a line each, or the JSON schema. */
export type ToolList = 'compact' | 'schema';

/** Contexts of more tokens than this have room for JSON schemas; the compact list takes about a fifth of them. */
export const maxCompactContext = 1024;

/** `name(argument: type, …): description`; what a type cannot say, the argument's schema does. */
const compactList = [
  "{{- 'Tools:' -}}",
  '{%- for tool in tools -%}',
  '{%- set function = tool.function if tool.function else tool -%}',
  "{{- '\\n' + function.name + '(' -}}",
  '{%- if function.parameters and function.parameters.properties -%}',
  '{%- for name in function.parameters.properties -%}',
  '{%- set schema = function.parameters.properties[name] -%}',
  "{%- if not loop.first -%}{{- ', ' -}}{%- endif -%}",
  '{{- name -}}',
  "{%- if function.parameters.required is defined and name not in function.parameters.required -%}{{- '?' -}}{%- endif -%}",
  "{{- ': ' -}}",
  '{%- if schema.enum -%}{{- schema.enum | tojson -}}',
  "{%- elif schema.type is string and schema.type not in ['array', 'object'] -%}{{- schema.type -}}",
  "{%- elif schema.type == 'array' and schema['items'] and schema['items'].type in ['string', 'number', 'integer', 'boolean'] and not schema['items'].enum -%}",
  "{{- schema['items'].type + '[]' -}}",
  '{%- else -%}{{- schema | tojson -}}{%- endif -%}',
  '{%- endfor -%}',
  '{%- endif -%}',
  "{{- ')' -}}",
  "{%- if function.description -%}{{- ': ' + function.description | replace('\\n', ' ') -}}{%- endif -%}",
  '{%- endfor -%}',
];

/** Qwen3's words. */
const schemaList = [
  "{{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with function signatures within <tools></tools> XML tags:\\n<tools>' -}}",
  "{%- for tool in tools -%}{{- '\\n' -}}{{- tool | tojson -}}{%- endfor -%}",
  '{{- \'\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>\' -}}',
];

export function chatml(list: ToolList): string {
  return [
    '{%- for message in messages -%}',
    "{%- set content = message.content if message.content is string else (message.content or []) | map(attribute='text') | join('') -%}",
    "{%- if loop.first and (tools or message.role == 'system') -%}",
    "{{- '<|im_start|>system\\n' -}}",
    "{%- if message.role == 'system' -%}{{- content -}}{%- if tools and content -%}{{- '\\n\\n' -}}{%- endif -%}{%- endif -%}",
    '{%- if tools -%}',
    ...(list === 'compact' ? compactList : schemaList),
    '{%- endif -%}',
    "{{- '<|im_end|>\\n' -}}",
    '{%- endif -%}',
    "{%- if message.role == 'assistant' -%}",
    "{{- '<|im_start|>assistant\\n' -}}",
    '{%- generation -%}',
    '{%- set thought = message.reasoning_content or message.thinking -%}',
    "{%- if thought -%}{{- '<think>\\n' + thought + '\\n</think>\\n\\n' -}}{%- endif -%}",
    '{{- content -}}',
    '{%- if message.tool_calls -%}',
    '{%- for tool_call in message.tool_calls -%}',
    "{%- if content or not loop.first -%}{{- '\\n' -}}{%- endif -%}",
    '{%- set call = tool_call.function if tool_call.function else tool_call -%}',
    '{{- \'<tool_call>\\n{"name": \' -}}{{- call.name | tojson -}}{{- \', "arguments": \' -}}',
    '{%- if call.arguments is string -%}{{- call.arguments -}}{%- else -%}{{- call.arguments | tojson -}}{%- endif -%}',
    "{{- '}\\n</tool_call>' -}}",
    '{%- endfor -%}',
    '{%- endif -%}',
    "{{- '<|im_end|>' -}}",
    '{%- endgeneration -%}',
    "{{- '\\n' -}}",
    "{%- elif message.role == 'tool' -%}",
    "{%- if loop.first or messages[loop.index0 - 1].role != 'tool' -%}{{- '<|im_start|>user' -}}{%- endif -%}",
    "{{- '\\n<tool_response>\\n' -}}{{- content -}}{{- '\\n</tool_response>' -}}",
    "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}",
    "{%- elif not (loop.first and message.role == 'system') -%}",
    "{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' -}}",
    '{%- endif -%}',
    '{%- endfor -%}',
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
  ].join('\n');
}

export const chatmlTemplate = chatml('compact');

/** Of new checkpoints whose contexts have the room. */
export const chatmlSchemaTemplate = chatml('schema');

/** Without tools, thoughts and calls it writes what `chatmlTemplate` does: checkpoints from before have it. */
export const formerChatmlTemplate = [
  '{%- for message in messages -%}',
  "{{- '<|im_start|>' + message.role + '\\n' -}}",
  "{%- if message.role == 'assistant' -%}",
  "{%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}",
  "{%- else -%}{{- message.content + '<|im_end|>' -}}{%- endif -%}",
  "{{- '\\n' -}}",
  '{%- endfor -%}',
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
].join('\n');

/**
 * How transformers (5.13 and later) and vLLM read an answer back, for tokenizer_config.json. The closing pattern takes
 * white space along: between two calls it would replace the content.
 */
export const chatmlResponseTemplate = {
  defaults: { role: 'assistant' },
  start_anchor: '<|im_start|>assistant\n',
  fields: {
    thinking: { open: '<think>', close_pattern: '</think>\\s*', content: 'text' },
    tool_calls: {
      open: '<tool_call>',
      close_pattern: '</tool_call>\\s*',
      repeats: true,
      content: 'json',
      transform: { type: 'function', function: '{content}' },
    },
    content: { close_pattern: '(?:<\\|im_end\\|>|<\\|endoftext\\|>)\\s*', content: 'text' },
  },
};

/** For a model that came without a template and without the tokens of ours: it fails only where a chat is asked for. */
export const missingTemplate =
  "{{ raise_exception('this model has no chat template: put one into its folder as chat_template.jinja') }}";
