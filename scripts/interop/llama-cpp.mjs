// Proves that llama.cpp runs what `mossctl export --format gguf` writes: the same token ids, the same rendered chats, the
// same greedy tokens. llama.cpp comes prebuilt inside node-llama-cpp, into a temporary folder, never into package.json.
//
//   node --import tsx scripts/interop/llama-cpp.mjs [CHECKPOINT...]      a trained checkpoint is worth adding
//
// What is compared, for each model and dtype:
//   ids     every text of test/interop/cases.json, once as plain text and once with control strings meant. llama.cpp does
//           not normalize (NFC), so it gets normalized text; as plain text it still reads added tokens that are not
//           special, so texts that hold one are compared only the other way.
//   chats   llama.cpp's own Jinja engine on the template in the file, against our rendering.
//   logits  largest difference over all positions of a text, as a share of the largest logit. f32: at most 1e-4.
//   forms   each chat template of ours on the chats with tools and calls of test/golden/chat-templates.json, in llama.cpp's
//           engine; and that node-llama-cpp takes the form of calls from the template.
//   greedy  tokens after each prompt. f32: all equal. Other dtypes: equal up to a place where our two best logits lie
//           closer together than the dtype moved the logits; the shortest equal run is printed.
//
// And adapters (test/golden/adapters): the base's GGUF with the adapter's beside it, as `mossctl export ADAPTER --format gguf`
// writes it, against the merged model; logits and greedy tokens as above, from the f32 base and adapters of two dtypes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openAdapterAlone } from '../../src/checkpoint/adapter-export.ts';
import { openCheckpoint } from '../../src/checkpoint/directory.ts';
import { writeGguf } from '../../src/checkpoint/gguf.ts';
import { writeGgufAdapter } from '../../src/checkpoint/gguf-adapter.ts';
import { readGguf } from '../../src/checkpoint/gguf-read.ts';
import { withoutGenerationTags } from '../../src/checkpoint/gguf-template.ts';
import { templateNames } from '../../src/config/templates.ts';
import { forward, logits } from '../../src/model/forward.ts';
import { disposeModel, modelFromTensors } from '../../src/model/model.ts';
import { openBackend } from '../../src/tensor/backends.ts';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.ts';
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts';
import { templateNamed } from '../../src/tokenizer/own-templates.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { ggufCheckpoint } from '../../test/checkpoint/fixtures/gguf-checkpoint.ts';
import { chats } from '../../test/golden/chat-cases.ts';

const version = '3.22.1';
const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/linux-x64@${version}`];
const dtypes = ['f32', 'f16', 'bf16', 'q8_0'];
const newTokens = 24;
/** What Llama 3.2's template says where it cannot ask for the day, as it cannot with us: equal chats, equal tokens. */
const noDate = '26 Jul 2024';
/** Largest share of the largest logit by which each dtype may move one. */
const tolerance = { f32: 1e-4, f16: 0.01, bf16: 0.05, q8_0: 0.05 };
const fixtures = fileURLToPath(new URL('../../test/interop/', import.meta.url));
const templateTexts = JSON.parse(readFileSync(`${fixtures}../golden/chat-templates.json`, 'utf8'));
const cases = JSON.parse(readFileSync(`${fixtures}cases.json`, 'utf8'));

const yarn = { original_max_position_embeddings: 32, beta_fast: 32, beta_slow: 1, truncate: true };
const llama3 = { factor: 4, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 };
const theta = { rope_theta: 10000 };
/** Random models on our own tokenizer, one for each thing that is easy to get wrong. */
const random = {
  'qwen3 tied': ['qwen3', { tie_word_embeddings: true }],
  'qwen3 untied, yarn': [
    'qwen3',
    { rope_parameters: { rope_type: 'yarn', ...theta, ...yarn, factor: 4, attention_factor: 1 + 0.1 * Math.log(4) } },
  ],
  'qwen3 yarn, other scale': [
    'qwen3',
    { rope_parameters: { rope_type: 'yarn', ...theta, ...yarn, factor: 4, attention_factor: 1.5 } },
  ],
  'qwen2 untied': ['qwen2', {}],
  'qwen2 tied, linear': [
    'qwen2',
    { tie_word_embeddings: true, rope_parameters: { rope_type: 'linear', ...theta, factor: 2 } },
  ],
  'llama untied, biases': ['llama', {}],
  'llama tied, llama3': [
    'llama',
    {
      tie_word_embeddings: true,
      attention_bias: false,
      head_dim: 32,
      rope_parameters: { rope_type: 'llama3', ...theta, ...llama3 },
    },
  ],
};
/** Adapters of PEFT that a GGUF file can hold: see scripts/golden/make_adapters.py. */
const adapters = ['plain', 'rslora', 'patterns', 'layers', 'untied'];
const adapterFolder = (name) => fileURLToPath(new URL(`../../test/golden/adapters/${name}`, import.meta.url));
/** Directories that transformers wrote: tokenizers like those of Llama 3, Qwen2 and Qwen3. */
const foreign = ['llama-3.2', 'llama-linear-f16', 'qwen2.5', 'qwen2-sharded', 'qwen3', 'qwen3-yarn'];

const scratch = mkdtempSync(join(tmpdir(), 'mossctl-llama-cpp-'));
const faults = [];
try {
  const llama = await openLlamaCpp();
  await openBackend('native', { threads: 1 });
  console.log(`llama.cpp of node-llama-cpp ${version}\n`);
  await compareTemplates(llama);
  console.log(row('model', 'dtype', 'ids', 'chats', 'logits', 'greedy'));
  for (const [name, checkpoint, wanted] of await checkpoints(process.argv.slice(2)))
    await compareModel(llama, name, checkpoint, wanted);
  for (const name of adapters) await compareAdapter(llama, name);
  await llama.dispose();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const fault of faults) console.log(`\nMISMATCH ${fault}`);
console.log(faults.length === 0 ? '\nAll equal.' : `\n${faults.length} mismatches.`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function openLlamaCpp() {
  const folder = join(scratch, 'engine');
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  const { status, stderr } = spawnSync('npm', [...args, ...packages], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')} failed:\n${stderr}`);
  const { getLlama } = await import(pathToFileURL(llamaEntry()).href);
  return getLlama({ gpu: false, build: 'never', progressLogs: false, maxThreads: 1, logLevel: 'error' });
}

