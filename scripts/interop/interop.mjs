// The live comparison with Python's transformers, both ways: its models opened by us, and ours opened by it. Everything
// is built afresh in a temporary folder. Run: npm run test:interop
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.ts';
import { openBackend } from '../../src/tensor/backends.ts';
import { shortSmoke } from '../../test/e2e/cli.ts';
import { compare, computeOurs, readCases, sameAs } from '../../test/interop/compute.ts';
import { fragments } from '../../test/tokenizer/adversarial.ts';
import { writeOwnModels } from './own-models.mjs';
import { buildModels, findPython, reference } from './python.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-interop-'));
const oddTexts = 500;

function mossctl(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`mossctl ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** The committed cases, and random texts of all that ever broke a tokenizer. */
function liveCases() {
  const random = Random.stream(1, 'interop');
  const controls = [
    '<|begin_of_text|>',
    '<|eot_id|>',
    '<|reserved_special_token_0|>',
    '<think>',
    '</think>',
    '<tool_call>',
  ];
  const pieces = [...fragments, ...controls, ...["'s", "'LL", "'ſ", ' the', ' interoperability', '互操作性']];
  const oddText = () => Array.from({ length: random.integer(1, 13) }, () => random.choose(pieces)).join('');
  const cases = readCases();
  return { ...cases, texts: [...cases.texts, ...Array.from({ length: oddTexts }, () => oddText().toWellFormed())] };
}

/** Their models, and what our import and export make of each: { name, path }, `like` being what it must equal. */
function theirDirectories(python) {
  const folder = join(scratch, 'theirs');
  buildModels(python, folder);
  return readdirSync(folder).flatMap((name) => {
    const [path, imported, exported] = ['theirs', 'imported', 'exported'].map((part) => join(scratch, part, name));
    mossctl('import', path, '--out', imported);
    mossctl('export', imported, '--format', 'hf', '--out', exported);
    return [
      { name: `their ${name}`, path },
      { name: `their ${name}, imported, exported`, path: exported, like: path },
    ];
  });
}

/** Models of ours: saved, exported, trained. */
async function ourDirectories(cases) {
  const own = await writeOwnModels(join(scratch, 'ours'), {
    texts: cases.texts,
    qwen2: join(scratch, 'theirs/qwen2.5'),
  });
  const saved = Object.entries(own).map(([name, path]) => ({ name: `our ${name}`, path }));
  const exports = Object.entries({ bf16: [], f16: [], f32: [], 'f32 in shards': ['--max-shard-size', '20KB'] });
  const exported = exports.map(([form, flags]) => {
    const path = join(scratch, `exported as ${form}`);
    const dtype = form.split(' ')[0];
    mossctl('export', own.qwen3, '--format', 'hf', '--dtype', dtype, ...flags, '--out', path);
    return { name: `our qwen3, exported as ${form}`, path, like: dtype === 'f32' ? own.qwen3 : undefined };
  });
  return [...saved, ...exported, ...trained()];
}

/** Models of theirs that our sft trained a little further: still the same tokenizer and template. */
function fineTuned(cases) {
  const data = join(scratch, 'conversations.jsonl');
  writeFileSync(data, cases.conversations.map((messages) => `${JSON.stringify({ messages })}\n`).join(''));
  return ['llama-3.2', 'qwen2.5', 'qwen3'].map((name) => {
    const run = join(scratch, 'fine-tuned', name);
    const settings = ['steps=4', 'batchSize=2'].flatMap((setting) => ['--set', `sft.train.${setting}`]);
    mossctl(
      'sft',
      '--from',
      join(scratch, 'theirs', name),
      '--data',
      data,
      '--config',
      'smoke',
      '--out',
      run,
      ...settings,
    );
    return { name: `their ${name}, our sft`, path: newestStep(join(run, 'sft')) };
  });
}

/** The smoke pipeline in a few steps each: what the stages themselves write. */
function trained() {
  const run = join(scratch, 'run');
  mossctl(...shortSmoke, '--out', run, '--set', 'pretrain.model.contextLength=512', '--quiet');
  return ['pretrain', 'sft', 'align/round-02'].map((stage) => ({
    name: `our smoke pipeline's ${stage}`,
    path: newestStep(join(run, stage)),
  }));
}

function newestStep(folder) {
  const steps = readdirSync(folder).filter((name) => name.startsWith('step-'));
  return join(folder, steps.sort().at(-1));
}

function printRow(name, { name: check, count, largest, faults }) {
  const size = largest === undefined ? 'equal' : largest.toExponential(1);
  console.log(
    [
      faults.length === 0 ? 'ok  ' : 'FAIL',
      name.padEnd(48),
      check.padEnd(16),
      String(count).padStart(6),
      size.padStart(8),
    ].join(' '),
  );
  for (const fault of faults) console.log(`       ${fault}`);
}

/** What Python and we make of each directory, printed line by line; @returns every check. */
async function compareAll(python, cases, directories) {
  const casesFile = join(scratch, 'cases.json');
  writeFileSync(casesFile, JSON.stringify(cases));
  const paths = directories.map(({ path }) => path);
  const references = reference(python, casesFile, scratch, paths);
  const all = [];
  for (const [i, { name, path, like }] of directories.entries()) {
    const checks = compare(await computeOurs(path, cases, references[i]), references[i]);
    if (like !== undefined) checks.push(sameAs(references[i], references[paths.indexOf(like)]));
    for (const check of checks) printRow(name, check);
    all.push(...checks);
  }
  return all;
}

async function main() {
  const python = findPython();
  const cases = liveCases();
  const { name: backend } = await openBackend('auto');
  const theirs = await compareAll(python, cases, [...theirDirectories(python), ...fineTuned(cases)]);
  // Our own answers are tokenized apart from what is before them, as they are when the model writes them: white space
  // at their beginning never joins the line end of the header, as it does in transformers.
  const conversations = cases.conversations.filter((turns) => !turns.some(startsWithSpace));
  const ours = await compareAll(python, { ...cases, conversations }, await ourDirectories(cases));
  const checks = [...theirs, ...ours];
  const passed = checks.filter(({ faults }) => faults.length === 0).length;
  const largest = checks.reduce((most, check) => Math.max(most, check.largest ?? 0), 0);
  console.log(
    `${passed} of ${checks.length} checks passed (backend ${backend}); the largest difference of a number is ${largest.toExponential(1)} of the largest number`,
  );
  process.exitCode = passed === checks.length ? 0 : 1;
}

function startsWithSpace({ role, content }) {
  return role === 'assistant' && /^\s/.test(content);
}

try {
  await main();
} catch (error) {
  console.error(`test:interop: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
