// The command line in Chinese, as a process: help, a refusal of the command line, a fault, and what a machine reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth } from '../../src/base/format.js';
import { mossctl } from '../e2e/cli.js';

test('help is in Chinese, as wide as the terminal, and the same in English where nothing is asked', async () => {
  const [chinese, plain] = await Promise.all([
    mossctl(['sft', '--help', '--lang', 'zh']),
    mossctl(['sft', '--help'], { env: { LC_ALL: 'C', MOSSCTL_LANG: '' } }),
  ]);
  assert.equal(chinese.code, 0);
  assert.match(chinese.stdout, /^用法: mossctl sft \[options\]\n\n在对话上微调基座模型\n\n选项：\n/);
  assert.match(chinese.stdout, / --lora +冻结权重，只训练旁边的低秩适配器/);
  assert.match(chinese.stdout, /\nsft 块的键，可写在 YAML 文件里或用 --set 设定/);
  const options = chinese.stdout.slice(0, chinese.stdout.indexOf('示例：')).split('\n');
  assert.ok(options.length > 30 && options.every((line) => displayWidth(line) <= 80));
  assert.match(plain.stdout, /^Usage: mossctl sft \[options\]\n\nfine-tune a base model on conversations\n/);
  assert.doesNotMatch(plain.stdout, /[\u4e00-\u9fff]/);
});

test('what is wrong with the command line, and a fault, are said in Chinese; names stay', async () => {
  const env = { LC_ALL: 'zh_CN.UTF-8', MOSSCTL_LANG: '' };
  const [option, fault, both] = await Promise.all([
    mossctl(['chat', 'm', '--temprature', '0'], { env }),
    mossctl(['run', '没有这个.yaml'], { env }),
    mossctl(['run', 'smoke', '--set', 'pretrain.train.steps=x', '--lang', 'zh']),
  ]);
  assert.deepEqual([option.code, fault.code, both.code], [2, 2, 2]);
  assert.equal(option.stderr, 'mossctl: 错误：没有 --temprature 这个选项\n（是不是 --temperature？）\n');
  assert.match(fault.stderr, /^mossctl: 错误：没有这个\.yaml：没有这个流水线文件。内置的有：/);
  assert.match(both.stderr, /^mossctl: 错误：--set pretrain\.train\.steps=x：pretrain\.train\.steps 必须是/);
});

test('what a machine reads is the same in every language', async () => {
  const [chinese, plain] = await Promise.all(
    ['zh', 'en'].map((lang) => mossctl(['plan', '--size', '7m', '--hardware', 'h100×8', '--json', '--lang', lang])),
  );
  assert.equal(chinese.code, 0);
  assert.deepEqual(Object.keys(JSON.parse(chinese.stdout)), Object.keys(JSON.parse(plain.stdout)));
  assert.doesNotMatch(chinese.stdout, /[\u4e00-\u9fff]/);
});

test('a language that is not spoken is refused', async () => {
  const { code, stderr } = await mossctl(['doctor'], { env: { MOSSCTL_LANG: 'fr' } });
  assert.equal(code, 2);
  assert.match(stderr, /MOSSCTL_LANG: no messages are written in "fr"\. Set it to zh or en/);
});
