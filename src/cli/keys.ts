// The table of keys at the end of a stage command's --help, read off the pipeline's schema.
import { describeSchema, type Field } from '../base/schema.js';
import { pipelineSchema } from '../config/pipeline.js';

export function keyTable(block: string): string {
  const fields = describeSchema(pipelineSchema).filter(({ path }) => path.startsWith(`${block}.`));
  const rows = fields.map((field) => [`${field.path}=${sample(field)}`, field.help ?? '']);
  const width = Math.max(...rows.map(([key]) => key.length));
  const lines = rows.map(([key, help]) => `  ${key.padEnd(width)}  ${help}`);
  return `\nKeys of the ${block} block, for the YAML file or --set (with their defaults):\n${lines.join('\n')}`;
}

function sample(field: Field): string {
  const { default: value, choices, type } = field;
  if (value !== undefined) return typeof value === 'object' ? JSON.stringify(value) : String(value);
  // Of a list a value is several of them.
  if (choices !== undefined) return type === 'list' ? choices.slice(0, 2).join(',') : `<${choices.join('|')}>`;
  return `<${field.type}>`;
}
