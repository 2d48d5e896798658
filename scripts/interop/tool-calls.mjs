// Proves that others read the calls of a model as we do: 1,000 answers, sampled from a model whose temperature is also raised
// until calls break, or else made and broken by rule; read by ours, by transformers, by vLLM's Hermes parser and its reader of
// response templates, and by llama.cpp's chat code. What they read otherwise is shown by kind.
// Run: MOSSCTL_PYTHON=… npm run test:tool-calls -- [--model CHECKPOINT --rows ROWS.jsonl] [--vllm FOLDER] [--llama-cpp FOLDER] [--write]
//   --vllm: an unpacked wheel (pip download --no-deps vllm==0.33.0, then unzip); --llama-cpp: a source tree of llama.cpp
// `--write` puts a few of each kind with what each reads into test/golden/tool-calls.json, with which npm test compares.
// The interpreter has: pip install torch==2.15.0 transformers==5.24.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { withoutGenerationTags } from '../../src/checkpoint/gguf-template.ts';
import { readAnswer } from '../../src/tokenizer/answer.ts';
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts';
import { templateTokenizer } from '../../test/golden/template-tokenizer.ts';
import { buildLlamaChat } from './llama-chat.mjs';
import { brokenCalls, calledTools } from './made-calls.mjs';
import { sampledCalls } from './sampled-calls.mjs';

