// mossctl import: a third-party model directory becomes a checkpoint of ours, checked as a whole.
import { resolve } from 'node:path';
import { decoderTable, parameterCount } from '../../architecture/parameters.js';
import { UserError } from '../../base/errors.js';
import { exists, removeAbandoned } from '../../base/files.js';
import { formatCount, formatShort, printable } from '../../base/format.js';
import { chatTemplateName, tokenizerConfigName } from '../../base/layout.js';
import { requireDisk } from '../../base/room.js';
import { mossctlCommand } from '../../base/shell.js';
import { isAdapter } from '../../checkpoint/adapter-config.js';
import { type Checkpoint, openCheckpoint, readModel } from '../../checkpoint/directory.js';
import type { FloatDtype } from '../../checkpoint/float16.js';
import { isForeign } from '../../checkpoint/hf.js';
import { resolveCheckpoint, restoreDisplaced } from '../../checkpoint/history.js';
import { readManifest } from '../../checkpoint/manifest.js';
import { saveCheckpoint } from '../../checkpoint/save.js';
import { describeWeights } from '../../checkpoint/weights.js';
import { isRewardModel, type RopeParameters } from '../../config/model.js';
import { visibleToken } from '../../inspect/visible.js';
import { checkTensors } from '../../model/check-tensors.js';
import { ChatTemplate } from '../../tokenizer/chat-template.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';
import { removedWhenKilled } from '../signals.js';

export async function importModel(
  path: string,
  { out, json, quiet, base }: OutputOptions & { out: string; base?: string },
): Promise<void> {
  const directory = await resolveCheckpoint(path);
  if (!(await isForeign(directory))) {
    throw new UserError({
      what: 'this is a checkpoint of mossctl already',
      where: path,
      next: `Use it as it is: ${mossctlCommand('chat', shownPath(directory))}`,
    });
  }
  // What most often is not supported comes first: weights may take minutes to read.
  const { tokenizerFolder } = await readModel(directory, { base });
  const tokenizer = await Tokenizer.open(tokenizerFolder);
  new ChatTemplate(tokenizer); // refuses a template that cannot be trusted, before anything is written
  const source = await openCheckpoint(directory, { base });
  checkTensors(decoderTable(source.model), source.weights, directory);
  await refuseOther(out, source.digest);
  const weights = [...source.weights.values()];
  await removeAbandoned(resolve(out));
  await restoreDisplaced(resolve(out)); // killed while it replaced an earlier import
  const bytes = weights.reduce((sum, { data }) => sum + data.byteLength, 0);
  const next = 'Free some space, or choose another folder with --out';
  requireDisk(resolve(out), bytes, { what: 'its weights as float32', next });
  const save = () => saveCheckpoint(resolve(out), { ...source, weights, training: undefined, adapter: undefined });
  const { digest } = await removedWhenKilled(resolve(out), save);
  const storedAs = await storedDtypes(directory, source.manifest.storedAs);
  const description = { storedAs, ...describeModel(source, tokenizer) };
  if (json) printJson({ type: 'result', path: shownPath(out), digest, ...description });
  else if (quiet) printLine(shownPath(out));
  else printLine(summary(source, description, path, shownPath(out)));
}

/** Of the file's tensors; of an adapter merged into its base, that of the base. */
async function storedDtypes(directory: string, base: FloatDtype = 'f32'): Promise<FloatDtype[]> {
  if (await isAdapter(directory)) return [base];
  const { entries } = await describeWeights(directory);
  return [...new Set(entries.map(({ dtype }) => dtype))].sort();
}

/** The same model may be imported again; anything else at `out` stays as it is. */
async function refuseOther(out: string, digest: string): Promise<void> {
  if (!(await exists(out))) return;
  const there = await readManifest(out).catch(() => undefined);
  if (there?.manifest.stage === 'import' && there.manifest.inputDigest === digest) return;
  throw new UserError({
    what: 'there is something here already',
    where: out,
    why: there === undefined ? 'it is not an imported model' : 'it is another model',
    next: 'Choose another folder with --out, or move this one away',
  });
}

function describeModel({ model, tokenizerFiles, eosTokenIds, notes }: Checkpoint, tokenizer: Tokenizer) {
  const token = (id: number): string => visibleToken(tokenizer, id);
  return {
    architecture: model.architectures[0],
    parameters: parameterCount(model),
    tied: model.tie_word_embeddings,
    contextLength: model.max_position_embeddings,
    rope: model.rope_parameters,
    vocabulary: model.vocab_size,
    tokens: tokenizer.vocabSize,
    template: templateSource(tokenizerFiles),
    canChat: tokenizer.chatTemplate !== missingTemplate,
    endsWith: eosTokenIds.map(token),
    padsWith: token(model.pad_token_id),
    notes,
  };
}

/** Which file the chat template comes from; null where the model brings none. */
function templateSource(files: Readonly<Record<string, string>>): string | null {
  if (files[chatTemplateName] !== undefined) return chatTemplateName;
  const name = tokenizerConfigName;
  const config = JSON.parse(files[name] ?? '{}') as { chat_template?: unknown } | null;
  return (config?.chat_template ?? null) === null ? null : name;
}

type Description = ReturnType<typeof describeModel> & { storedAs: string[] };

function summary({ model }: Checkpoint, description: Description, path: string, out: string): string {
  const { architecture, parameters, storedAs, contextLength, template, canChat, padsWith } = description;
  const next = mossctlCommand(isRewardModel(model) || !canChat ? 'inspect' : 'chat', out);
  const withoutTemplate = canChat
    ? 'none of its own: ChatML'
    : `none: to chat or fine-tune, put a chat_template.jinja into ${path}`;
  const ends = description.endsWith.map(printable).join(' or ');
  return [
    `read        ${path}`,
    `model       ${architecture}, ${formatShort(parameters)} parameters stored as ${storedAs.join(' and ')}${description.tied ? ', tied' : ''}`,
    `context     ${formatCount(contextLength)} tokens; rope ${ropeText(description.rope)}`,
    `tokenizer   ${formatCount(description.tokens)} tokens (${formatCount(description.vocabulary)} rows in the embedding)`,
    `template    ${template === null ? withoutTemplate : `from ${template}`}`,
    `ends with   ${ends}; pads with ${printable(padsWith)}`,
    ...(description.notes ?? []).map((note) => `note        ${printable(note)}`),
    `wrote       ${out}`,
    `next        ${next}`,
  ].join('\n');
}

function ropeText({ rope_type: type, rope_theta: theta, ...rest }: RopeParameters): string {
  const factor = 'factor' in rest ? ` × ${rest.factor}` : '';
  return `${type}${factor}, theta ${formatCount(theta)}`;
}
