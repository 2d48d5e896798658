// What `mossctl inspect` prints: blocks of a label and lines. Names, metrics and templates come from third-party files:
// every line is made printable before it is coloured.
import pc from 'picocolors';
import {
  alignColumns,
  countOf,
  displayWidth,
  formatBytes,
  formatCount,
  formatShort,
  printable,
  shorten,
} from '../base/format.js';
import { mossctlCommand } from '../base/shell.js';
import { isRewardModel } from '../config/model.js';
import type { Inspection } from '../inspect/checkpoint.js';
import type { FileReport } from '../inspect/files.js';
import type { GgufInspection } from '../inspect/gguf.js';
import type { ParameterSummary } from '../inspect/parameters.js';
import { formatMetric } from '../report/meaning.js';
import { signature } from '../tools/arguments.js';
import { shownPath } from './output.js';

const labelWidth = 13;
const maxSpecials = 8;
const maxTemplateLines = 3;
const maxShapes = 9;

/** `given` is the path as it was typed: what to type next says it so. */
export function inspectionText(inspection: Inspection, given: string): string {
  const { path, manifest, model, parameters, digest } = inspection;
  const isOurs = manifest.stage !== 'import';
  const head = [
    isOurs ? `${manifest.stage} step ${formatCount(manifest.step)}` : 'a third-party model',
    ...(parameters === null ? [] : [`${formatShort(parameters.parameters)} parameters`]),
    ...(isOurs ? [`${formatCount(manifest.tokensSeen)} tokens seen`] : []),
  ].join(', ');
  const blocks: [string, readonly string[]][] = [
    ['digest', digest === null ? [] : [digest]],
    ['lineage', lineageLines(inspection)],
    ['model', model === null ? [unreadable] : modelLines(inspection)],
    ['parameters', parameters === null ? [unreadable] : parameterLines(parameters)],
    ['metrics', Object.entries(manifest.metrics).map(([name, value]) => `${name} ${formatMetric(name, value)}`)],
    ['computed by', computedBy(inspection)],
    ['overrides', overrideLines(inspection)],
    ['skipped', skippedLines(inspection)],
    ['tokenizer', tokenizerLines(inspection)],
    ['template', templateLines(inspection)],
    ['tools', inspection.learntTools.map(({ name, parameters = {} }) => `${name}(${signature(parameters)})`)],
    ['notes', inspection.notes],
    ['files', fileLines(inspection)],
    ['next', nextLines(inspection, given)],
  ];
  return [pc.bold(head), printable(shownPath(path)), '', ...layOut(blocks)].join('\n');
}

/** The same of a GGUF file: all that it says of itself. */
export function ggufText({ path, bytes, version, metadata, parameters, tensors }: GgufInspection): string {
  const count = `${formatShort(parameters.parameters)} parameters, ${formatCount(tensors.length)} tensors`;
  const head = `GGUF version ${version}, ${count}, ${formatBytes(bytes)}`;
  const entries = Object.entries(metadata).map(([name, value]) => [name, shorten(plain(value), 100)]);
  const blocks: [string, string[]][] = [
    ['parameters', parameterLines(parameters)],
    ['metadata', alignColumns(entries)],
    ['next', [runLine(path, metadata)]],
  ];
  return [pc.bold(head), printable(shownPath(path)), '', ...layOut(blocks)].join('\n');
}

function runLine(path: string, { 'general.type': type }: GgufInspection['metadata']): string {
  return type === 'adapter' ? `llama-cli -m BASE.gguf --lora ${shownPath(path)}` : `llama-cli -m ${shownPath(path)}`;
}

function layOut(blocks: readonly (readonly [string, readonly string[]])[]): string[] {
  const columns = process.stdout.columns || Number.POSITIVE_INFINITY;
  return blocks.flatMap(([label, texts]) => {
    const lines = texts.flatMap((text) => wrapped(printable(text), columns - labelWidth));
    return lines.map((line, i) => `${pc.bold((i === 0 ? label : '').padEnd(labelWidth))}${marked(line)}`);
  });
}

/** Cut at blanks where the terminal would cut anywhere. */
function wrapped(line: string, columns: number): string[] {
  if (displayWidth(line) <= columns) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<= )(?=[^ ])/)) {
    const isFull = displayWidth((current + word).trimEnd()) > columns;
    if (isFull && current.trim() !== '') {
      lines.push(current.trimEnd());
      current = '    ';
    }
    current += word;
  }
  return [...lines, current];
}

