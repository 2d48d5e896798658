// Ours against PyTorch, in turn, in the same minutes: `npm run bench:peers`. Each cell is measured in several rounds,
// each round in the opposite order of the one before, and the ratio is the median of the rounds' own ratios: what the
// machine does in between hits both sides alike.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const mossctl = fileURLToPath(new URL('../../bin/mossctl.js', import.meta.url));
const built = new URL('../../dist/cli/main.js', import.meta.url);
const python = process.env.MOSSCTL_PYTHON || 'python3';

const help = `Usage: npm run bench:peers -- [options]

  --only <what>           some of train,sft,align,online,decode,scale (default: train,decode). sft: adapters of rank 16 beside all linears of
                          a frozen model, against PEFT and TRL's SFTTrainer; align: DPO, against TRL's DPOTrainer;
                          online: GRPO, against TRL's GRPOTrainer;
                          scale: two processes of one thread (mpirun), against PyTorch's DDP over gloo
  --shapes <names>        some of 100k,1m,7m,34m, and for sft qwen3-0.5b (default: 7m)
  --precisions <names>    fp32, bf16 or both (default: fp32,bf16)
  --modes <names>         PyTorch eager, compile or both, for training (default: eager,compile)
  --decoders <names>      PyTorch's plain decoder (eager), transformers' generate, or both, for decoding
                          (default: eager,generate; generate where transformers is installed)
  --batches <numbers>     rows that decode side by side (default: 1,8,32,64)
  --temperatures <list>   0 (greedy), 1 (the whole distribution) or both (default: 0,1)
  --context <number>      tokens in the cache of a row that decodes, and in a training row (default: 128; the shape's own)
  --rounds <number>       times each cell is measured on both sides (default: 3)
  --steps <number>        timed steps of each measurement (default: about 20 seconds of them)
  --threads <number>      on both sides (default: all cores)
  --backend <name>        ours (default: auto)
  --json                  one JSON object instead of tables

MOSSCTL_PYTHON names the Python that has PyTorch (default: python3).`;

function fail(message) {
  console.error(`bench:peers: ${message}`);
  process.exit(1);
}

function readOptions() {
  const text = (value) => ({ type: 'string', default: value });
  const options = {
    only: text('train,decode'),
    shapes: text('7m'),
    precisions: text('fp32,bf16'),
    modes: text('eager,compile'),
    decoders: { type: 'string' },
    batches: text('1,8,32,64'),
    temperatures: text('0,1'),
    context: { type: 'string' },
    rounds: text('3'),
    steps: { type: 'string' },
    threads: { type: 'string' },
    backend: text('auto'),
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${error.message}\n\n${help}`);
  }
}

/** Both sides have to be there before the first minute is spent. */
function checkBothSides() {
  if (!existsSync(built)) fail('mossctl is not compiled: type `npm run compile`');
  const found = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  if (found.error) fail(`${python} does not start: install Python 3, or name one with MOSSCTL_PYTHON`);
  if (found.status !== 0) {
    fail(
      `${python} has no PyTorch. Install it with \`pip install torch\` (or \`apt install python3-torch\`), ` +
        'or name a Python that has it: MOSSCTL_PYTHON=/path/to/python npm run bench:peers',
    );
  }
  return found.stdout.trim();
}

/** Those asked for; transformers' own where it is there or asked for by name. */
function choosePeers() {
  const found = spawnSync(python, ['-c', 'import transformers; print(transformers.__version__)'], { encoding: 'utf8' });
  const transformers = found.status === 0 ? found.stdout.trim() : undefined;
  const decoders = list(options.decoders ?? (transformers === undefined ? 'eager' : 'eager,generate'));
  if (transformers === undefined && decoders.includes('generate')) {
    fail(`${python} has no transformers: install it with \`pip install transformers\`, or type \`--decoders eager\``);
  }
  return { transformers, decoders };
}

/** The JSON on the last line of what a command prints. */
function measured(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: here });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output.trim().split('\n').at(-1)));
      else reject(new Error(`${[command, ...args].join(' ')} ended with ${signal ?? code}:\n${errors.trim()}`));
    });
  });
}

