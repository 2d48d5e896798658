// The Python side of the live comparison: an interpreter with the pinned packages, and the two scripts it runs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = [
  ...['torch==2.15.0', 'transformers==5.23.0', 'tokenizers==0.23.3', 'jinja2==3.1.6', 'numpy==2.4.6', 'peft==0.21.2'],
];
/** Where torch has builds without CUDA, a tenth of the size; PyPI's own serve where this cannot be reached. */
const cpuIndex = 'https://download.pytorch.org/whl/cpu';
const here = fileURLToPath(new URL('.', import.meta.url));

/** MOSSCTL_PYTHON, or the interpreter of a virtual environment in the user's cache folder, made when first needed. */
export function findPython() {
  if (process.env.MOSSCTL_PYTHON) return checked(process.env.MOSSCTL_PYTHON);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'mossctl', `interop-${packages.join('-').replace(/[^a-z0-9.]+/g, '-')}`);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const done = join(folder, 'complete');
  if (existsSync(done)) return checked(python);
  console.log(`Installing ${packages.join(', ')} into ${folder} (once; some minutes)`);
  mkdirSync(folder, { recursive: true });
  call('python3', ['-m', 'venv', folder], 'Install Python 3.11 or newer with venv (Debian: apt install python3-venv)');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  attempt(python, [...pip, '--retries', '0', '--index-url', cpuIndex, packages[0]]);
  const next = `Set MOSSCTL_PYTHON to an interpreter with these packages: pip install ${packages.join(' ')}`;
  call(python, [...pip, ...packages], next);
  writeFileSync(done, '');
  return checked(python);
}

function checked(python) {
  const next =
    'Set MOSSCTL_PYTHON to an interpreter that has torch, transformers and peft, or leave it unset to have one made';
  call(python, ['-c', 'import torch, transformers, tokenizers, jinja2, peft'], next);
  return python;
}

/** Builds the models of models.py, each in a folder of its own under `folder`. */
export function buildModels(python, folder) {
  call(python, [join(here, 'models.py'), folder], 'Read what Python says above');
}

/** What transformers computes with each folder, for the cases in a JSON file, in the folders' order. */
export function reference(python, cases, scratch, folders) {
  const out = join(scratch, 'reference.jsonl');
  call(python, [join(here, 'reference.py'), cases, out, ...folders], 'Read what Python says above');
  return readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function call(command, args, next) {
  const { status, error, stderr } = attempt(command, args);
  if (status === 0) return;
  if (stderr) console.error(stderr.trimEnd().split('\n').slice(-30).join('\n'));
  if (error?.code === 'ENOENT') throw new Error(`${command} was not found. ${next}.`);
  throw new Error(
    `${[command, ...args].join(' ').slice(0, 200)} failed: ${error?.message ?? `exit code ${status}`}. ${next}.`,
  );
}

function attempt(command, args) {
  const env = { ...process.env, HF_HUB_OFFLINE: '1', TQDM_DISABLE: '1', PYTHONDONTWRITEBYTECODE: '1' };
  return spawnSync(command, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
}
