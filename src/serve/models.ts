// The models that are served: which there are, under which names, and their weights once somebody asks for them. A run folder
// serves what each of its stages made, one that is followed what it saves as well; a model that is added later (a round of
// alignment) stands beside them.
import { basename, resolve } from 'node:path';
import { parameterCount } from '../architecture/parameters.js';
import { nearest, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { listOf } from '../base/format.js';
import { identifyCheckpoint, readModel } from '../checkpoint/directory.js';
import type { Quantization } from '../config/compute.js';
import { openChatFormat } from '../inference/chat-format.js';
import { LocalModel, type OpenedModel } from '../inference/local-model.js';
import { offeredIn, readServingFiles } from '../tokenizer/serving-files.js';
import type { Toolbox } from '../tools/toolbox.js';
import type { Visit } from './admission.js';
import type { ServedModel } from './contract.js';
import { RefusedRequest } from './refusal.js';
import { followedSources, type ModelSource, sourcesOf, uniqueIds } from './sources.js';

/** Between two looks at what a run that is followed has saved. */
const refreshMilliseconds = 1000;
/** Checkpoints that newer ones have followed, of which a name is known still. */
export const maxEarlier = 16;

export interface OpenModelOptions {
  verify?: boolean;
  quantize?: Quantization;
  /** The run that saves checkpoints removes older ones. */
  isFollowed?: boolean;
  /** Called before weights are opened, each time: so that a server that is asked for none loads no backend. */
  openBackend?(): Promise<void>;
  /** The tools that a model may call in `POST /api/chat`, opened when first asked for; they stay the opener's. */
  openTools?(model: OpenedModel, path: string): Promise<Toolbox | undefined>;
}

/** One model, whose weights are opened when they are first asked for. */
export class ModelEntry {
  readonly id: string;
  readonly path: string;
  /** Of the checkpoint. */
  readonly digest: string;
  /** The path as it was named. */
  readonly source: string;
  readonly #options: OpenModelOptions;
  readonly #described: Omit<ServedModel, 'id'>;
  #opening: Promise<OpenedModel> | undefined;
  #tools: Promise<Toolbox | undefined> | undefined;
  #toolbox: Toolbox | undefined;
  #opened: OpenedModel | undefined;
  /** Visits that may ask its engine. */
  #visits = 0;
  #isReleased = false;
  #isFollowed = false;

  constructor(
    source: ModelSource,
    { path, digest, ...described }: Omit<ServedModel, 'id'> & { path: string; digest: string },
    options: OpenModelOptions,
  ) {
    this.id = source.id;
    this.path = path;
    this.digest = digest;
    this.source = source.path;
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
        if ((this.#isReleased || this.#isFollowed) && this.#visits === 0) this.#letGo().catch(() => undefined);
      });
      this.#isReleased = false;
    }
    this.#opening ??= this.#openWeights();
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

  /** A newer checkpoint has taken its place: whoever names it still is answered, and its weights stay no longer than that. */
  async makeEarlier(): Promise<void> {
    this.#isFollowed = true;
    await this.release();
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.dispose();
  }

  async #openWeights(): Promise<OpenedModel> {
    await this.#options.openBackend?.();
    try {
      return await LocalModel.open(this.path, this.#options);
    } catch (error) {
      if (!this.#options.isFollowed || (await exists(this.path))) throw error;
      const what = `${this.id} is there no longer: the run has saved newer checkpoints`;
      throw new RefusedRequest({ status: 503, what, next: 'Ask again: the newest answers', retryAfter: 1 });
    }
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
  /** What the paths name; the oldest first. */
  #own: ModelEntry[] = [];
  /** Of those the one that is meant where none is named. */
  #first: ModelEntry | undefined;
  /** Of rounds. */
  readonly #added: ModelEntry[] = [];
  #chosen: ModelEntry | undefined;
  /** Checkpoints of a run that is followed which newer ones have followed: who was answered by one may still name it. */
  readonly #earlier = new Map<string, ModelEntry>();
  readonly #followed: readonly string[];
  /** Whether any name is answered by the default. */
  readonly #answersAnyName: boolean;
  /** The run whose stages are served. */
  readonly run: string | undefined;
  /** Why the last look found nothing that can be served. */
  #fault: string | undefined;
  #refreshed = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  private constructor(
    options: OpenModelOptions,
    {
      answersAnyName,
      run,
      followed = [],
    }: { answersAnyName: boolean; run: string | undefined; followed?: readonly string[] },
  ) {
    this.#options = options;
    this.#answersAnyName = answersAnyName;
    this.#followed = followed;
    this.run = run;
  }

  /**
   * What these paths name; the default is the first of them, of a run folder its newest stage.
   * @throws UserError where one of them is no model, or is named twice, before anything is listened to.
   */
  static async find(paths: readonly string[], options: OpenModelOptions = {}): Promise<ServedModels> {
    checkTwice(paths);
    const found = await Promise.all(paths.map(sourcesOf));
    const isOne = found.length === 1;
    const models = new ServedModels(options, { answersAnyName: isOne, run: isOne ? found[0].run : undefined });
    models.#own = await Promise.all(uniqueIds(found).map((source) => entryOf(source, options)));
    models.#first = models.#own[found[0].sources.length - 1];
    return models;
  }

  /** What the runs in these folders have made and will make: `refresh` finds it. None of it is needed, nor the folders. */
  static async follow(runs: readonly string[], options: OpenModelOptions = {}): Promise<ServedModels> {
    checkTwice(runs);
    const run = runs.length === 1 ? basename(resolve(runs[0])) : undefined;
    const own = { ...options, isFollowed: true };
    const models = new ServedModels(own, { answersAnyName: runs.length === 1, run, followed: runs });
    await models.refresh();
    return models;
  }

  get follows(): boolean {
    return this.#followed.length > 0;
  }

  get all(): readonly ModelEntry[] {
    return [...this.#own, ...this.#added];
  }

  /** Undefined only of a run that is followed and has saved no checkpoint yet. */
  get defaultEntry(): ModelEntry | undefined {
    return this.#chosen ?? this.#first;
  }

  /** @throws RefusedRequest where there is no model yet. */
  get default(): ModelEntry {
    if (this.defaultEntry !== undefined) return this.defaultEntry;
    throw new RefusedRequest({
      status: 503,
      what: 'there is no model yet: the run has not saved its first checkpoint',
      ...(this.#fault !== undefined && { why: this.#fault }),
      next: 'Watch it, and ask again once it has',
      code: 'no_model_yet',
      retryAfter: 10,
    });
  }

  /** By its own name, also where a newer checkpoint has followed it. */
  known(id: string): ModelEntry | undefined {
    return this.all.find((entry) => entry.id === id) ?? this.#earlier.get(id);
  }

  /** @throws RefusedRequest with the names that there are. */
  find(name: string | undefined): ModelEntry {
    if (name === undefined || name === '') return this.default;
    const ofStage = this.all.filter(({ id }) => id.endsWith(`/${name}`)); // of several runs
    const found = this.known(name) ?? (ofStage.length === 1 ? ofStage[0] : undefined);
    if (found !== undefined) return found;
    const ids = this.all.map(({ id }) => id);
    if (this.#answersAnyName || ids.length === 0) return this.default;
    const near = ofStage[0]?.id ?? nearest(name, ids);
    throw new RefusedRequest({
      status: 404,
      what: `no model of this name is served: ${name.slice(0, 100)}`,
      next: near === undefined ? `There is ${listOf(ids)}` : `Did you mean ${near}? There is ${listOf(ids)}`,
      param: 'model',
      code: 'model_not_found',
    });
  }

  /** Looks for what the runs that are followed have saved since, at most once a second; else there is nothing to do. */
  refresh(): Promise<void> {
    if (!this.follows || performance.now() - this.#refreshed < refreshMilliseconds) return Promise.resolve();
    this.#refreshing ??= this.#look().finally(() => {
      this.#refreshing = undefined;
      this.#refreshed = performance.now();
    });
    return this.#refreshing;
  }

  /** Serves another checkpoint beside these, and makes it the default. */
  async add(source: ModelSource): Promise<ModelEntry> {
    const entry = await entryOf(source, this.#options);
    this.#added.push(entry);
    this.#chosen = entry;
    return entry;
  }

  /**
   * @param id undefined: the first of those that the paths name, or the newest of a run that is followed. The default until now
   * gives its weights back, once nothing is answered with them: whoever names it opens them again.
   */
  setDefault(id: string | undefined): void {
    this.#change(() => {
      this.#chosen = id === undefined ? undefined : this.find(id);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.all, ...this.#earlier.values()].map((entry) => entry.close()));
  }

  #change(change: () => void): void {
    const last = this.defaultEntry;
    change();
    if (last !== this.defaultEntry) last?.release().catch(() => undefined);
  }

  /** What cannot be read now may have been removed a moment ago, for a newer one: until the next look all stays as it is. */
  async #look(): Promise<void> {
    try {
      await this.#take(uniqueIds(await Promise.all(this.#followed.map(followedSources))));
      this.#fault = undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#fault = error.message;
    }
  }

  async #take(found: readonly ModelSource[]): Promise<void> {
    const isSame = (entry: ModelEntry, { id, path }: ModelSource): boolean => entry.id === id && entry.source === path;
    const entries = await Promise.all(
      found.map(async (source) => this.#own.find((entry) => isSame(entry, source)) ?? entryOf(source, this.#options)),
    );
    const earlier = this.#own.filter((entry) => !entries.includes(entry));
    for (const { id } of [...earlier, ...entries]) this.#earlier.delete(id);
    for (const entry of earlier) this.#earlier.set(entry.id, entry);
    for (const id of [...this.#earlier.keys()].slice(0, -maxEarlier)) this.#earlier.delete(id); // the oldest
    this.#change(() => {
      this.#own = entries;
      this.#first = entries.at(-1);
    });
    for (const entry of earlier) entry.makeEarlier().catch(() => undefined);
  }
}

function checkTwice(paths: readonly string[]): void {
  const twice = paths.find((path, i) => paths.slice(0, i).some((other) => resolve(other) === resolve(path)));
  if (twice === undefined) return;
  throw new UserError({ what: 'the same model is named twice', where: twice, next: 'Name it once' });
}

async function entryOf(source: ModelSource, options: OpenModelOptions): Promise<ModelEntry> {
  const { path, manifest, digest } = await identifyCheckpoint(source.path);
  const { model, tokenizerFolder } = await readModel(path);
  const { isBase, contextLength } = await openChatFormat(path);
  const { texts } = await readServingFiles(tokenizerFolder);
  const tools = offeredIn(texts).map(({ name }) => name);
  const described = {
    path,
    digest,
    stage: manifest.stage,
    parameters: parameterCount(model),
    contextLength,
    tools,
    isBase,
  };
  return new ModelEntry(source, described, options);
}
