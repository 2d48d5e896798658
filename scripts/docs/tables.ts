// The tables of docs/ that say what keys there are, read off the schemas that check them: between `<!-- keys NAME -->` and
// `<!-- end -->` of a page stands what `keyTables[NAME]` makes.
import { z } from 'zod';
import { describeSchema, expectation, type Field, type SchemaNode, schemaNode } from '../../src/base/schema.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { constraintSchema } from '../../src/data/constraints.js';
import { filterNames, filters, filtersSchema } from '../../src/data/filters/table.js';
import { formulasSchema } from '../../src/data/formulas-spec.js';
import { dataSpecSchema } from '../../src/data/spec.js';
import { checkSchema, conversationFields, sessionStartSchema } from '../../src/data/types.js';
import { rowSchema } from '../../src/evaluation/questions/question.js';
import { seedSchema } from '../../src/stages/self-instruct/seed-tasks.js';
import { toolSpecSchema } from '../../src/tools/specs.js';

const blocks = [
  'data',
  'tokenizer',
  'pretrain',
  'selfInstruct',
  'sft',
  'toolUse',
  'rewardModel',
  'align',
  'eval',
] as const;

/** Name in a marker → the table, without a blank line around it. */
export const keyTables: Readonly<Record<string, () => string>> = {
  'data-spec': () => table(fields(dataSpecSchema).filter(({ path }) => !/^(filters|formulas)\b/.test(path))),
  filters: filterTable,
  formulas: () => table(fields(formulasSchema)),
  ...Object.fromEntries(blocks.map((block) => [block, () => table(under(fields(pipelineSchema), block))])),
  pipeline: () =>
    table(fields(pipelineSchema).filter(({ path }) => !blocks.some((block) => path.startsWith(`${block}.`)))),
  conversation: () => table(fields(z.object({ ...conversationFields, start: sessionStartSchema }).partial())),
  question: () => table(fields(rowSchema)),
  seed: () => table(fields(seedSchema)),
  check: () => branchTable(checkSchema, 'type'),
  constraint: () => branchTable(constraintSchema, 'kind'),
  tool: () => table(fields(toolSpecSchema)),
};

const marker = /(<!-- keys (\S+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The page with every table as the schemas have it now. @throws for a name that is none. */
export function withTables(page: string): string {
  return page.replace(marker, (_, begin: string, name: string, end: string) => {
    const make = keyTables[name];
    if (make === undefined) throw new Error(`<!-- keys ${name} -->: one of ${Object.keys(keyTables).join(', ')}`);
    return `${begin}\n${make()}\n\n${end}`;
  });
}

/** Names of the tables that a page has. */
export function tablesIn(page: string): string[] {
  return [...page.matchAll(marker)].map(([, , name]) => name);
}

const fields = (schema: z.ZodType): Field[] => describeSchema(schema);

function under(all: readonly Field[], block: string): Field[] {
  return all.filter(({ path }) => path.startsWith(`${block}.`));
}

function table(rows: readonly Field[]): string {
  const lines = rows.map((field) => row([`\`${field.path}\``, valueIn(field), defaultOf(field), field.help ?? '']));
  return [row(['key', 'value', 'default', 'what it says']), '|---|---|---|---|', ...lines].join('\n');
}

function valueIn({ type, choices, bounds = '' }: Field): string {
  const words = choices === undefined ? [] : choices.map((choice) => `\`${choice}\``);
  if (choices !== undefined) return type === 'list' ? `list of ${words.join(', ')}` : words.join(', ');
  return `${type} ${bounds}`.trim();
}

function defaultOf({ default: value, required }: Field): string {
  if (value === undefined) return required ? '**required**' : '';
  if (typeof value === 'string') return value === '' ? '' : `\`${value}\``;
  return `\`${JSON.stringify(value)}\``;
}

/** A row a filter with what it does, then its options. */
function filterTable(): string {
  const all = fields(filtersSchema);
  const lines = filterNames.flatMap((name) => [
    row([`**\`${name}\`**`, '', '', filters[name].about]),
    ...under(all, name).map((field) => row([`\`${field.path}\``, valueIn(field), defaultOf(field), field.help ?? ''])),
  ]);
  return [row(['key', 'value', 'default', 'what it says']), '|---|---|---|---|', ...lines].join('\n');
}

/** A row for each branch of a union of objects that one field tells apart. */
function branchTable(schema: z.ZodType, by: string): string {
  const lines = branchesOf(schemaNode(schema)).map(({ properties = {}, description = '' }) => {
    const { [by]: kind, ...others } = properties;
    const names = (kind.enum ?? [kind.const]).map((name) => `\`${name}\``).join(', ');
    const rest = Object.entries(others).map(([key, node]) => `\`${key}\`: ${node.description ?? expectation(node)}`);
    return row([names, rest.join('; '), description]);
  });
  return [row([`\`${by}\``, 'beside it', 'what it says']), '|---|---|---|', ...lines].join('\n');
}

function branchesOf(node: SchemaNode): SchemaNode[] {
  const inner = node.anyOf ?? node.oneOf;
  return inner === undefined ? [node] : inner.flatMap(branchesOf);
}

function row(cells: readonly string[]): string {
  return `| ${cells
    .map((cell) =>
      cell
        .replaceAll('|', '\\|')
        .replaceAll('\n', ' ')
        .replace(/<(?=[A-Z])/g, '\\<'),
    )
    .join(' | ')} |`.replaceAll('|  |', '| |');
}
