// mossctl from a program: a pipeline that is trained, opened, asked and scored; a program of TypeScript that compiles against the
// package as it is published; and the run packed for somebody else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesBelow } from '../../src/base/files.js';
import { fillPack, modelsToPack } from '../../src/cli/packed-run.js';
import { PrivatePaths } from '../../src/cli/private-paths.js';
import { chat, openModel, type TrainEvent, type TrainResult, train, UserError } from '../../src/index.js';
import { mossctl, root, shortSmoke } from '../e2e/cli.js';

const folder = await realpath(await mkdtemp(join(tmpdir(), 'mossctl-program-')));
after(() => rm(folder, { recursive: true }));

const events: TrainEvent[] = [];
let result: TrainResult;
before(async () => {
  const set = shortSmoke.slice(2).filter((word) => word !== '--set');
  const fewer = ['align=null', 'eval.turns=[]', 'pretrain.train.steps=4', 'sft.train.steps=4'];
  result = await train('smoke', {
    out: join(folder, 'run'),
    set: [...set.filter((text) => !text.startsWith('align.')), ...fewer],
    onEvent: (event) => events.push(event),
  });
});

test('train runs a pipeline, tells what happens, and leaves a run like any other', async () => {
  assert.deepEqual(
    result.models.map(({ stage }) => stage),
    ['pretrain', 'sft'],
  );
  assert.ok(result.table?.columns.some(({ label }) => label === 'sft'));
  const losses = events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
  assert.equal(losses.length, 8);
  assert.match(await readFile(result.report ?? '', 'utf8'), /Made by mossctl/);
  assert.deepEqual(result.incomplete, []);
  assert.ok((await readFile(join(folder, 'run', 'metrics.jsonl'), 'utf8')).includes('"type":"step"'));
});

test('a pipeline may be an object; its faults, and a model that is none, are UserErrors', async () => {
  const bad = train({ name: 'x', sft: { train: { epochz: 1 } as object } }, { out: join(folder, 'bad') });
  await assert.rejects(bad, (error) => error instanceof UserError && /epochz/.test(error.message));
  await assert.rejects(openModel(join(folder, 'nothing')), UserError);
  await assert.rejects(openModel(join(folder, 'run'), { threads: 0 }), /threads/);
});

test('a model answers, streams, scores and tokenizes; a conversation remembers', async () => {
  const model = await openModel(join(folder, 'run'), { threads: 1 });
  const ask = { temperature: 0, maxNewTokens: 6 };
  const { text, finish } = await model.answer('你好', ask);
  assert.match(finish, /^(stop|length)$/);
  let streamed = '';
  for await (const piece of model.stream([{ role: 'user', content: '你好' }], ask)) streamed += piece;
  assert.equal(streamed, text);
  const [score] = await model.score(['床前明月光']);
  assert.ok(score.bitsPerByte > 0 && score.tokens.length > 1);
  assert.equal(model.tokenizer.decode(model.tokenizer.encode('明月 moon')), '明月 moon');
  assert.equal(model.contextLength, 128);
  await model.close();
  const conversation = await chat(join(folder, 'run'), { ...ask, threads: 1 });
  let said = '';
  for await (const piece of conversation.send('你好')) said += piece;
  assert.equal(said, text);
  await conversation.close();
});

const program = `import { openModel, type Message, type TrainEvent, train, UserError } from 'mossctl';
const question: Message[] = [{ role: 'user', content: 'hello' }];
const model = await openModel(process.argv[2], { threads: 1, verify: false });
const { text }: { text: string } = await model.answer(question, { temperature: 0, maxNewTokens: 4 });
const scores: number[] = (await model.score(['hello'])).map(({ bitsPerByte }) => bitsPerByte);
await model.close();
const onEvent = (event: TrainEvent): void => void event.stage;
const failed: unknown = await train({ pretrain: { model: { size: '1m' } } }, { out: 'never', onEvent }).catch((error: unknown) => error);
console.log(JSON.stringify({ text: typeof text, scores: scores.length, failed: failed instanceof UserError }));
`;