const options = readOptions();
if (options.help) {
  console.log(help);
  process.exit(0);
}
const torch = checkBothSides();
const list = (text) => text.split(',').map((word) => word.trim());
const { transformers, decoders } = choosePeers();
const threads = options.threads ?? String(availableParallelism());
const steps = options.steps === undefined ? [] : ['--steps', options.steps];
// Only the native engine takes a thread count: ours is given one only where one was asked for.
const ourThreads = options.threads === undefined ? [] : ['--threads', options.threads];

const context = options.context === undefined ? [] : ['--context', options.context];

function ours(only, shape, precision, more = []) {
  const what = ['--only', only, '--shape', shape, '--precision', precision, '--backend', options.backend];
  what.push(...context, ...more, ...steps, ...(only === 'scale' ? [] : ourThreads)); // its processes have one each
  return measured(process.execPath, [mossctl, 'bench', ...what, '--json']);
}

function theirs(script, args) {
  return measured(python, ['-B', script, ...args, '--threads', threads, ...steps]);
}

function trainingCells() {
  return list(options.shapes).flatMap((shape) =>
    list(options.precisions).map((precision) => ({
      name: `train ${shape} ${precision}`,
      ours: async () => (await ours('train', shape, precision)).train,
      peers: list(options.modes).map((mode) => ({
        name: `PyTorch ${mode}`,
        measure: () => theirs('train.py', ['--shape', shape, '--precision', precision, '--mode', mode, ...context]),
      })),
    })),
  );
}

function decodingCells() {
  const variants = list(options.temperatures).flatMap((temperature) =>
    list(options.batches).map((batch) => ({ temperature, batch })),
  );
  const tokens = options.context ?? '128';
  return list(options.shapes).flatMap((shape) =>
    variants.map(({ temperature, batch }) => ({
      name: `decode ${shape}, batch ${batch}, context ${tokens}, ${temperature === '0' ? 'greedy' : `temperature ${temperature}`}`,
      ours: async () => {
        const { decode } = await ours('decode', shape, 'fp32', ['--batch', batch, '--temperature', temperature]);
        return decode;
      },
      peers: decoders.map((mode) => ({
        name: mode === 'generate' ? `transformers ${transformers} generate` : `PyTorch ${mode}`,
        measure: () =>
          theirs('decode.py', [
            ...['--shape', shape, '--mode', mode, '--batch', batch, '--temperature', temperature, ...context],
          ]),
      })),
    })),
  );
}

/** What a comparison with this trainer of TRL is called. Both sides have to be there before the first minute is spent. */
function trl(trainer) {
  return versionOf(`import trl; print(f"TRL {trl.__version__} ${trainer}")`, 'TRL: install it with `pip install trl`');
}

/** The last line that a line of Python prints. */
function versionOf(code, lacking) {
  const found = spawnSync(python, ['-W', 'ignore', '-c', code], { encoding: 'utf8' });
  if (found.status !== 0) fail(`${python} has no ${lacking}`);
  return found.stdout.trim().split('\n').at(-1);
}

/** Always in fp32, theirs a packed row at a time with its gradient added up: the fastest of what TRL offers here. */
function fineTuningCells() {
  const versions = 'import peft, trl; print(f"PEFT {peft.__version__} + TRL {trl.__version__} SFTTrainer")';
  const name = versionOf(versions, 'PEFT and TRL: install them with `pip install peft trl`');
  return list(options.shapes).map((shape) => ({
    name: `LoRA ${shape}, rank 16`,
    ours: async () => {
      const { sft } = await ours('sft', shape, 'fp32');
      return [
        { ...sft.find(({ rank }) => rank > 0), wholeOfPretraining: sft.find(({ rank }) => rank === 0)?.ofPretraining },
      ];
    },
    peers: [
      {
        name,
        measure: () => theirs('lora.py', ['--shape', shape, ...context]),
      },
    ],
  }));
}

