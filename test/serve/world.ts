// A server as `mossctl serve` starts it, in this process, over a checkpoint that was trained a moment ago to say three things:
// a list of words, a call of a tool, and what it makes of the call's result.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import OpenAI from 'openai';
import { modelConfig } from '../../src/architecture/config.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { modelSchema } from '../../src/config/model.js';
import { BatchBuilder, inputLength } from '../../src/data/sequences.js';
import { disposeModel, initModel } from '../../src/model/model.js';
import { Admission } from '../../src/serve/admission.js';
import { type AppOptions, createApp } from '../../src/serve/app.js';
import { type Limits, limits } from '../../src/serve/limits.js';
import { Metrics } from '../../src/serve/metrics.js';
import { ServedModels } from '../../src/serve/models.js';
import { listen } from '../../src/serve/server.js';
import type { Service } from '../../src/serve/service.js';
import { openBackend } from '../../src/tensor/backends.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message, Tool } from '../../src/tokenizer/message.js';
import { offeredToolsText } from '../../src/tokenizer/offered-tools.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { openTools } from '../../src/tools/open.js';
import type { Toolbox } from '../../src/tools/toolbox.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { modelTensors } from '../model-tensors.js';
import { trainSteps } from '../tensor/native-world.js';

export const words = 'One two three four five six seven eight nine ten. 一二三四五六七八九十。';
export const hello: Message = { role: 'user', content: 'Count.' };
export const sum: Message = { role: 'user', content: '12*3?' };
const call: Message = {
  role: 'assistant',
  content: '',
  toolCalls: [{ name: 'Calculate', arguments: { expression: '12*3' } }],
};
const contextLength = 512;

let calculate: Tool | undefined;

/** The built-in tool, as the checkpoint is told of it. */
export async function calculateTool(): Promise<Tool> {
  if (calculate === undefined) {
    const toolbox = await openTools(['Calculate']);
    [calculate] = toolbox.tools;
    await toolbox.close();
  }
  return calculate;
}

/** @param steps 0: it says anything at all, and is there at once. */
export async function saveTrained(directory: string, steps = 120): Promise<void> {
  await openBackend('auto');
  const tools = [await calculateTool()];
  const texts = [`${words} Calculate expression <tool_response> 36. It is 36.`, JSON.stringify(tools), sum.content];
  const tokenizer = await trainTokenizer(texts, { vocabSize: 400 });
  const template = new ChatTemplate(tokenizer);
  const result: Message = { role: 'tool', name: 'Calculate', content: '36' };
  const talks: [Message[], Tool[]][] = [
    [[hello, { role: 'assistant', content: words }], []],
    [[hello, { role: 'assistant', content: words }], tools],
    [[sum, call, result, { role: 'assistant', content: 'It is 36.' }], tools],
  ];
  const sequences = talks.map(([messages, list], i) => {
    const options = list.length > 0 ? { tools: list } : {};
    return { id: `talk-${i}`, ...template.encode(messages, options) };
  });
  const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
  const settings = modelSchema.parse({ hiddenSize: 32, layers: 2, heads: 2, contextLength });
  const model = initModel(modelConfig(settings, { vocabSize: tokenizer.vocabSize, endOfText, pad }), 3);
  const columns = Math.max(...sequences.map(inputLength));
  const next = async () => {
    const builder = new BatchBuilder({ rows: talks.length, columns, padId: pad });
    for (const [row, sequence] of sequences.entries()) {
      builder.place(sequence, { row, column: 0, from: 0, count: inputLength(sequence) });
    }
    return builder.finish();
  };
  const objective = tokenObjective({ next, state: null, restore: () => undefined });
  if (steps > 0) await trainSteps(model, objective, { steps, accumulation: 1 });
  const content = checkpointContent(1);
  await saveCheckpoint(directory, {
    ...content,
    ...{ model: model.config, weights: modelTensors(model), generationConfig: undefined, training: undefined },
    tokenizerFiles: { ...tokenizer.files(), 'tools.json': offeredToolsText(tools) },
    eosTokenIds: [tokenizer.specialId('turnEnd')],
    manifest: { ...content.manifest, stage: 'sft' },
  });
  disposeModel(model);
}

export interface TestServer {
  url: string;
  service: Service;
  client: OpenAI;
  stop(): Promise<void>;
}

export interface TestServerOptions extends Partial<Omit<AppOptions, 'service'>> {
  limits?: Partial<Limits>;
  routes?: readonly Hono[];
  verify?: boolean;
  /** Default: any. */
  port?: number;
}

export async function startServer(paths: readonly string[], options: TestServerOptions = {}): Promise<TestServer> {
  const { limits: bounds, verify, port: named, ...rest } = options;
  const port = 'port' in options ? named : 0;
  await openBackend('auto');
  const toolboxes: Toolbox[] = [];
  const openOne = async (): Promise<Toolbox> => {
    const toolbox = await openTools(['Calculate']);
    toolboxes.push(toolbox);
    return toolbox;
  };
  const models = await ServedModels.find(paths, { openTools: openOne, verify });
  const own = { ...limits, ...bounds };
  const service: Service = {
    ...{ models, admission: new Admission(own), metrics: new Metrics(), limits: own, token: 'token of a test' },
  };
  const app = createApp({ host: '127.0.0.1', service, pageFolder: join(tmpdir(), 'no-page-here'), ...rest });
  const {
    urls: [url],
    stop,
  } = await listen(app, service, { host: '127.0.0.1', port, limits: own });
  return {
    ...{
      url,
      service,
      stop: () => stop().then(async () => void (await Promise.all(toolboxes.map((box) => box.close())))),
    },
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: rest.key ?? 'none', maxRetries: 0 }),
  };
}

/** A folder that is removed by whoever asked for it. */
export async function temporaryFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-serve-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
