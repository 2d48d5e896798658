// Proves that OpenAI's client for Python is answered as its documentation says: whole and streamed, several answers, a seed, stops,
// log-probabilities, a call of a tool and its result, refusals as its own exceptions, the asynchronous client and one that goes away.
// It makes a virtual environment of its own in a temporary folder, which it removes. Run: npm run test:openai-python
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { calculateTool, saveTrained, words } from '../../test/serve/world.ts';

const client = 'openai==3.57.0';
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-openai-python-'));
const here = fileURLToPath(new URL('.', import.meta.url));

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? stderr.slice(-4000)}`);
}

async function listening(child) {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line).url;
  throw new Error('the server never listened');
}

let server;
try {
  const environment = join(scratch, 'python');
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  run('python3', ['-m', 'venv', environment]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', client]);
  const model = join(scratch, 'counts');
  await saveTrained(model);
  const command = [join(here, '../../bin/mossctl.js'), 'serve', model, '--port', '0', '--json'];
  server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const facts = join(scratch, 'facts.json');
  writeFileSync(facts, JSON.stringify({ url: `${await listening(server)}/v1`, words, tool: await calculateTool() }));
  run(python, [join(here, 'openai-python.py'), facts]);
} finally {
  server?.kill('SIGTERM');
  rmSync(scratch, { recursive: true, force: true });
}
