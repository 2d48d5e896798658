// The models that are served: which there are, under which names, and their weights once somebody asks for them. A run folder
// serves what each of its stages made; a model that is added later (a round of alignment) stands beside them.
import { basename, dirname, join, resolve } from 'node:path';
import { parameterCount } from '../architecture/parameters.js';
import { nearest, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { kebabCase, listOf } from '../base/format.js';
import { settingsName } from '../base/layout.js';
import { identifyCheckpoint, readModel } from '../checkpoint/directory.js';
import { listCheckpoints } from '../checkpoint/history.js';
import type { Quantization } from '../config/compute.js';
import { openChatFormat } from '../inference/chat-format.js';
import { LocalModel, type OpenedModel } from '../inference/local-model.js';
import { readRecord } from '../pipeline/record.js';
import { modelStagesOf, stageTable } from '../stages/catalog.js';
import { offeredIn, readServingFiles } from '../tokenizer/serving-files.js';
import type { Toolbox } from '../tools/toolbox.js';
import type { Visit } from './admission.js';
import type { ServedModel } from './contract.js';
import { RefusedRequest } from './refusal.js';

export interface ModelSource {
  id: string;
  /** A checkpoint, as a person or a run's record names it. */
  path: string;
}

export interface OpenModelOptions {
  verify?: boolean;
  quantize?: Quantization;
  /** The tools that a model may call in `POST /api/chat`, opened when first asked for; they stay the opener's. */
  openTools?(model: OpenedModel, path: string): Promise<Toolbox | undefined>;
}

/** One model, whose weights are opened when they are first asked for. */
export class ModelEntry {
  readonly id: string;
  readonly path: string;
  readonly #options: OpenModelOptions;
  readonly #described: Omit<ServedModel, 'id'>;
  #opening: Promise<OpenedModel> | undefined;
  #tools: Promise<Toolbox | undefined> | undefined;
  #toolbox: Toolbox | undefined;
  #opened: OpenedModel | undefined;
  /** Visits that may ask its engine. */
  #visits = 0;
  #isReleased = false;

  constructor(source: ModelSource, described: Omit<ServedModel, 'id'>, options: OpenModelOptions) {
    this.id = source.id;
    this.path = source.path;
    this.#described = described;
    this.#options = options;
  }

  get described(): ServedModel {
    const tools = this.#toolbox?.tools.map(({ name }) => name) ?? this.#described.tools;
    return { id: this.id, ...this.#described, tools };
  }

  /** Undefined until its weights have been asked for. */
  get opened(): OpenedModel | undefined {
    return this.#opened;
  }

  /**
   * @param visit for which it answers: until that is left, its weights stay.
   * @throws UserError where the checkpoint is gone or damaged; the next request tries again.
   */
  async open(visit?: Visit): Promise<OpenedModel> {
    if (visit !== undefined) {
      this.#visits++;
      visit.onLeave(() => {
        this.#visits--;
        if (this.#isReleased && this.#visits === 0) this.#letGo().catch(() => undefined);
      });
      this.#isReleased = false;
    }
    this.#opening ??= LocalModel.open(this.path, this.#options);
    const opening = this.#opening;
    try {
      const model = await opening;
      if (this.#opening === opening) this.#opened = model;
      return model;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  /** Undefined where it may call nothing. */
  async toolbox(): Promise<Toolbox | undefined> {
    const model = await this.open();
    this.#tools ??= this.#options.openTools?.(model, this.path) ?? Promise.resolve(undefined);
    try {
      this.#toolbox = await this.#tools;
      return this.#toolbox;
    } catch (error) {
      this.#tools = undefined;
      throw error;
    }
  }

  /** Gives its weights back once nothing is answered with them; whoever asks for it later opens them again. */
  async release(): Promise<void> {
    if (this.#visits > 0) this.#isReleased = true;
    else await this.#letGo();
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.dispose();
  }

  async #letGo(): Promise<void> {
    const opening = this.#opening;
    this.#isReleased = false;
    this.#opening = undefined;
    this.#opened = undefined;
    await (await opening?.catch(() => undefined))?.dispose();
  }
}

export class ServedModels {
  readonly #options: OpenModelOptions;
  readonly #entries: ModelEntry[];
  /** Whether any name is answered by the default. */
  readonly #answersAnyName: boolean;
  #default: ModelEntry;
  /** The run whose stages are served. */
  readonly run: string | undefined;

  private constructor(
    entries: ModelEntry[],
    options: OpenModelOptions,
    { answersAnyName, run }: { answersAnyName: boolean; run?: string },
  ) {
    this.#entries = entries;
    this.#options = options;
    this.#answersAnyName = answersAnyName;
    this.run = run;
    this.#default = entries[0];
  }

  /**
   * What these paths name; the default is the first of them, of a run folder its newest stage.
   * @throws UserError where one of them is no model, or is named twice, before anything is listened to.
   */
  static async find(paths: readonly string[], options: OpenModelOptions = {}): Promise<ServedModels> {
    const twice = paths.find((path, i) => paths.slice(0, i).some((other) => resolve(other) === resolve(path)));
    if (twice !== undefined) {
      throw new UserError({ what: 'the same model is named twice', where: twice, next: 'Name it once' });
    }
    const found = await Promise.all(paths.map(async (path) => ({ path, ...(await sourcesOf(path)) })));
    const isOne = found.length === 1;
    const sources = found.flatMap(({ sources, run }) =>
      sources.map((source) => (isOne || run === undefined ? source : { ...source, id: `${run}/${source.id}` })),
    );
    const entries = await Promise.all(unique(sources).map((source) => entryOf(source, options)));
    const models = new ServedModels(entries, options, { answersAnyName: isOne, run: isOne ? found[0].run : undefined });
    models.#default = entries[found[0].sources.length - 1];
    return models;
  }

  get all(): readonly ModelEntry[] {
    return this.#entries;
  }

  get default(): ModelEntry {
    return this.#default;
  }

  /** @throws RefusedRequest with the names that there are. */
  find(name: string | undefined): ModelEntry {
    if (name === undefined || name === '') return this.#default;
    const found = this.#entries.find(({ id }) => id === name);
    if (found !== undefined) return found;
    if (this.#answersAnyName) return this.#default;
    const ids = this.#entries.map(({ id }) => id);
    const near = nearest(name, ids);
    throw new RefusedRequest({
      status: 404,
      what: `no model of this name is served: ${name.slice(0, 100)}`,
      next: near === undefined ? `There is ${listOf(ids)}` : `Did you mean ${near}? There is ${listOf(ids)}`,
      param: 'model',
      code: 'model_not_found',
    });
  }

  /** Serves another checkpoint beside these, and makes it the default. */
  async add(source: ModelSource): Promise<ModelEntry> {
    const entry = await entryOf(source, this.#options);
    this.#entries.push(entry);
    this.#default = entry;
    return entry;
  }

  /** The default until now gives its weights back, once nothing is answered with them: whoever names it opens them again. */
  setDefault(id: string): void {
    const last = this.#default;
    this.#default = this.find(id);
    if (last !== this.#default) last.release().catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#entries.map((entry) => entry.close()));
  }
}

async function entryOf(source: ModelSource, options: OpenModelOptions): Promise<ModelEntry> {
  const { path, manifest } = await identifyCheckpoint(source.path);
  const { model, tokenizerFolder } = await readModel(path);
  const { isBase, contextLength } = await openChatFormat(path);
  const { texts } = await readServingFiles(tokenizerFolder);
  const tools = offeredIn(texts).map(({ name }) => name);
  const described = { stage: manifest.stage, parameters: parameterCount(model), contextLength, tools, isBase };
  return new ModelEntry({ ...source, path }, described, options);
}

/** The models of a path. `run`: it is a run folder, and they are its stages, oldest first. */
async function sourcesOf(path: string): Promise<{ sources: ModelSource[]; run?: string }> {
  if (!(await exists(join(path, settingsName)))) return { sources: [{ id: await nameOf(path), path }] };
  const sources: ModelSource[] = [];
  const digests = new Set<string>();
  for (const stage of modelStagesOf(stageTable)) {
    const record = await readRecord(path, stage);
    // A stage that is running, or was stopped, has checkpoints and no output yet.
    const newest = (await listCheckpoints(join(path, kebabCase(stage)))).at(-1)?.path;
    const made = record?.output === undefined ? newest : join(path, record.output.path);
    if (made === undefined) continue;
    // A round of alignment that promotes nothing ends with the model that it began with.
    const { digest } = await identifyCheckpoint(made);
    if (digests.has(digest)) continue;
    digests.add(digest);
    sources.push({ id: stage === 'pretrain' ? 'base' : kebabCase(stage), path: made });
  }
  if (sources.length > 0) return { sources, run: basename(path) };
  throw new UserError({
    what: 'this run has no model yet',
    where: path,
    next: 'Let it get to its first checkpoint, or name another folder',
  });
}

/** `quickstart/sft` of a checkpoint in a run, else the folder's own name, or the model's on its hub. */
async function nameOf(path: string): Promise<string> {
  const { path: directory, manifest } = await identifyCheckpoint(path);
  for (let folder = dirname(directory), depth = 0; depth < 3; folder = dirname(folder), depth++) {
    if (!(await exists(join(folder, settingsName)))) continue;
    return `${basename(folder)}/${manifest.stage === 'pretrain' ? 'base' : kebabCase(manifest.stage)}`;
  }
  return /^(hf|ms):/.test(path) ? path.replace(/^(hf|ms):/, '') : basename(directory);
}

function unique(sources: readonly ModelSource[]): ModelSource[] {
  return sources.map((source, i) => {
    const before = sources.slice(0, i).filter(({ id }) => id === source.id).length;
    return before === 0 ? source : { ...source, id: `${source.id}-${before + 1}` };
  });
}
