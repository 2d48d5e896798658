// Puts @tensorflow/tfjs-node-gpu into a folder of its own and joins it to the TensorFlow that PyPI's wheel holds: the package's
// own install script downloads an older one from a host that closed networks do not reach. The wheel is only unpacked, nothing
// is installed into Python; plain g++ compiles the package's two C++ files. `mossctl tensorflow build` and
// `npm run test:tensorflow` call it; MOSSCTL_TENSORFLOW then names the folder.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BuildFailure, findCompiler, removeAbandoned } from './build-native.mjs';

export { BuildFailure };

const root = fileURLToPath(new URL('..', import.meta.url));
const packageName = '@tensorflow/tfjs-node-gpu';
const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packageVersion = optionalDependencies[packageName];
/** Of the package's archive: as package-lock.json has it, which is no part of what is published. */
export const packageIntegrity =
  'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==';

/** `name==version`, sha256. 2.12 is the first TensorFlow whose wheel holds libtensorflow_cc.so.2, with the C API in it. */
const cpuWheels = [['tensorflow-cpu==2.15.1', '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26']];
/** What `tensorflow[and-cuda]` 2.15.1 names. Its run path finds them as nvidia/ beside its own folder: no CUDA is installed. */
const cudaWheels = [
  ['tensorflow==2.15.1', 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4'],
  ['nvidia-cublas-cu12==12.2.5.6', 'f448d8db463f9a2c7dd9a1e607c0961d3e95f825b86839c5882f7d073d406df0'],
  ['nvidia-cudnn-cu12==8.9.4.25', '9f882d5b11753c566fd32427839089eb4f8ba7a58c28446ad359e32c40229723'],
  ['nvidia-cuda-runtime-cu12==12.2.140', 'acb9cb7e44594a3512533497ea790d9f0b0e399abcc888584c157d1ffa080e41'],
  ['nvidia-cufft-cu12==11.0.8.103', '72e961e578f9be9e316ccb4db8652c421dd0b57442624faa71061d452f449a67'],
  ['nvidia-curand-cu12==10.3.3.141', '7b6bad6817b5df2a6f5ec221206fb895d9195fdd7d2443f3e86554108c141a0a'],
  ['nvidia-cusolver-cu12==11.5.2.141', '5a85c4653ce34339a5688137f494a0f903e0f0532418550998167f00844161da'],
  ['nvidia-cusparse-cu12==12.1.2.141', '4e13d6a51d2303dcb2a023ba09546811161f0334fc64e13689397bbd3b1eb126'],
  ['nvidia-cuda-cupti-cu12==12.2.142', 'ce68d1009dd14215e38ed49643d31374c71d6fea381181cb0b9da7f19dfd1624'],
  ['nvidia-nvjitlink-cu12==12.2.140', '95635cafbf9f96c38bea5200ab145a2e6aefbb5405e0b04c1e4ba54df2d84ec9'],
  ['nvidia-nccl-cu12==2.16.5', '84695a4248138fb2ca12f5fd3defe986e790e71ccdaad51b2ca34ca4e83ef421'],
  ['nvidia-cuda-nvcc-cu12==12.2.140', 'c6ff4ae7a636eb6cab7621191e19ac3779690686bbcf52c04d8b1ca2944e1e27'],
  ['nvidia-cuda-nvrtc-cu12==12.2.140', 'b1cdcae6443cb7cdcfb5d1bf51896a148c9f82f9e65b27db9ab095eaed689aa7'],
];

/** libtensorflow and the headers that the binding includes go to deps/, NVIDIA's libraries to deps/nvidia/. */
const unpack = `
import glob, os, shutil, sys, zipfile
wheels, deps = sys.argv[1:]
headers = tuple('tensorflow/include/' + part for part in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/'))
def place(name):
    if name in ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'):
        return 'lib/' + os.path.basename(name)
    if name.startswith(headers) and name.endswith('.h'):
        return name[len('tensorflow/'):]
    if name.startswith('nvidia/') and not name.endswith(('/', '.h', '.py')):
        return name
for wheel in glob.glob(os.path.join(wheels, '*.whl')):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            to = place(name)
            if to is None: continue
            to = os.path.join(deps, to)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with archive.open(name) as a, open(to, 'wb') as b:
                shutil.copyfileobj(a, b, 1 << 20)
`;

const compilerFlags = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'];

/** Node 22 warns of the first two and Node 24 lacks one: tfjs-node calls both. */
const probe = `
const util = require('node:util');
Object.assign(util, { isArray: Array.isArray, isNullOrUndefined: (value) => value === null || value === undefined });
const tf = require(process.argv[1]);
tf.enableProdMode();
const values = [...tf.matMul([[1, 2], [3, 4]], [[5, 6], [7, 8]]).dataSync()];
const { binding, isUsingGpuDevice } = tf.backend();
process.stdout.write(JSON.stringify({ values, version: binding.TF_Version, gpu: isUsingGpuDevice === true }));
`;

/**
 * Fills `out`, unless what is there came from the same package, wheels and compiler. What was there before stays until the new
 * one has multiplied two matrices. Throws BuildFailure with what is missing.
 *
 * @param {{ out: string, cuda?: boolean, force?: boolean, onStep?: (text: string) => void }} options
 */
export async function buildTensorflow({ cuda = false, force = false, onStep = () => {}, ...options }) {
  const started = performance.now();
  const out = resolve(options.out);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BuildFailure({
      what: `it is made for Linux on x64, not for ${process.platform} ${process.arch}`,
      next: 'Use `--backend native` here',
    });
  }
  if (isMusl()) {
    throw new BuildFailure({
      what: 'TensorFlow is made for glibc, and this Node runs on musl (Alpine)',
      next: 'Use `--backend native` here, or a system with glibc, such as Debian',
    });
  }
  refuseForeign(out);
  if (!cuda && !force) refuseCuda(out);
  const wheels = cuda ? cudaWheels : cpuWheels;
  const compiler = await findCompiler(`mossctl tensorflow build${cuda ? ' --cuda' : ''}`);
  const stamps = stampsOf({ wheels, compiler });
  const built = force || !isCurrent(out, stamps);
  if (built) await build({ out, wheels, compiler, stamps, force, onStep });
  const record = JSON.parse(await readFile(stampFile(out), 'utf8'));
  return { built, out, seconds: (performance.now() - started) / 1000, version: record.version, cuda, gpu: record.gpu };
}

