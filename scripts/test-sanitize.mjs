// Runs the conformance suite and steps of every kind on a native engine built with AddressSanitizer and UBSan, which end
// the process at the first bad access or undefined behaviour. Linux with g++ only. Arguments: as for scripts/test.mjs.
// Leak detection is off: Node itself never frees much of what it allocates, so it would drown ours.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildNative, describeBuild } from './build-native.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const result = await buildNative({ sanitize: true }).catch((error) => {
  console.error(`${error.log ?? ''}\n${error.message}. ${error.next ?? ''}`);
  process.exit(1);
});
console.log(describeBuild(result));

const [compiler, ...options] = result.compiler.command;
const asked = spawnSync(compiler, [...options, '-print-file-name=libasan.so'], { encoding: 'utf8' });
const runtime = asked.stdout?.trim() ?? '';
if (process.platform !== 'linux' || !runtime.startsWith('/')) {
  console.error(`the AddressSanitizer runtime of g++ was not found with ${compiler}; install g++ or set CXX to it`);
  process.exit(1);
}

const tests = [
  ...[
    'test/conformance/',
    'test/tensor/native-steps',
    'test/tensor/sample',
    'test/train/objectives',
    'test/train/adapters',
  ],
  ...['test/golden/packed', 'test/golden/muon', 'test/inference/engine'],
];

/** Runs Node with the runtime loaded before anything else, and ends with its exit code if that is not 0. */
function node(...args) {
  const env = {
    ...process.env,
    MOSSCTL_NATIVE: result.path,
    TEST_BACKEND: 'native',
    LD_PRELOAD: runtime,
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
  const { status, signal } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root, env });
  if (status === 0) return;
  if (signal !== null) console.error(`ended by ${signal}`);
  process.exit(status ?? 1);
}

// The suite skips a backend that does not load; here that would be a false pass.
const load = `const { describeAddon, loadAddon } = await import('./src/tensor/native/addon.ts');
console.log('sanitized engine:', describeAddon(loadAddon()));`;
node('--import', 'tsx', '--input-type=module', '-e', load);
node('scripts/test.mjs', ...(process.argv.length > 2 ? process.argv.slice(2) : tests));
