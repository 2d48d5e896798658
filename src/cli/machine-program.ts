// The commands about the machine: what it has, its engine, and how fast it is.
import type { Command } from 'commander';
import {
  example,
  onlyPrints,
  wholeNumber,
  wholeNumbers,
  withAction,
  withOutput,
  withQuantize,
  withThreads,
} from './options.js';

export function addDoctor(program: Command): void {
  const doctor = withOutput(program.command('doctor').description('check what this machine has, and what is missing'));
  withAction(doctor, async () => (await import('./commands/doctor.js')).doctor);
  example(doctor, 'mossctl doctor');
}

export function addNative(program: Command): void {
  const native = program.command('native').description('the C++ engine of this machine').helpCommand(false);
  const build = withOutput(
    native.command('build').description('compile it, where the install did not or the sources changed'),
  );
  build.option('--force', 'compile even what is up to date');
  withAction(build, async () => (await import('./commands/native.js')).build);
  example(build, 'mossctl native build');
}

export function addTensorflow(program: Command): void {
  const tensorflow = program
    .command('tensorflow')
    .description('the library of the backend tensorflow, where the install could not download it')
    .helpCommand(false);
  const build = withOutput(
    tensorflow.command('build').description('fetch it from npm and PyPI into a folder, and join them (Linux x64)'),
  );
  build
    .option('--cuda', "the one for NVIDIA cards, with NVIDIA's libraries (gigabytes)")
    .option('--out <dir>', 'the folder (default: tensorflow in the folder of downloads)')
    .option('--force', 'build even what is up to date');
  withAction(build, async () => (await import('./commands/tensorflow.js')).build);
  example(build, 'mossctl tensorflow build --out tf');
}

export function addBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('how fast this machine computes, trains, decodes, saves and reads text, as shares of its peak')
    .option(
      '--only <sections>',
      'some of machine, gemm, ops, train, sft, align, online, decode, rollouts, neighbour, scale, checkpoint, data, filter',
    )
    .option(
      '--shape <names>',
      'some of 1m, 7m, 34m, quickstart, and for sft qwen3-0.5b (default: the first three for train, 34m for checkpoint and scale, quickstart for rollouts, else 7m)',
    )
    .option('--precision <names>', 'fp32, bf16 (default: fp32, and bf16 where the processor multiplies it)')
    .option('--backend <name>', 'compute backend: auto, tensorflow, native, wasm or cpu', 'auto')
    .option(
      '--context <number>',
      "tokens in a row of train (default: the shape's own) and in a row's cache of decode (default: 128)",
      wholeNumber(32, 65_536),
    )
    .option('--batch <numbers>', 'rows that decode side by side (default: 1,8,32,64)', wholeNumbers(1, 4096))
    .option('--temperature <numbers>', 'whole numbers, of decode; 0 is greedy (default: 0,1)', wholeNumbers(0, 10))
    .option('--steps <number>', 'timed steps (default: about 20 seconds of them)', wholeNumber(1, 10_000));
  withOutput(withThreads(withQuantize(bench)));
  withAction(onlyPrints(bench), async () => (await import('./commands/bench.js')).bench);
  example(bench, 'mossctl bench --only machine,train --shape 7m');
}