test('a program in TypeScript compiles against the package, and runs', {
  skip: !existsSync(join(root, 'dist/index.d.ts')) && 'dist/ is not built: scripts/test.mjs does it',
}, async () => {
  const consumer = join(folder, 'consumer');
  await mkdir(join(consumer, 'node_modules'), { recursive: true });
  await symlink(root, join(consumer, 'node_modules/mossctl'));
  await symlink(join(root, 'node_modules/@types'), join(consumer, 'node_modules/@types'));
  await writeFile(join(consumer, 'package.json'), '{"type": "module"}');
  await writeFile(join(consumer, 'program.ts'), program);
  const options = { strict: true, module: 'nodenext', target: 'es2023', skipLibCheck: false, types: ['node'] };
  const files = ['program.ts'];
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], {
    cwd: consumer,
    encoding: 'utf8',
  });
  assert.equal(tsc.stdout, '');
  const ran = spawnSync(process.execPath, ['program.js', join(folder, 'run')], { cwd: consumer, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(JSON.parse(ran.stdout), { text: 'string', scores: 1, failed: true });
  const { exports, files: published } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.ok(published.includes('dist'));
  for (const path of Object.values(exports['.'])) assert.ok(existsSync(join(root, path as string)), String(path));
});

test('pack: what somebody else needs of a run, none of the rest, and no path of this machine', async () => {
  const out = join(folder, 'share.tar.gz');
  const packed = await mossctl(['pack', join(folder, 'run'), '--out', out, '--license', 'mit']);
  assert.equal(packed.code, 0, packed.stderr);
  assert.match(packed.stdout, /2 models \(pretrain, sft\)/);
  assert.match(packed.stdout, /no samples and no examples of rows \(--with-samples adds them\)/);
  assert.match(packed.stdout, /with the held-out tasks/);
  assert.match(packed.stdout, /^next +tar xzf .* && npx mossctl chat share\/latest$/m);
  const place = join(folder, 'elsewhere');
  await mkdir(place);
  assert.equal(spawnSync('tar', ['xzf', out], { cwd: place }).status, 0);
  const share = join(place, 'share');
  const files = await filesBelow(share);
  for (const name of ['README.md', 'report.html', 'pipeline.yaml', 'settings.yaml', 'data-spec.yaml', 'latest'])
    assert.ok(files.includes(name), name);
  assert.deepEqual(
    files.filter((name) => /training\/|tokens\/|corpus|train\.jsonl|feedback|\.lock/.test(name)),
    [],
  );
  for (const name of files.filter((each) => /\.(json|jsonl|yaml|html|md)$/.test(each))) {
    const text = await readFile(join(share, name), 'utf8');
    assert.ok(!text.includes(folder) && !text.includes(root), `${name} names this machine`);
  }
  await rename(join(folder, 'run'), join(folder, 'moved')); // nothing hangs on where it came from
  const inspected = await mossctl(['inspect', join(share, 'latest'), '--json']);
  assert.equal(inspected.code, 0, inspected.stderr);
  const chatted = await mossctl(
    ['chat', join(share, 'latest'), '--temperature', '0', '--max-new-tokens', '4', '--threads', '1'],
    { stdin: '你好\n' },
  );
  assert.equal(chatted.code, 0, chatted.stderr);
  const measured = await mossctl(['eval', share, '--threads', '1', '--json']);
  assert.equal(measured.code, 0, measured.stderr);
  assert.match(measured.stdout, /"type":"table"/);
  await rename(join(folder, 'moved'), join(folder, 'run'));
});

/** What is packed of a copy of the run that `change` was done to. */
async function packedCopy(name: string, change: (run: string) => Promise<unknown>, withSamples = false) {
  const [run, out] = [join(folder, `${name}-run`), join(folder, `${name}-pack`)];
  await cp(join(folder, 'run'), run, { recursive: true, verbatimSymlinks: true });
  await change(run);
  await mkdir(out);
  const files = await fillPack(out, run, {
    models: await modelsToPack(run),
    paths: new PrivatePaths(run),
    name,
    withSamples,
  });
  return { files, read: (file: string) => readFile(join(out, file), 'utf8') };
}

