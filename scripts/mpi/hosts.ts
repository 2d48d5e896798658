// Two hosts on one machine: network namespaces, each with an address, a name and nothing but a wire to the other, so that what
// ranks exchange goes over TCP as between machines. A launcher reaches them through a script in the place of ssh. Needs root.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Hosts {
  /** What comes before a command that these are to run: one rank each. */
  launcher(mpirun: 'mpirun.openmpi' | 'mpirun.mpich'): string[];
  /** Bytes that the first has sent to the second, headers included. */
  sent(): number;
  remove(): void;
}

const names = ['mossctl-a', 'mossctl-b'] as const;
const addressOf = (index: number): string => `10.77.0.${index + 1}`;
/** What `ip netns exec` lays over /etc. */
const settingsOf = (name: string): string => join('/etc/netns', name);

/** @returns why there are none, in words, where this machine does not allow them. */
export function makeHosts(folder: string): Hosts | string {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (spawnSync('ip', ['-V']).status !== 0) return 'there is no `ip` (Debian: iproute2)';
  const remove = (): void => {
    for (const name of names) {
      spawnSync('ip', ['netns', 'del', name]);
      rmSync(settingsOf(name), { recursive: true, force: true });
    }
  };
  remove(); // of a run that was killed
  const [first, second] = names;
  const steps = [
    ...names.map((name) => ['netns', 'add', name]),
    ['link', 'add', 'eth0', 'netns', first, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', second],
    ...names.flatMap((name, index) => [
      ['-n', name, 'addr', 'add', `${addressOf(index)}/24`, 'dev', 'eth0'],
      ['-n', name, 'link', 'set', 'eth0', 'up'],
      ['-n', name, 'link', 'set', 'lo', 'up'],
    ]),
  ];
  for (const step of steps) {
    const { status, stderr } = spawnSync('ip', step, { encoding: 'utf8' });
    if (status === 0) continue;
    remove();
    return `\`ip ${step.join(' ')}\` failed: ${stderr.trim()}`;
  }
  const table = names.map((name, index) => `${addressOf(index)} ${name}\n`).join('');
  for (const name of names) {
    mkdirSync(settingsOf(name), { recursive: true });
    writeFileSync(join(settingsOf(name), 'hosts'), `127.0.0.1 localhost\n${table}`);
  }
  const enter = join(folder, 'enter.sh');
  // As ssh is called: options, a host, and a command that a shell there is to read. A host has a name of its own, by which
  // MPI tells that the ranks of two share no memory.
  const script = `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do shift; done
host=$1; shift
export HOST_COMMAND="$*"
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; exec sh -c \\"\\$HOST_COMMAND\\""
`;
  writeFileSync(enter, script, { mode: 0o755 });
  return {
    launcher: (mpirun) => {
      const reach = mpirun.endsWith('openmpi')
        ? ['--mca', 'plm_rsh_agent', enter, '--host']
        : ['-launcher', 'ssh', '-launcher-exec', enter, '-hosts'];
      // UCX, under MPICH, tells a machine by other things than its name, and would find memory that the two share.
      const wire = ['UCX_TLS=tcp,self', 'UCX_NET_DEVICES=eth0'];
      // The launcher itself is on the first of them: of the machine around it they know nothing.
      return [
        'ip',
        'netns',
        'exec',
        first,
        'unshare',
        '--uts',
        'sh',
        '-c',
        `hostname ${first}; exec env ${wire.join(' ')} "$@"`,
        'sh',
        mpirun,
        ...reach,
        names.join(),
        '-n',
        '2',
      ];
    },
    sent: () => {
      const { stdout } = spawnSync('ip', ['-n', first, '-j', '-s', 'link', 'show', 'eth0'], { encoding: 'utf8' });
      const [{ stats64 }] = JSON.parse(stdout) as [{ stats64: { tx: { bytes: number } } }];
      return stats64.tx.bytes;
    },
    remove,
  };
}