const unreadable = 'not readable: see below';

/** Only whole words that we wrote ourselves at the end of a line. */
function marked(line: string): string {
  return line.replace(/ {2}(verified|damaged|missing|not here)$/, (_, word: string) =>
    word === 'verified' ? `  ${pc.green(word)}` : word === 'not here' ? `  ${pc.dim(word)}` : `  ${pc.red(word)}`,
  );
}

function lineageLines({ ancestors, manifest, digest }: Inspection): string[] {
  if (manifest.stage === 'import') return [];
  const own = { stage: manifest.stage, step: manifest.step, digest: digest ?? '', place: 'this one' };
  const found = ancestors.map(({ path, ...rest }) => ({
    ...rest,
    place: path === null ? 'not here' : shownPath(path),
  }));
  const rows = [...found, own].map(({ stage, step, digest: of, place }, depth) => {
    const branch = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `;
    return [`${branch}${stage} step ${formatCount(step)}`, of.slice(0, 12), place];
  });
  const lines = alignColumns(rows);
  // A parent that its lineage does not end with was not made by us.
  if (manifest.parent !== null && manifest.parent !== ancestors.at(-1)?.digest) {
    lines.unshift(`parent ${manifest.parent.slice(0, 12)}  not in the lineage`);
  }
  return lines;
}

function modelLines({ model, eosTokenIds, tokenizer }: Inspection): string[] {
  if (model === null) return [];
  const { num_attention_heads: heads, num_key_value_heads: pairs, rope_parameters: rope } = model;
  const { rope_type: type, rope_theta: theta, ...details } = rope;
  const token = (id: number): string =>
    [
      id,
      ...[...(tokenizer?.special ?? []), ...(tokenizer?.marks ?? [])]
        .filter((one) => one.id === id)
        .map(({ content }) => content),
    ].join(' ');
  const more = Object.entries(details).map(([name, value]) => `, ${name} ${value}`);
  return [
    `${model.architectures[0]}: ${countOf(model.num_hidden_layers, 'layer')}, width ${model.hidden_size}, SwiGLU ${model.intermediate_size}`,
    `${heads} heads of ${model.head_dim}${pairs === heads ? '' : `, ${pairs} for keys and values`}${model.attention_bias ? ', with bias' : ''}`,
    `context ${formatCount(model.max_position_embeddings)}, rope ${type}, base ${formatCount(theta)}${more.join('')}`,
    `vocabulary ${formatCount(model.vocab_size)}, head ${model.tie_word_embeddings ? 'tied to the embedding' : 'of its own'}`,
    ...(eosTokenIds === null || isRewardModel(model) ? [] : [`stops at ${eosTokenIds.map(token).join(', ')}`]),
  ];
}

function parameterLines({ parameters, dtypes, groups }: ParameterSummary): string[] {
  const stored = Object.entries(dtypes).map(([dtype, count]) =>
    count === parameters ? dtype : `${dtype} ${formatShort(count)}`,
  );
  const share = (count: number): string => `${((100 * count) / Math.max(1, parameters)).toFixed(1)} %`;
  const rows = groups.map(({ name, parameters: count, shapes }) => {
    return [name, formatCount(count), share(count), shapesText(shapes)];
  });
  return [
    `${formatCount(parameters)}, ${stored.join(', ') || 'none'}`,
    ...alignColumns(rows, (column) => column === 1 || column === 2),
  ];
}

/** `4 × (q_proj, o_proj 256×256; k_proj, v_proj 64×256); norm 256`: what every layer has, once. */
function shapesText(shapes: ParameterSummary['groups'][number]['shapes']): string {
  const counts = [...new Set(shapes.map(({ count }) => count))];
  const parts = counts.map((count) => {
    const names = new Map<string, string[]>();
    for (const { name, shape, count: times } of shapes) {
      const size = shape.join('×') || 'scalar';
      if (times === count) names.set(size, [...(names.get(size) ?? []), name]);
    }
    const text = [...names].map(([size, same]) => `${cut(same, maxShapes)} ${size}`);
    return count === 1 ? text : [`${count} × (${cut(text, maxShapes, '; ')})`];
  });
  return cut(parts.flat(), maxShapes, '; ');
}

function computedBy({ manifest, resumable }: Inspection): string[] {
  const { backend, threads, ranks, precision, versions } = manifest;
  if (manifest.stage === 'import') return [];
  const counts = [
    ...(threads === null ? [] : [countOf(threads, 'thread')]),
    ...(ranks === undefined ? [] : [`${ranks} processes`]),
  ];
  const engine = [backend, ...counts, precision].join(', ');
  return [
    `${engine}; mossctl ${versions.mossctl}, TensorFlow.js ${versions.tfjs}`,
    resumable
      ? 'with its training state: --resume continues exactly'
      : 'without training state: a start for a new stage',
  ];
}

function overrideLines({ manifest }: Inspection): string[] {
  return (manifest.overrides ?? []).map(
    ({ step, key, from, to }) => `at step ${formatCount(step)}: ${key} ${from} → ${to}`,
  );
}

function skippedLines({ manifest }: Inspection): string[] {
  return (manifest.skipped ?? []).map(
    ({ step, backTo, reason, documents, ids }) =>
      `at step ${formatCount(step)}: ${reason}; back to step ${formatCount(backTo)} without ${cut(ids, 3)} (${formatCount(documents)} documents)`,
  );
}

function tokenizerLines({ tokenizer }: Inspection): string[] {
  if (tokenizer === null) return [unreadable];
  const { vocabulary, preTokenizer, special, marks } = tokenizer;
  const listed = (tokens: typeof special): string =>
    cut(
      tokens.map(({ id, content }) => `${id} ${content}`),
      maxSpecials,
    );
  const size = `${formatCount(vocabulary)} tokens, pre-tokenizer ${preTokenizer}`;
  return [size, `control ${listed(special)}`, ...(marks.length > 0 ? [`marks ${listed(marks)}`] : [])];
}

function templateLines({ chatTemplate, faults }: Inspection): string[] {
  if (chatTemplate === null) return [faults.length === 0 ? 'none: it continues text' : unreadable];
  const lines = chatTemplate.source.trim().split('\n');
  const rest = lines.length - maxTemplateLines;
  return [
    chatTemplate.marksAnswers
      ? 'marks what the assistant says'
      : 'does not mark what the assistant says: fine-tuning finds it turn by turn',
    ...lines.slice(0, maxTemplateLines).map((line) => `  ${shorten(line, 100)}`),
    ...(rest > 0 ? [`  … ${rest} more ${rest === 1 ? 'line' : 'lines'}`] : []),
  ];
}

function fileLines({ files, weightBytes, bytes }: Inspection): string[] {
  const isHashed = files.some(({ sha256 }) => sha256 !== null);
  const rows = files.map((file) => [
    file.name,
    file.bytes === null ? '–' : formatBytes(file.bytes),
    ...(isHashed ? [file.sha256?.slice(0, 12) ?? ''] : []),
    stateWords[file.state],
  ]);
  const isUnproven = files.every(({ state }) => state === 'hashed');
  const unproven = isUnproven ? '; a third-party model has no sha256 to compare with' : '';
  return [
    `${formatBytes(bytes)}, the weights ${formatBytes(weightBytes)}${unproven}`,
    ...alignColumns(rows, (column) => column === 1),
  ];
}

const stateWords: Record<FileReport['state'], string> = {
  verified: 'verified',
  hashed: '',
  'not checked': 'not checked',
  damaged: 'damaged',
  missing: 'missing',
  absent: 'not here (only resuming needs it)',
  unlisted: 'not in the manifest',
};

function nextLines({ manifest, model, faults }: Inspection, given: string): string[] {
  if (faults.length > 0 || model === null) return [];
  const inspectRow = mossctlCommand('inspect', given, '--row', 'conversations.jsonl:1');
  if (isRewardModel(model)) return [inspectRow];
  return manifest.stage === 'pretrain'
    ? [mossctlCommand('sft', '--from', given, '--data', 'conversations.jsonl', '--out', 'runs/mine')]
    : [mossctlCommand('chat', given), inspectRow];
}

/** float32 has seven digits: 1e-6, not 9.999999974752427e-7. */
function plain(value: string | number | boolean): string {
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(7))) : String(value);
}

/** The first of them, and how many more there are. */
function cut(items: readonly string[], shown: number, between = ', '): string {
  const rest = items.length - shown;
  return items.slice(0, shown).join(between) + (rest > 0 ? `${between}… ${rest} more` : '');
}