function llamaEntry() {
  return createRequire(join(scratch, 'engine', 'x.js')).resolve('node-llama-cpp');
}

async function checkpoints(paths) {
  const found = [];
  for (const [name, [type, overrides]] of Object.entries(random)) {
    found.push([name, await ggufCheckpoint(type, overrides)]);
  }
  for (const name of foreign) found.push([name, await openCheckpoint(`${fixtures}fixtures/${name}`)]);
  for (const name of adapters) {
    found.push([`${name}, merged`, await openCheckpoint(adapterFolder(name)), ['f32']]);
  }
  for (const path of paths) found.push([basename(path), await openCheckpoint(path)]);
  return found;
}

async function compareModel(llama, name, checkpoint, wanted = dtypes) {
  const tokenizer = await Tokenizer.open(checkpoint.tokenizerFolder);
  const template = new ChatTemplate(tokenizer);
  const model = modelFromTensors(checkpoint.model, checkpoint.weights, checkpoint.path);
  const prompts = cases.prompts.map((text) => tokenizer.encodeTrusted(text)).filter(({ length }) => length > 0);
  const longest = cases.texts.map((text) => tokenizer.encodeTrusted(text)).sort((a, b) => b.length - a.length)[0];
  const sequence = longest.slice(0, Math.min(100, model.config.max_position_embeddings));
  const expected = { logits: logitsOf(model, sequence), greedy: prompts.map((prompt) => greedyOf(model, prompt)) };
  for (const dtype of wanted) {
    const path = join(scratch, 'model.gguf');
    await writeGguf(path, checkpoint, { dtype });
    const theirs = await llama.loadModel({ modelPath: path });
    const report = (text) => faults.push(`${name} ${dtype}: ${text}`);
    const ids = dtype === 'f32' ? compareIds(tokenizer, theirs, report) : '';
    const chats = dtype === 'f32' ? await compareChats(llama, template, tokenizer, path, report) : '';
    const numbers = await compareNumbers(theirs, { model, sequence, prompts, expected, dtype, report });
    console.log(row(name, dtype, ids, chats, ...numbers));
    await theirs.dispose();
  }
  disposeModel(model);
}

