// Proves that others read our chat templates as we do: transformers' rendering, its assistant mask and its `parse_response`,
// the regular expression of Hermes parsers, and the three predicates by which TRL judges a template. `--write` puts what
// they say into test/golden/chat-templates.json, with which npm test compares; without it, they are compared with that.
// Run: MOSSCTL_PYTHON=… node --import tsx scripts/interop/chat-templates.mjs [--write]
// The interpreter has: pip install torch==2.15.0 transformers==5.24.0 trl==1.16.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../src/base/files.ts';
import { templateNames } from '../../src/config/templates.ts';
import { templateNamed } from '../../src/tokenizer/own-templates.ts';
import { answers, chats } from '../../test/golden/chat-cases.ts';
import { templateTokenizer } from '../../test/golden/template-tokenizer.ts';

const python = process.env.MOSSCTL_PYTHON ?? 'python3';
const golden = fileURLToPath(new URL('../../test/golden/chat-templates.json', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-chat-templates-'));
try {
  const [cases, out] = ['cases.json', 'out.json'].map((name) => join(scratch, name));
  writeFileSync(cases, JSON.stringify({ chats, answers }));
  const folders = [];
  for (const name of templateNames) {
    const folder = join(scratch, name);
    mkdirSync(folder);
    const files = (await templateTokenizer(name)).files();
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    folders.push(folder);
  }
  const script = fileURLToPath(new URL('chat-templates.py', import.meta.url));
  const env = { ...process.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stderr } = spawnSync(python, [script, cases, out, ...folders], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${python} failed:\n${stderr.trimEnd().split('\n').slice(-20).join('\n')}`);
  const found = JSON.parse(readFileSync(out, 'utf8'));
  for (const name of templateNames) {
    found.templates[name] = { sha256: sha256(templateNamed(name).source), ...found.templates[name] };
    console.log(name, JSON.stringify(found.templates[name].predicates));
  }
  if (process.argv.includes('--write')) {
    writeFileSync(golden, `${JSON.stringify(found, null, 2)}\n`);
    console.log(`${golden} written: npx biome check --write it`);
  } else if (isDeepStrictEqual(found.templates, JSON.parse(readFileSync(golden, 'utf8')).templates)) {
    console.log(`as in test/golden/chat-templates.json (${JSON.stringify(found.versions)})`);
  } else {
    console.error('they say something else than test/golden/chat-templates.json: see with --write and git diff');
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