/** DPO of all weights in fp32, theirs as many pairs at a time as it is fastest with. */
function alignmentCells() {
  const name = trl('DPOTrainer');
  return list(options.shapes).map((shape) => ({
    name: `DPO ${shape}`,
    ours: async () => (await ours('align', shape, 'fp32')).align,
    peers: [{ name, measure: () => theirs('dpo.py', ['--shape', shape, ...context]) }],
  }));
}

/** A step of GRPO of all weights in fp32, sampling included, theirs as many answers at a time as it is fastest with. */
function onlineCells() {
  const name = trl('GRPOTrainer');
  return list(options.shapes).map((shape) => ({
    name: `GRPO ${shape}`,
    ours: async () => (await ours('online', shape, 'fp32')).online,
    peers: [{ name, measure: () => theirs('grpo.py', ['--shape', shape]) }],
  }));
}

/** Two processes of one thread each, in fp32. Ours takes its own rounds, in turn with one process. */
function scaleCells() {
  return list(options.shapes).map((shape) => ({
    name: `two processes ${shape}`,
    ours: async () => {
      const { scale } = await ours('scale', shape, 'fp32');
      if ('missing' in scale[0]) throw new Error(scale[0].missing);
      return scale.map((row) => ({
        ...row,
        tokensPerSecond: row.tokensPerSecond.together,
        gflops: (row.tokensPerSecond.together * row.flopsPerToken) / 1e9,
        peakRssMiB: Math.max(...row.peakRssMiB.together),
      }));
    },
    peers: [
      { name: 'PyTorch DDP, gloo', measure: () => measured(python, ['-B', 'ddp.py', '--shape', shape, ...steps]) },
    ],
  }));
}