/** llama.cpp with an adapter beside the base, against our merged model. */
async function compareAdapter(llama, name) {
  const folder = adapterFolder(name);
  const merged = await openCheckpoint(folder);
  const alone = await openAdapterAlone(folder);
  const basePath = join(scratch, 'base.gguf');
  await writeGguf(basePath, await openCheckpoint(alone.basePath), { dtype: 'f32' });
  const theirs = await llama.loadModel({ modelPath: basePath });
  const tokenizer = await Tokenizer.open(merged.tokenizerFolder);
  const model = modelFromTensors(merged.model, merged.weights, folder);
  const prompts = cases.prompts.map((text) => tokenizer.encodeTrusted(text)).filter(({ length }) => length > 0);
  const sequence = prompts.flat().slice(0, Math.min(60, model.config.max_position_embeddings));
  const expected = { logits: logitsOf(model, sequence), greedy: prompts.map((prompt) => greedyOf(model, prompt)) };
  for (const dtype of ['f32', 'f16']) {
    const filePath = join(scratch, `adapter-${name}-${dtype}.gguf`);
    await writeGgufAdapter(filePath, alone, { dtype, name });
    const report = (text) => faults.push(`adapter ${name} ${dtype}: ${text}`);
    const lora = { adapters: [{ filePath, scale: 1 }] };
    const numbers = await compareNumbers(theirs, { model, sequence, prompts, expected, dtype, report, lora });
    console.log(row(`adapter ${name}`, dtype, '', '', ...numbers));
  }
  await theirs.dispose();
  disposeModel(model);
}

function compareIds(tokenizer, theirs, report) {
  const userDefined = tokenizer.controlStrings.filter((text) => !tokenizer.isSpecial(tokenizer.controlId(text)));
  const normalize = (text) => (tokenizer.json.normalizer ? text.normalize('NFC') : text);
  let equal = 0;
  for (const text of [...cases.texts, ...cases.prompts].map(normalize)) {
    const ways = [[tokenizer.encodeTrusted(text), theirs.tokenize(text, true)]];
    if (!userDefined.some((token) => text.includes(token))) {
      ways.push([tokenizer.encode(text), theirs.tokenize(text, false)]);
    }
    for (const [ours, others] of ways) {
      if (ours.join() === others.join()) equal++;
      else report(`${JSON.stringify(text)} is\n  ${ours.join(' ')} here and\n  ${others.join(' ')} there`);
    }
  }
  const { bos, eos, shouldPrependBosToken } = theirs.tokens;
  if (shouldPrependBosToken !== tokenizer.affixes.before.length > 0) report('they differ in adding a first token');
  if (shouldPrependBosToken && bos !== tokenizer.affixes.before[0]) report(`their first token is ${bos}`);
  if (!theirs.isEogToken(eos)) report(`${eos} does not end their answers`);
  return String(equal);
}

/** llama.cpp's engine sees what ours does; a conversation that our template refuses must be refused there too. */
async function compareChats(llama, template, tokenizer, path, report) {
  const source = (await readGguf(path)).metadata.get('tokenizer.chat_template');
  const renderer = new llama._bindings.AddonJinjaRenderer(source);
  let equal = 0;
  for (const messages of cases.conversations) {
    for (const add_generation_prompt of [false, true]) {
      const ours = attempt(() => template.render(messages, { addGenerationPrompt: add_generation_prompt }));
      const { bos, eos, pad } = tokenizer.roles;
      const roles = { bos_token: bos, eos_token: eos, pad_token: pad };
      const context = { messages, add_generation_prompt, ...roles, date_string: noDate };
      const others = attempt(() => renderer.render(context));
      if (ours === others) equal++;
      else report(`a chat is\n  ${JSON.stringify(ours)} here and\n  ${JSON.stringify(others)} there`);
    }
  }
  return String(equal);
}

async function compareTemplates(llama) {
  const { JinjaTemplateChatWrapper } = await import(pathToFileURL(llamaEntry()).href);
  for (const name of templateNames) {
    const template = withoutGenerationTags(templateNamed(name).source);
    const renderer = new llama._bindings.AddonJinjaRenderer(template);
    let equal = 0;
    for (const [i, chat] of chats.entries()) {
      const expected = templateTexts.templates[name].chats[i].text ?? 'refused';
      const theirs = attempt(() => renderer.render({ add_generation_prompt: false, ...chat }));
      if (theirs === expected) equal++;
      else faults.push(`${name}: a chat is\n  ${JSON.stringify(expected)} here and\n  ${JSON.stringify(theirs)} there`);
    }
    const tokenizer = { bosToken: '<|endoftext|>', eosToken: templateNamed(name).turnEnd };
    const { call } = new JinjaTemplateChatWrapper({ template, tokenizer }).settings.functions;
    const opens = JSON.stringify(call.prefix).includes('<tool_call>');
    if (opens !== (name !== 'moss')) faults.push(`${name}: node-llama-cpp reads calls as ${JSON.stringify(call)}`);
    console.log(
      `forms: ${name}, ${equal} of ${chats.length} chats; calls ${opens ? "in the template's form" : 'not read'}`,
    );
  }
  console.log('');
}