test('pack: of a model only what its manifest names, and no link', async () => {
  const secret = join(folder, 'id_rsa');
  await writeFile(secret, 'a private key');
  const { files } = await packedCopy('extra', async (run) => {
    await writeFile(join(run, 'sft/step-000004/notes.txt'), 'of my own');
    await symlink(secret, join(run, 'sft/step-000004/extra.txt'));
    await symlink(folder, join(run, 'pretrain/step-000004/all'));
  });
  assert.ok(files.includes('sft/step-000004/model.safetensors'));
  assert.deepEqual(
    files.filter((name) => /notes|extra|all\b|training\//.test(name)),
    [],
  );
  for (const [label, name] of [
    ['model', 'sft/step-000004/config.json'],
    ['rows', 'self-instruct/heldout.jsonl'],
    ['teaching', 'self-instruct/report.json'],
  ]) {
    const linked = packedCopy(`linked-${label}`, async (run) => {
      await rename(join(run, name), join(folder, `${label}-elsewhere`));
      await symlink(join(folder, `${label}-elsewhere`), join(run, name));
    });
    await assert.rejects(
      linked,
      (error) => error instanceof UserError && error.message.includes('no plain file'),
      name,
    );
  }
});

test('pack: no sample and no example of a row, unless they are asked for', async () => {
  const own = [
    { type: 'sample', stage: 'sft', step: 4, prompt: 'a private question', completion: 'a private answer' },
    {
      ...{ type: 'licence', stage: 'data', source: 'mine', licence: 'mine', documents: 1, bytes: 1 },
      fate: {
        ...{ read: 2, left: 0, dropped: [{ rule: 'short', documents: 1, examples: ['a private document'] }] },
        edited: [{ kind: 'scrub.PHONE', documents: 1, count: 1, examples: ['a private number'] }],
      },
    },
    {
      ...{ type: 'filters', stage: 'selfInstruct' },
      rules: [{ rule: 'echo', candidates: 2, dropped: 1, rows: 1, examples: ['a private row'], selections: {} }],
    },
    { type: 'note', stage: 'selfInstruct', level: 'warning', text: 'unusable\n  of one of them: a private\nreply' },
  ];
  const change = async (run: string): Promise<void> => {
    await appendFile(
      join(run, 'metrics.jsonl'),
      own.map((each) => `${JSON.stringify({ time: 9, ...each })}\n`).join(''),
    );
    const path = join(run, 'self-instruct/report.json');
    const failed = [
      { method: 'alpaca', replies: 3, unreadable: 3, example: 'a private reply', why: 'a private reply' },
    ];
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), failed }));
  };
  const texts = ['metrics.jsonl', 'report.html', 'self-instruct/report.json'];
  const bare = await packedCopy('bare', change);
  for (const name of texts) assert.ok(!(await bare.read(name)).includes('private'), name);
  assert.ok(!(await bare.read('metrics.jsonl')).includes('"type":"sample"'));
  assert.match(await bare.read('metrics.jsonl'), /"rule":"short","documents":1,"examples":\[\]/);
  assert.match(await bare.read('self-instruct/report.json'), /"unreadable": 3/);
  const whole = await packedCopy('whole', change, true);
  for (const name of texts) assert.ok((await whole.read(name)).includes('private'), name);
  assert.equal((await whole.read('metrics.jsonl')).match(/a private/g)?.length, 6);
});

test('pack: no key of a URL, wherever it stands', async () => {
  const url = 'https://a.org/corpus.txt?token=s3cr3tK3y9876&v=2';
  const { read } = await packedCopy('keys', async (run) => {
    const spec = join(run, 'mine.yaml');
    const sources = `sources:\n  - name: mine\n    from: "${url.replaceAll('/', '\\/')}"\n    licence: mine\n`;
    await writeFile(spec, `# from ${url}\n${sources}`);
    const settings = join(run, 'pipeline.yaml');
    await writeFile(settings, (await readFile(settings, 'utf8')).replace(/^( +spec: ).*$/m, `$1${spec}`));
    const note = { time: 9, type: 'note', stage: 'data', level: 'info', text: `fetched ${url}, at last` };
    await appendFile(join(run, 'metrics.jsonl'), `${JSON.stringify(note)}\n`);
  });
  for (const name of ['data-spec.yaml', 'metrics.jsonl', 'report.html'])
    assert.ok(!(await read(name)).includes('s3cr3tK3y9876'), name);
  assert.equal((await read('data-spec.yaml')).match(/a\.org\/corpus\.txt\?token=\[redacted\]/g)?.length, 2);
});

test('pack refuses what is no run, what is there, and a model that changed', async () => {
  const none = await mossctl(['pack', folder, '--out', join(folder, 'x')]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no run folder/);
  const there = await mossctl(['pack', join(folder, 'run'), '--out', join(folder, 'elsewhere')]);
  assert.equal(there.code, 2);
  assert.match(there.stderr, /there is something here already|already/);
  await writeFile(join(folder, 'run/sft/step-000004/config.json'), '{}');
  const changed = await mossctl(['pack', join(folder, 'run'), '--out', join(folder, 'x.tar.gz')]);
  assert.equal(changed.code, 2);
  assert.match(changed.stderr, /changed since the stage finished/);
  assert.ok(!existsSync(join(folder, 'x.tar.gz')));
});