/** One round of a cell: ours and each peer once. */
async function measureRound(cell, isForward) {
  const round = {};
  const turns = [
    ['ours', async () => (await cell.ours())[0]],
    ...cell.peers.map(({ name, measure }) => [name, measure]),
  ];
  for (const [name, measure] of isForward ? turns : turns.reverse()) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${cell.name}: ${name} …`);
    round[name] = await measure();
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  for (const { name } of cell.peers) {
    for (const key of sameWork) {
      const [mine, other] = [round.ours[key], round[name][key]];
      if (mine !== other) throw new Error(`${key} is ${mine} here and ${other} in ${name}: not the same work`);
    }
  }
  return round;
}

/** What both sides say of their work, and must say alike. */
const sameWork = [
  ...['parameters', 'tokensPerStep', 'flopsPerToken', 'trained', 'conversations', 'pairs', 'pairsPerStep'],
  ...['answersPerStep', 'answerTokens', 'promptTokens'],
  ...['tokens', 'countedTokens'],
];

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, low: sorted[0], high: sorted.at(-1) };
}

function compare(cell, peer, rounds) {
  const of = (side, key) => spread(rounds.map((round) => round[side][key]));
  const both = (key) => ({ ours: of('ours', key), theirs: of(peer, key) });
  const row = {
    cell: cell.name,
    peer,
    tokensPerSecond: both('tokensPerSecond'),
    ratio: spread(rounds.map((round) => round.ours.tokensPerSecond / round[peer].tokensPerSecond)),
  };
  if (rounds[0][peer].peakRssMiB === undefined) return { ...row, measured: rounds };
  const rssRatio = spread(rounds.map((round) => round.ours.peakRssMiB / round[peer].peakRssMiB));
  const importRssMiB = of(peer, 'importRssMiB').median;
  const memory = { peakRssMiB: both('peakRssMiB'), rssRatio, importRssMiB };
  if (rounds[0].ours.gflops !== undefined) return { ...row, gflops: both('gflops'), ...memory, measured: rounds };
  if (rounds[0].ours.stepSeconds !== undefined) {
    const step = { stepSeconds: both('stepSeconds'), samplingShare: both('samplingShare') };
    return { ...row, ...step, ...memory, measured: rounds };
  }
  const epoch = { ...row, ...memory, epochSeconds: both('epochSeconds'), measured: rounds };
  if (rounds[0].ours.pairs !== undefined) return { ...epoch, rows: `${rounds[0].ours.pairs} pairs` };
  const wholeOfPretraining = of('ours', 'wholeOfPretraining');
  return { ...epoch, rows: `${rounds[0].ours.conversations} conversations`, wholeOfPretraining };
}

function print(rows) {
  const whole = (value) => Math.round(value).toLocaleString('en-US');
  const times = ({ median, low, high }) => `${median.toFixed(2)}× (${low.toFixed(2)}–${high.toFixed(2)})`;
  const sides = ({ ours, theirs }) => `${whole(ours.median)} / ${whole(theirs.median)}`;
  const header = [
    'cell',
    'peer',
    'tokens/s ours / theirs',
    'ratio (lowest–highest)',
    'GFLOP/s',
    'peak RSS, MiB',
    'of theirs',
  ];
  const table = [
    header,
    ...rows.map(({ cell, peer, tokensPerSecond, ratio, gflops, peakRssMiB, rssRatio }) => [
      ...[cell, peer, sides(tokensPerSecond), times(ratio)],
      gflops ? sides(gflops) : '',
      ...(rssRatio ? [sides(peakRssMiB), `${whole(100 * rssRatio.median)} %`] : ['', '']),
    ]),
  ];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    const cells = row.map((text, column) => (column < 2 ? text.padEnd(widths[column]) : text.padStart(widths[column])));
    console.log(cells.join('  ').trimEnd());
  }
  const imported = rows.find((row) => row.importRssMiB)?.importRssMiB;
  for (const { cell, epochSeconds, rows: epoch, wholeOfPretraining } of rows.filter((row) => row.epochSeconds)) {
    console.log(`\n${cell}: an epoch of ${epoch} takes ${sides(epochSeconds)} s at these speeds.`);
    if (wholeOfPretraining?.median) {
      console.log(
        `SFT of all weights: ${times(wholeOfPretraining)} the tokens/s of pretraining on rows of the same length.`,
      );
    }
  }
  for (const { cell, stepSeconds, samplingShare } of rows.filter((row) => row.stepSeconds)) {
    const seconds = `${stepSeconds.ours.median.toFixed(2)} / ${stepSeconds.theirs.median.toFixed(2)} s`;
    const percent = (value) => `${whole(100 * value)} %`;
    const shares = `${percent(samplingShare.ours.median)} / ${percent(samplingShare.theirs.median)}`;
    console.log(`\n${cell}: a step takes ${seconds}, of which sampling is ${shares}.`);
  }
  if (imported) console.log(`\n${whole(imported)} MiB of PyTorch's peak RSS are there once it is imported.`);
}

const known = {
  train: trainingCells,
  sft: fineTuningCells,
  align: alignmentCells,
  online: onlineCells,
  decode: decodingCells,
  scale: scaleCells,
};
const wanted = list(options.only);
for (const what of wanted)
  if (!(what in known)) fail(`--only: there is no ${what}; choose among ${Object.keys(known).join(', ')}`);
const roundCount = Number(options.rounds);
if (!Number.isInteger(roundCount) || roundCount < 1) fail('--rounds: a whole number from 1');
const rows = [];
if (!options.json)
  console.log(
    `PyTorch ${torch}${transformers === undefined ? '' : `, transformers ${transformers}`}, ${threads} threads, ${roundCount} rounds\n`,
  );
for (const cell of wanted.flatMap((what) => known[what]())) {
  try {
    const rounds = [];
    for (let round = 0; round < roundCount; round++) rounds.push(await measureRound(cell, round % 2 === 0));
    rows.push(...cell.peers.map(({ name }) => compare(cell, name, rounds)));
  } catch (error) {
    console.error(`bench:peers: ${cell.name} is left out: ${error.message}`); // the other cells are still worth having
    process.exitCode = 1;
  }
}
if (options.json)
  console.log(JSON.stringify({ torch, transformers, threads: Number(threads), rounds: roundCount, rows }));
else print(rows);