/** @param [report] Of this process; given only by tests. */
export function isMusl(report = process.report.getReport()) {
  return report.header.glibcVersionRuntime === undefined;
}

const stampFile = (out) => join(out, 'built.json');

/** Of a build of ours, whole or not; undefined where there is none. */
function readRecord(out) {
  try {
    const record = JSON.parse(readFileSync(stampFile(out), 'utf8'));
    return typeof record?.stamp === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

/** node_modules is replaced: that of a person's own project never is. */
function refuseForeign(out) {
  if (readRecord(out) !== undefined || !existsSync(join(out, 'node_modules'))) return;
  throw new BuildFailure({
    what: `${out} has a node_modules that this command did not make, and would replace`,
    next: 'Name a folder of its own with --out, or delete that node_modules',
  });
}

/** Gigabytes of download, for whoever has a card. */
function refuseCuda(out) {
  if (!existsSync(join(packageIn(out), 'deps', 'nvidia'))) return;
  throw new BuildFailure({
    what: `${out} holds the library for NVIDIA cards, which the one for processors would replace`,
    next: 'Add --cuda to keep it up to date, --force to replace it, or another folder with --out',
  });
}

async function writeStamp(out, record) {
  const path = `${stampFile(out)}.tmp-${process.pid}`;
  await writeFile(path, `${JSON.stringify(record)}\n`);
  await rename(path, stampFile(out));
}

/** Of all that goes into it, and of what is downloaded. */
function stampsOf({ wheels, compiler }) {
  const digest = (...parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const fetched = [packageVersion, packageIntegrity, wheels, unpack];
  return { stamp: digest(...fetched, compiler, compilerFlags), fetched: digest(...fetched) };
}

function isCurrent(out, { stamp, fetched }) {
  const isWhole = existsSync(bindingIn(packageIn(out)));
  return isWhole && readRecord(out)?.stamp === stamp && hasFetched(out, fetched);
}

/** Whether the package and the libraries are there as they were unpacked. */
function hasFetched(out, fetched) {
  const record = readRecord(out);
  return record?.fetched === fetched && JSON.stringify(record.sizes) === JSON.stringify(sizesIn(packageIn(out)));
}

/** Bytes of the two libraries. */
function sizesIn(packageFolder) {
  const names = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  return names.map((name) => statSync(join(packageFolder, 'deps', 'lib', name), { throwIfNoEntry: false })?.size ?? 0);
}

/** Of the package's list of N-API versions, the one that Node 20, 22 and 24 all take. */
const bindingIn = (packageFolder) => join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
const packageIn = (folder) => join(folder, 'node_modules', packageName);

async function build({ out, wheels, compiler, stamps, force, onStep }) {
  await removeAbandoned(out);
  const folder = join(out, `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw new BuildFailure({
      what: `it cannot be written to ${out}`,
      why: error.code,
      next: 'Name another folder with --out',
    });
  });
  try {
    const isThere = !force && hasFetched(out, stamps.fetched) && (await linkPackages(out, folder));
    if (!isThere) await fetchAll(folder, wheels, onStep);
    const deps = join(packageIn(folder), 'deps');
    onStep(`compiling the binding with ${compiler.version}`);
    await compile(packageIn(folder), deps, compiler, folder);
    const { version, gpu } = await check(folder);
    await swap(folder, out);
    await writeStamp(out, { ...stamps, sizes: sizesIn(packageIn(out)), version, gpu });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchAll(folder, wheels, onStep) {
  onStep(`fetching ${packageName} ${packageVersion} from npm`);
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  const quiet = ['--package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  await run('npm', ['install', ...quiet, `${packageName}@${packageVersion}`], folder, {
    what: 'npm cannot install the package',
    next: 'See that `npm ping` reaches a registry',
  });
  await checkPackage(folder);
  onStep(`fetching ${wheels[0][0].replace('==', ' ')} from PyPI`);
  await fetchWheels(folder, wheels);
  onStep('unpacking it');
  await run('python3', ['-c', unpack, join(folder, 'wheels'), join(packageIn(folder), 'deps')], folder, {
    what: 'the wheel cannot be unpacked',
  });
  await rm(join(folder, 'wheels'), { recursive: true });
}

/** What was fetched before, without its bytes again: whether that can be done on this disk. */
async function linkPackages(out, folder) {
  const to = join(folder, 'node_modules');
  const isDone = await promisify(execFile)('cp', ['-al', join(out, 'node_modules'), to]).then(
    () => true,
    () => false,
  );
  await rm(isDone ? bindingIn(packageIn(folder)) : to, { recursive: true, force: true }); // a compiler may write into what is there
  return isDone;
}

/** npm has compared the archive with what the registry says of it: that is compared with what we know. */
async function checkPackage(folder) {
  const lock = await readFile(join(folder, 'package-lock.json'), 'utf8').catch(() => '{}');
  const { integrity } = JSON.parse(lock).packages?.[`node_modules/${packageName}`] ?? {};
  if (integrity === packageIntegrity) return;
  throw new BuildFailure({
    what: `npm's ${packageName} ${packageVersion} is not the one that mossctl knows`,
    why: `its integrity is ${integrity ?? 'not recorded'}, not ${packageIntegrity}`,
    next: 'See which registry `npm config get registry` names',
  });
}

async function fetchWheels(folder, wheels) {
  const lines = wheels.map(([name, sha256]) => `${name} --hash=sha256:${sha256}\n`);
  await writeFile(join(folder, 'requirements.txt'), lines.join(''));
  const platforms = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux1_x86_64'];
  const which = ['--no-deps', '--only-binary=:all:', '--python-version=3.11'];
  const from = ['-r', 'requirements.txt', '--require-hashes', '--dest=wheels'];
  const args = [...which, ...platforms.map((each) => `--platform=${each}`), ...from];
  await run('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', ...args], folder, {
    what: 'pip cannot fetch the wheel',
    next: 'It needs python3 with pip, and PyPI or a mirror of it (PIP_INDEX_URL)',
  });
}

async function compile(packageFolder, deps, { command: [file, ...wrapped] }, folder) {
  const to = bindingIn(packageFolder);
  await mkdir(dirname(to), { recursive: true });
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const flags = [...compilerFlags, `-I${join(deps, 'include')}`, `-I${headers}`];
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(packageFolder, 'binding', name));
  const libraries = ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const link = [`-L${join(deps, 'lib')}`, ...libraries, '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  const args = [...wrapped, ...flags, ...sources, '-o', to, ...link];
  await run(file, args, folder, { what: 'the binding does not compile', next: 'CXX=… chooses another compiler' });
}

/** In a process of its own: a library that is not whole may end it. */
async function check(folder) {
  const text = await run(process.execPath, ['-e', probe, packageIn(folder)], folder, {
    what: 'what was built does not multiply two matrices',
    next: 'Please report this',
  });
  const { values, ...found } = JSON.parse(text);
  if (String(values) === '19,22,43,50') return found;
  throw new BuildFailure({ what: `what was built multiplies wrongly: ${values}`, next: 'Please report this' });
}

/** Wherever it is killed, what stays is a folder that counts as ours and as not built. */
async function swap(folder, out) {
  refuseForeign(out); // what came there meanwhile
  await writeStamp(out, { stamp: 'not whole' });
  await rm(join(out, 'node_modules'), { recursive: true, force: true });
  await rename(join(folder, 'node_modules'), join(out, 'node_modules')).catch((error) => {
    const why = ['ENOTEMPTY', 'EEXIST'].includes(error.code) ? 'another build put its own there' : error.code;
    throw new BuildFailure({
      what: `what was built cannot be put into ${out}`,
      why,
      next: 'Run the same command again',
    });
  });
}

/** What it printed; what stopped it becomes a BuildFailure with its last words. */
async function run(file, args, cwd, fault) {
  const env = { ...process.env, LC_ALL: 'C', TF_CPP_MIN_LOG_LEVEL: '3' };
  try {
    return (await promisify(execFile)(file, args, { cwd, env, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') {
      const next = file === 'python3' ? 'Install it, with pip' : 'Install it';
      throw new BuildFailure({ what: `there is no ${file}`, next });
    }
    const log = `${error.stderr ?? ''}`.trim();
    const lines = log.split('\n').filter((line) => line.trim() !== '');
    const why = lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? error.message.split('\n')[0];
    throw new BuildFailure({ ...fault, why: why.trim(), log });
  }
}

/** @param {Awaited<ReturnType<typeof buildTensorflow>>} result */
export function describeTensorflow({ built, out, seconds, version, cuda, gpu }) {
  const why = cuda ? ', for it found no GPU when it was built' : '';
  const where = gpu ? 'on a GPU' : `on the CPU${why}`;
  const what = built ? `built in ${seconds.toFixed(0)} s` : 'up to date';
  return `TensorFlow ${version} in ${out}, ${what}: it computes ${where}`;
}
