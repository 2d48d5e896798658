// The one chat format: ChatML. `{% generation %}` marks what the assistant says, its end token included: the part
// that a fine-tune learns. transformers reads the same marks.

export const chatmlTemplate = [
  '{%- for message in messages -%}',
  "{{- '<|im_start|>' + message.role + '\\n' -}}",
  "{%- if message.role == 'assistant' -%}",
  "{%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}",
  "{%- else -%}{{- message.content + '<|im_end|>' -}}{%- endif -%}",
  "{{- '\\n' -}}",
  '{%- endfor -%}',
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
].join('\n');

/** For a model that came without a template and without the tokens of ours: it fails only where a chat is asked for. */
export const missingTemplate =
  "{{ raise_exception('this model has no chat template: put one into its folder as chat_template.jinja') }}";