function attempt(work) {
  try {
    return work();
  } catch {
    return 'refused';
  }
}

async function compareNumbers(theirs, { model, sequence, prompts, expected, dtype, report, lora }) {
  const context = await theirs.createContext({
    contextSize: model.config.max_position_embeddings,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
    flashAttention: false,
    ...(lora && { lora }),
  });
  const stream = context.getSequence();
  const others = await theirLogits(stream, sequence);
  const { largest, moved } = difference(expected.logits, others, model.config.vocab_size);
  if (!(largest <= tolerance[dtype])) report(`logits differ by ${largest} of the largest`);
  let shortest = newTokens;
  let equal = 0;
  for (const [i, prompt] of prompts.entries()) {
    await stream.clearHistory();
    const drawn = await theirGreedy(stream, prompt, expected.greedy[i].tokens.length);
    const { tokens, margins } = expected.greedy[i];
    const at = tokens.findIndex((token, place) => token !== drawn[place]);
    if (at === -1) equal++;
    else shortest = Math.min(shortest, at);
    const isNearTie = dtype !== 'f32' && margins[at] <= 2 * moved;
    if (at !== -1 && !isNearTie) report(`greedy tokens are ${tokens.join(' ')} here and ${drawn.join(' ')} there`);
  }
  await context.dispose();
  const tail = equal === prompts.length ? '' : `, from ${shortest} tokens on at a near tie`;
  return [largest.toExponential(1), `${equal} of ${prompts.length}${tail}`];
}

async function theirLogits(stream, tokens) {
  const options = { generateNext: { logits: true, options: { temperature: 0 } } };
  const outputs = await stream.controlledEvaluate(tokens.map((token) => [token, options]));
  return outputs.map(({ next }) => next.logits);
}

async function theirGreedy(stream, prompt, count) {
  const drawn = [];
  // Their iterator ends at an end-of-answer token; ours went on, so that all places are compared.
  for (let tokens = prompt; drawn.length < count; tokens = drawn.slice(-1)) {
    const outputs = await stream.controlledEvaluate([
      ...tokens.slice(0, -1),
      [tokens.at(-1), { generateNext: { token: true, options: { temperature: 0 } } }],
    ]);
    drawn.push(outputs.at(-1).next.token);
  }
  return drawn;
}

/** `moved`: the largest difference of a logit; `largest`: the same as a share of our largest logit. */
function difference(ours, others, vocabulary) {
  let moved = 0;
  let scale = 0;
  for (const [position, map] of others.entries()) {
    if (map.size !== vocabulary) return { largest: Number.NaN, moved: Number.NaN };
    for (const [id, value] of map) {
      const own = ours[position * vocabulary + id];
      moved = Math.max(moved, Math.abs(own - value));
      scale = Math.max(scale, Math.abs(own));
    }
  }
  return { largest: moved / scale, moved };
}

/** [T, V], row-major. */
function logitsOf(model, ids) {
  const positions = ids.map((_, i) => i);
  return tidy(() => {
    const input = {
      tokens: tensor1d(ids, 'int32'),
      positions: tensor1d(positions, 'int32'),
      ranges: tensor3d(
        positions.flatMap((position) => [0, position]),
        [1, ids.length, 2],
        'int32',
      ),
    };
    return logits(model, forward(model, input)).dataSync().slice();
  });
}

/** Greedy tokens without a cache, and by how much each beat the second best. */
function greedyOf(model, prompt) {
  const { vocab_size: vocabulary, max_position_embeddings: context } = model.config;
  const ids = [...prompt];
  const margins = [];
  while (ids.length < Math.min(prompt.length + newTokens, context)) {
    const last = logitsOf(model, ids).subarray(-vocabulary);
    const [best, second] = [...last.keys()].sort((a, b) => last[b] - last[a] || a - b);
    margins.push(last[best] - last[second]);
    ids.push(best);
  }
  return { tokens: ids.slice(prompt.length), margins };
}

function row(model, dtype, ids, chats, moved, greedy) {
  return [model.padEnd(26), dtype.padEnd(6), ids.padStart(5), chats.padStart(6), moved.padStart(9), ` ${greedy}`].join(
    ' ',
  );
}
