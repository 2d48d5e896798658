// A model card: what a person who finds a model on a hub should know of it, and all of it from what the checkpoint itself
// says: where it comes from, what it read, how it was trained, what was measured. Its front matter is what hubs search.
import { stringify } from 'yaml';
import { formatBytes, formatCount, formatShort, shorten } from '../base/format.js';
import { redactAll } from '../base/secrets.js';
import type { Manifest } from '../checkpoint/manifest.js';
import { isRewardModel, type ModelConfig } from '../config/model.js';
import type { Event } from '../report/event.js';

export interface CardFacts {
  /** ORG/NAME; of a folder the path that a person types. */
  name: string;
  /** It is a folder that somebody has, and no repository of a hub. */
  isFolder?: boolean;
  licence: string;
  /** ORG/NAME on the hub of what this was made from, where that is known. */
  base?: string;
  isAdapter: boolean;
  model: ModelConfig | null;
  parameters: number | null;
  /** How the weights that are pushed are stored. */
  dtype?: string;
  canChat: boolean;
  /** Null for a folder that says nothing of how it was made. */
  manifest: Manifest | null;
  digest: string | null;
  /** Of the run that made it: its corpus, with licences. */
  events: readonly Event[];
}

const maxSettings = 8000;
const stageWords: Readonly<Record<string, string>> = {
  import: 'a published model',
  pretrain: 'pretraining',
  sft: 'fine-tuning on conversations',
  align: 'alignment with preferences',
};

export function modelCard(facts: CardFacts): string {
  const { name, manifest } = facts;
  const title = facts.isFolder ? name.slice(0, name.indexOf('/')) : name.slice(name.indexOf('/') + 1);
  const parts = [
    `---\n${stringify(frontMatter(facts)).trimEnd()}\n---`,
    `# ${title}`,
    opening(facts),
    `## Use\n\n${usage(facts)}`,
    `## Model\n\n${factsTable(facts)}`,
    ...(manifest === null ? [] : [`## How it was made\n\n${lineageText(facts, manifest)}`]),
    ...dataText(facts.events),
    ...(manifest === null ? [] : [...settingsText(manifest), ...metricsText(manifest)]),
  ];
  return `${redactAll(parts.join('\n\n'))}\n`;
}

function frontMatter({ licence, base, isAdapter, model, canChat, manifest, events }: CardFacts) {
  const own = licence.startsWith('other:') ? licence.slice('other:'.length) : undefined;
  const isReward = model !== null && isRewardModel(model);
  const languages = languagesOf(events);
  const stage = manifest?.stage;
  return {
    ...(own === undefined ? { license: licence } : { license: 'other', license_name: own }),
    ...(languages.length > 0 && { language: languages }),
    library_name: isAdapter ? 'peft' : 'transformers',
    pipeline_tag: isReward ? 'text-classification' : 'text-generation',
    ...(base !== undefined && { base_model: base, base_model_relation: isAdapter ? 'adapter' : 'finetune' }),
    tags: [
      'mossctl',
      ...(isAdapter ? ['lora'] : []),
      ...(stage && stage !== 'import' ? [stage] : []),
      ...(canChat ? ['conversational'] : []),
    ],
  };
}

/** Those that the corpus was found to be in, as hubs know them. */
function languagesOf(events: readonly Event[]): string[] {
  const found = events.flatMap((event) =>
    event.type === 'composition' ? event.parts.map(({ language }) => language) : [],
  );
  return [...new Set(found)]
    .filter((language) => language !== undefined && /^[a-z]{2,3}$/.test(language))
    .sort() as string[];
}

function opening({ base, isAdapter, model, parameters, manifest }: CardFacts): string {
  const size = parameters === null ? '' : ` of ${formatShort(parameters)} parameters`;
  const kind = isAdapter
    ? `A LoRA adapter${size}`
    : `A language model${size}${model === null ? '' : ` (${model.architectures[0]})`}`;
  const from =
    base === undefined ? '' : ` ${isAdapter ? 'for' : 'made from'} [${base}](https://huggingface.co/${base})`;
  const made = manifest === null ? '' : `, made with mossctl ${manifest.versions.mossctl}`;
  return `${kind}${from}${made}.`;
}