const count = 1000;
const golden = fileURLToPath(new URL('../../test/golden/tool-calls.json', import.meta.url));
const { values: given } = parseArgs({
  options: {
    model: { type: 'string' },
    rows: { type: 'string' },
    vllm: { type: 'string' },
    'llama-cpp': { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const source = given.model === undefined ? 'made' : 'sampled';
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-tool-calls-'));

/** Folder of tokenizer and template, texts with what we read in their tokens, and the tools. */
async function gather() {
  if (given.model !== undefined) return sampledCalls(given.model, given.rows, count);
  const tokenizer = await templateTokenizer('chatml');
  const texts = brokenCalls(count);
  const answers = texts.map((text) => ({ text, ours: readAnswer(tokenizer, tokenizer.encodeTrusted(text)) }));
  return { tokenizer, answers, tools: calledTools };
}

function run(command, args) {
  const env = { ...process.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 28 });
  if (status === 0) return;
  throw new Error(`${command} failed: ${error?.message ?? stderr.trimEnd().split('\n').slice(-20).join('\n')}`);
}

/** Name of a reader → what it reads of each text. */
function readByOthers({ tokenizer, answers, tools }) {
  const folder = join(scratch, 'tokenizer');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(tokenizer.files())) writeFileSync(join(folder, name), text);
  const [cases, out] = ['cases.json', 'out.json'].map((name) => join(scratch, name));
  const messages = [{ role: 'user', content: 'x' }];
  const prompt = new ChatTemplate(tokenizer).render(messages, { addGenerationPrompt: true });
  const texts = answers.map(({ text }) => text);
  writeFileSync(cases, JSON.stringify({ folder, prompt, texts }));
  const python = process.env.MOSSCTL_PYTHON ?? 'python3';
  run(python, [
    fileURLToPath(new URL('tool-calls.py', import.meta.url)),
    cases,
    out,
    ...(given.vllm ? [given.vllm] : []),
  ]);
  const { transformers, reads } = JSON.parse(readFileSync(out, 'utf8'));
  const versions = { transformers, vllm: given.vllm ? '0.33.0' : 'not tried' };
  if (given['llama-cpp'] === undefined) return { versions: { ...versions, llamaCpp: 'not tried' }, reads };
  const { program, seconds } = buildLlamaChat(given['llama-cpp']);
  console.log(`llama.cpp's chat code: built in ${seconds.toFixed(0)} s`);
  const fields = tools.map((tool) => ({ type: 'function', function: tool }));
  const template = withoutGenerationTags(tokenizer.chatTemplate);
  writeFileSync(cases, JSON.stringify({ template, tools: fields, messages, texts }));
  run(program, [cases, out]);
  const said = JSON.parse(readFileSync(out, 'utf8'));
  for (const [i, read] of said.entries()) {
    const calls = read.calls?.map(({ name, arguments: text }) => ({ name, arguments: parsed(text) }));
    reads[i].llamaCpp = read.error === undefined ? { ...read, calls } : read;
  }
  return { versions: { ...versions, llamaCpp: given['llama-cpp'].split('/').at(-1) }, reads };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a text is: it decides what readers may make of it. */
function kindOf(text, ours, tools) {
  const calls = ours.toolCalls ?? [];
  const opened = text.split('<tool_call>').length - 1;
  if (opened === 0) return 'no call';
  if ((ours.brokenCalls ?? []).length > 0) return calls.length > 0 ? 'a broken call beside others' : 'a broken call';
  if (text.split('</tool_call>').length - 1 < opened) return 'the last call is not closed';
  if (/<\/tool_call>\s*[^\s<]/.test(text.replace(/<\|im_end\|>$/, ''))) return 'text after a call';
  if (/"arguments": ?"/.test(text)) return 'arguments as JSON text';
  if (calls.some(({ name }) => !tools.some((tool) => tool.name === name))) return 'an unknown tool';
  const toTheLetter = text.match(/<tool_call>\n\{.*?\}\n<\/tool_call>/gs)?.length === opened;
  return toTheLetter ? 'whole calls' : 'whole calls, other white space';
}

function table(kinds, names) {
  const width = Math.max(...Object.keys(kinds).map((kind) => kind.length));
  console.log(['', ...names].map((name, i) => (i === 0 ? ''.padEnd(width + 8) : name.padStart(14))).join(''));
  for (const [kind, { texts, alike }] of Object.entries(kinds)) {
    const cells = names.map((name) => String(alike[name] ?? 0).padStart(14)).join('');
    console.log(`${kind.padEnd(width)}${String(texts).padStart(8)}${cells}`);
  }
}

try {
  const gathered = await gather();
  const { versions, reads } = readByOthers(gathered);
  const kinds = {};
  const cases = [];
  const names = Object.keys(reads[0]);
  for (const [i, { text, ours }] of gathered.answers.entries()) {
    const own = (ours.toolCalls ?? []).map(({ name, arguments: given }) => ({ name, arguments: given }));
    const kind = kindOf(text, ours, gathered.tools);
    kinds[kind] ??= { texts: 0, alike: {} };
    kinds[kind].texts++;
    for (const name of names) {
      const isAlike = isDeepStrictEqual(reads[i][name].calls ?? [], JSON.parse(JSON.stringify(own)));
      if (isAlike) kinds[kind].alike[name] = (kinds[kind].alike[name] ?? 0) + 1;
    }
    cases.push({ source, kind, text, reads: { ours: { content: ours.content, calls: own }, ...reads[i] } });
  }
  console.log(
    `${cases.length} answers ${given.model ? `sampled from ${given.model}` : 'made by rule'}; calls read as we do:`,
  );
  table(kinds, names);
  const whole = kinds['whole calls'] ?? { texts: 0, alike: {} };
  const differing = names.filter((name) => (whole.alike[name] ?? 0) < whole.texts);
  if (given.write) {
    const kept = Object.keys(kinds).flatMap((kind) => cases.filter((each) => each.kind === kind).slice(0, 6));
    const others = JSON.parse(readFileSync(golden, 'utf8')).cases.filter((each) => each.source !== source);
    writeFileSync(golden, `${JSON.stringify({ versions, cases: [...others, ...kept] }, null, 2)}\n`);
    console.log(`${golden} written: npx biome check --write it`);
  }
  for (const name of differing) {
    const other = cases.filter(
      ({ kind, reads: each }) => kind === 'whole calls' && !isDeepStrictEqual(each[name].calls ?? [], each.ours.calls),
    );
    for (const { text, reads: each } of other.slice(0, 5)) {
      console.log(`${name} reads ${JSON.stringify(each[name])} of ${JSON.stringify(text)}`);
    }
  }
  console.log(JSON.stringify(versions));
  process.exitCode = differing.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
