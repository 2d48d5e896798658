// mossctl serve: the models of one or more paths over HTTP, until it is asked to stop.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { asUserError, UserError } from '../../base/errors.js';
import { countOf, listOf } from '../../base/format.js';
import type { Quantization } from '../../config/compute.js';
import { annotatorOf } from '../../feedback/annotator.js';
import { learntToolbox } from '../../inference/learnt-toolbox.js';
import type { OpenedModel } from '../../inference/local-model.js';
import { Admission } from '../../serve/admission.js';
import { createApp } from '../../serve/app.js';
import { isLoopback } from '../../serve/guard.js';
import { type Limits, limits } from '../../serve/limits.js';
import { Metrics } from '../../serve/metrics.js';
import { ServedModels } from '../../serve/models.js';
import { stopMessage } from '../../serve/own-program.js';
import { pageFolder } from '../../serve/page-files.js';
import { listen } from '../../serve/server.js';
import type { Service } from '../../serve/service.js';
import { type WatchOptions, watchRoutes } from '../../serve/watch-routes.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { openChatTools, openLearntChatTools, type ToolOptions } from '../chat-tools.js';
import { openChosenBackend } from '../compute.js';
import { type FeedbackOptions, storePath } from '../feedback-store.js';
import { type ComputeOptions, computeWords, type OutputOptions } from '../options.js';
import { noteOnStderr, printError, printJson, printLine, reportFailure, verbatim, warnOnStderr } from '../output.js';
import { runSources } from '../run-sources.js';
import { killSignals } from '../signals.js';

type ServeCommandOptions = ComputeOptions &
  FeedbackOptions &
  ToolOptions &
  OutputOptions & {
    port?: number;
    host: string;
    follow?: boolean;
    apiKeyFile?: string;
    allowHost?: string[];
    cors?: string[];
    maxTokens?: number;
    queue?: number;
    timeout?: number;
    verify: boolean;
    runs: string;
    quantize?: Quantization;
  };

export async function serve(paths: readonly string[], options: ServeCommandOptions): Promise<void> {
  const { host, port, allowHost, cors, verify, quantize, follow } = options;
  const key = await keyOf(options);
  if (options.confirm) {
    throw new UserError({ what: '--confirm asks in a terminal, and a server has none', next: 'Omit it' });
  }
  const named = await openChatTools(options);
  const toolboxes: Toolbox[] = named === undefined ? [] : [named];
  try {
    const openTools = async (model: OpenedModel, path: string): Promise<Toolbox | undefined> => {
      if (named !== undefined || options.tools === false) return named;
      const learnt = await learntTools(model, path, options);
      if (learnt !== undefined) toolboxes.push(learnt);
      return learnt;
    };
    const openBackend = async (): Promise<void> => {
      if (follow) yieldToTraining();
      await openChosenBackend(options);
    };
    const opening = { verify, quantize, openTools, openBackend };
    const models = await (follow ? ServedModels.follow(paths, opening) : ServedModels.find(paths, opening));
    const bounds = boundsOf(options);
    const admission = new Admission(bounds);
    const token = randomBytes(24).toString('base64url');
    const service: Service = { models, admission, metrics: new Metrics(), limits: bounds, token };
    const guarded = { host, key, cors, allowedHosts: allowHost };
    const watch = watchRoutes(models, watchOptions(options));
    const app = createApp({
      ...guarded,
      service,
      pageFolder,
      routes: watch.routes,
      onFailure: (error) => void reportFailure(error),
    });
    for (const fault of await watch.restore()) warnOnStderr(fault);
    // So that the first question does not wait for it, and damaged weights are told of before anybody asks. Beside a training
    // nothing is computed that nobody asked for.
    if (!follow) await models.default.open();
    const { urls, stop } = await listen(app, service, { host, port, limits: bounds });
    sayWhere(urls, service, options);
    const isAlone = (await askedToStop()) === 'alone';
    if (!options.quiet) noteOnStderr(stoppingWords(isAlone ? 0 : admission.answers));
    // Nothing is let in any more before what runs is ended.
    const drained = admission.drain();
    await watch.close();
    if (!isAlone) await drained;
    await stop({ atOnce: isAlone });
  } finally {
    await Promise.all(toolboxes.map((toolbox) => toolbox.close()));
  }
}

async function learntTools(model: OpenedModel, path: string, options: ToolOptions): Promise<Toolbox | undefined> {
  const sources = await runSources(path);
  const { toolbox, refusal } = await learntToolbox(model, (learnt, room) =>
    openLearntChatTools(learnt, { ...options, room, sources }),
  );
  if (refusal !== undefined) noteOnStderr(refusal);
  return toolbox;
}