function usage({ name, isFolder, base, isAdapter, canChat }: CardFacts): string {
  const typed = isFolder ? name : `hf:${name}`;
  const ours = `\`\`\`sh\nnpx mossctl ${canChat ? 'chat' : 'score'} ${typed}${canChat ? '' : " 'A text.'"}\n\`\`\``;
  const load = isAdapter
    ? ['from peft import AutoPeftModelForCausalLM', `model = AutoPeftModelForCausalLM.from_pretrained("${name}")`]
    : ['from transformers import AutoModelForCausalLM', `model = AutoModelForCausalLM.from_pretrained("${name}")`];
  const ask = canChat
    ? [
        'inputs = tokenizer.apply_chat_template(',
        '    [{"role": "user", "content": "Hello!"}], add_generation_prompt=True, return_tensors="pt", return_dict=True)',
      ]
    : ['inputs = tokenizer("Once upon a time", return_tensors="pt")'];
  const lines = [
    ...[load[0], 'from transformers import AutoTokenizer'],
    ...[load[1], `tokenizer = AutoTokenizer.from_pretrained("${name}")`, ...ask],
    'print(tokenizer.decode(model.generate(**inputs, max_new_tokens=64)[0]))',
  ];
  const note = isAdapter && base === undefined ? '\n\nIts base is the one that `adapter_config.json` names.' : '';
  return `${ours}\n\n\`\`\`python\n${lines.join('\n')}\n\`\`\`${note}`;
}

function factsTable({ model, parameters, dtype, digest }: CardFacts): string {
  const rows: [string, string][] = [];
  if (parameters !== null) rows.push(['parameters', formatCount(parameters)]);
  if (model !== null) {
    rows.push(['architecture', model.architectures[0]]);
    rows.push([
      'layers × width, heads',
      `${model.num_hidden_layers} × ${model.hidden_size}, ${model.num_attention_heads}`,
    ]);
    rows.push(['context', `${formatCount(model.max_position_embeddings)} tokens`]);
    rows.push(['vocabulary', formatCount(model.vocab_size)]);
  }
  if (dtype !== undefined) rows.push(['stored as', dtype]);
  if (digest !== null) rows.push(['digest of the checkpoint', `\`${digest}\``]);
  return table(['', ''], rows);
}

function lineageText(
  { digest }: CardFacts,
  { lineage, stage, step, tokensSeen, seed, backend, precision }: Manifest,
): string {
  const steps = [...lineage, { stage, step, digest: digest ?? '' }];
  const rows = steps.map((each): [string, string, string] => [
    stageWords[each.stage] === undefined ? each.stage : `${each.stage}: ${stageWords[each.stage]}`,
    formatCount(each.step),
    `\`${each.digest.slice(0, 16)}\``,
  ]);
  const facts = [`${formatCount(tokensSeen)} tokens seen in the last stage`, `${backend}, ${precision}`];
  if (seed !== undefined) facts.push(`seed ${seed}`);
  return `${table(['stage', 'steps', 'checkpoint'], rows)}\n\n${facts.join('; ')}.`;
}

/** What it was trained on, and whom its licences ask to be named. */
export function dataText(events: readonly Event[]): string[] {
  const sources = events.filter((event) => event.type === 'licence');
  if (sources.length === 0) return [];
  const rows = sources.map(({ source, licence, url, documents, bytes }): string[] => [
    url === undefined ? source : `[${source}](${url.replace(/[()\s<>]/g, encodeURIComponent)})`,
    formatCount(documents),
    formatBytes(bytes),
    licence,
  ]);
  const attributions = sources.flatMap(({ source, attribution }) =>
    attribution === undefined ? [] : [`- ${plain(source, 100)}: ${plain(attribution, 1000)}`],
  );
  return [
    `## Data\n\n${table(['source', 'documents', 'text', 'licence'], rows)}`,
    ...(attributions.length === 0 ? [] : [`## Attribution\n\n${attributions.join('\n')}`]),
  ];
}

function settingsText({ settings, stage }: Manifest): string[] {
  if (typeof settings !== 'object' || settings === null || Object.keys(settings).length === 0) return [];
  const text = shorten(stringify(settings, { lineWidth: 0 }).trimEnd(), maxSettings).replaceAll('```', "'''");
  return [`## Settings of ${stage}\n\n\`\`\`yaml\n${text}\n\`\`\``];
}

function metricsText({ metrics }: Manifest): string[] {
  const rows = Object.entries(metrics).map(([name, value]): [string, string] => [
    name,
    String(Number(value.toPrecision(4))),
  ]);
  return rows.length === 0 ? [] : [`## Measured at the end\n\n${table(['', ''], rows)}`];
}

/** Cells may be text from outside: none ends its cell, opens a tag or makes a line of its own. */
/** Of a data-spec, which anyone may have written. */
function plain(text: string, most: number): string {
  return shorten(text.replace(/\s+/g, ' '), most).replaceAll('<', '&lt;');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => plain(text, 300).replaceAll('|', '\\|');
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}