/** Of rounds of alignment from the page. */
const seed = 42;

function watchOptions(options: ServeCommandOptions): WatchOptions {
  const { runs, annotator } = options;
  return { runs, file: storePath(options), annotator: annotatorOf(annotator), seed, flags: computeWords(options) };
}

/** A quarter of what the training gets; far lower, a busy machine would answer nothing for minutes. */
const lowerPriority = 5;

/** From the first answer on: what a page is shown costs little, but answers are computed in the time that a training leaves over. */
function yieldToTraining(): void {
  try {
    setPriority(lowerPriority);
  } catch {
    // the system has no such thing: both share it as any two programs
  }
}

function boundsOf({ maxTokens, queue, timeout }: ServeCommandOptions): Limits {
  return {
    ...limits,
    ...(maxTokens !== undefined && { defaultTokens: maxTokens }),
    ...(queue !== undefined && { answers: queue }),
    ...(timeout !== undefined && { seconds: timeout }),
  };
}

const minKey = 16;
const maxKey = 1000;

/** @throws UserError where others could reach the server without a key, or the key protects nothing. */
async function keyOf({ host, apiKeyFile }: ServeCommandOptions): Promise<string | undefined> {
  const where = apiKeyFile ?? 'MOSSCTL_API_KEY';
  const read = async (path: string): Promise<string> =>
    readFile(path, 'utf8').catch((error: unknown) => {
      throw asUserError(error, path);
    });
  const key = (apiKeyFile === undefined ? process.env.MOSSCTL_API_KEY : await read(apiKeyFile))?.trim();
  const next = 'Make one: (umask 077; openssl rand -hex 24 > key), and start with --api-key-file key';
  if (key === undefined || (key === '' && apiKeyFile === undefined)) {
    if (isLoopback(host)) return undefined;
    const why = 'whoever reaches the address could use the models and read what is said to them';
    throw new UserError({
      what: `${host} is not of this machine alone, and there is no key`,
      where: '--host',
      why,
      next,
    });
  }
  if (key.length >= minKey && key.length <= maxKey && /^[\x21-\x7e]+$/.test(key)) return key;
  const what = `a key has ${minKey} to ${maxKey} characters of ASCII without blanks`;
  throw new UserError({ what, where, next });
}

function sayWhere(urls: readonly string[], { models }: Service, { json, quiet }: OutputOptions): void {
  const served = models.all.map(({ described }) => described);
  const named = models.defaultEntry?.id;
  if (json) printJson({ type: 'listening', url: urls[0], urls, models: served, default: named ?? null });
  else if (quiet) printLine(urls[0]);
  else {
    const ids = served.map(({ id }) => verbatim(id));
    if (ids.length > 0)
      printLine(`${listOf(ids)}${ids.length > 1 ? ` (${verbatim(named ?? '')} where none is named)` : ''}`);
    if (models.follows) printLine(`${ids.length > 0 ? 'Further models' : 'Models'} are served as the run saves them.`);
    for (const [i, url] of urls.entries()) printLine(`${i === 0 ? 'page: ' : '      '}${url}/`);
    printLine(`API:  ${urls[0]}/v1`);
    printLine('Ctrl-C stops it, once the answers that are being written have ended.');
  }
}

function stoppingWords(answers: number): string {
  return answers === 0
    ? 'stopping'
    : `stopping once ${countOf(answers, 'answer')} ${answers === 1 ? 'has' : 'have'} ended; press Ctrl-C again to stop at once`;
}

/**
 * The first signal asks, as does a message of the process that it was started for; a second signal ends the process where it stands. `alone`: the process that it was started for has ended, with
 * which the channel to it closes.
 */
function askedToStop(): Promise<'asked' | 'alone'> {
  return new Promise((resolve) => {
    let isAsked = false;
    const onSignal = (): void => {
      if (isAsked) {
        printError('mossctl: stopped at once');
        process.exit(130);
      }
      isAsked = true;
      resolve('asked');
    };
    for (const name of killSignals) process.on(name, onSignal);
    process.on('message', (message) => message === stopMessage && resolve('asked'));
    process.on('disconnect', () => resolve('alone'));
    process.channel?.unref(); // the channel alone keeps nothing going once the server has stopped
    if (process.connected === false) resolve('alone'); // it ended while this one began
  });
}
