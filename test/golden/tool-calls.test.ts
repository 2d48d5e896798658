// Answers with calls, sampled from a model and made by rule, as five readers have them: ours, transformers 5.24, vLLM 0.33 (its
// Hermes parser, and its reader of response templates) and llama.cpp's chat code. Made by scripts/interop/tool-calls.mjs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { besideCalls, readAnswer } from '../../src/tokenizer/answer.js';
import { chatmlResponseTemplate } from '../../src/tokenizer/chatml.js';
import { ResponseTemplate } from '../../src/tokenizer/response-template.js';
import { templateTokenizer } from './template-tokenizer.js';

interface Read {
  content?: string;
  calls?: { name: string; arguments: unknown }[];
  error?: string;
}
interface Case {
  source: string;
  kind: string;
  text: string;
  reads: Record<'ours' | 'transformers' | 'hermes' | 'vllmTemplate' | 'llamaCpp', Read>;
}
const { cases } = JSON.parse(readFileSync(new URL('tool-calls.json', import.meta.url), 'utf8')) as { cases: Case[] };
const ofKind = (kind: string): Case[] => cases.filter((each) => each.kind === kind);

test('calls are read from tokens as from the text of the fixture; whole ones alike by all', async () => {
  const tokenizer = await templateTokenizer('chatml');
  assert.ok(cases.length > 50);
  for (const { text, reads } of cases) {
    const { content, toolCalls = [] } = readAnswer(tokenizer, tokenizer.encodeTrusted(text));
    const calls = toolCalls.map(({ name, arguments: given }) => ({ name, arguments: given }));
    assert.deepEqual({ content, calls }, reads.ours, text);
  }
  assert.ok(ofKind('whole calls').length >= 10);
  for (const { text, reads } of ofKind('whole calls')) {
    const { ours, ...others } = reads;
    for (const [name, { calls }] of Object.entries(others)) assert.deepEqual(calls, ours.calls, `${name}: ${text}`);
  }
});

test('our interpreter of response templates reads, or refuses, what transformers does', () => {
  const reader = new ResponseTemplate(chatmlResponseTemplate);
  for (const { text, reads } of cases) {
    const read = (): unknown => {
      const { tool_calls: calls = [] } = reader.parse(text, '<|im_start|>assistant\n');
      return (calls as { function: { name: string; arguments: unknown } }[]).map(({ function: each }) => ({
        name: each.name,
        arguments: typeof each.arguments === 'string' ? (JSON.parse(each.arguments) as unknown) : each.arguments,
      }));
    };
    if (reads.transformers.error !== undefined) assert.throws(read, text);
    else if (reads.transformers.calls?.every((call) => call.name !== null && call.arguments !== null)) {
      assert.deepEqual(read(), reads.transformers.calls, text);
    }
  }
});

test('a call that is nested so deep that nobody could write it again is none', async () => {
  const tokenizer = await templateTokenizer('chatml');
  for (const depth of [62, 5000]) {
    const value = `${'['.repeat(depth)}1${']'.repeat(depth)}`;
    const text = `<tool_call>\n{"name": "f", "arguments": {"a": ${value}}}\n</tool_call>`;
    const { toolCalls = [], brokenCalls = [] } = readAnswer(tokenizer, tokenizer.encodeTrusted(text));
    assert.deepEqual([toolCalls.length, brokenCalls.length], depth < 64 ? [1, 0] : [0, 1]);
  }
});

test('where readers differ: a broken call costs no other one here, and is never run; one that is not closed is read', () => {
  for (const { reads } of ofKind('a broken call beside others')) {
    assert.ok((reads.ours.calls?.length ?? 0) > 0);
    assert.deepEqual(reads.hermes.calls, []);
  }
  for (const { reads } of ofKind('a broken call')) assert.deepEqual(reads.ours.calls, []);
  for (const { reads } of ofKind('the last call is not closed')) {
    assert.deepEqual(reads.ours.calls, reads.hermes.calls);
    assert.deepEqual(reads.ours.calls, reads.transformers.calls);
  }
  // vLLM hands on JSON in JSON; ours, like transformers' callers, want the object.
  for (const { reads } of ofKind('arguments as JSON text'))
    assert.equal(typeof reads.ours.calls?.[0].arguments, 'object');
});

test('a person sees a message without its calls, and blanks without end take no time', () => {
  const call = '<tool_call>\n{"name": "Now", "arguments": {}}\n</tool_call>';
  const seen = (text: string, isWhole: boolean): string => besideCalls(text, { isWhole });
  assert.equal(seen(`a\n${call}\n${call} b`, true), 'a b');
  assert.equal(seen(`a ${call.slice(0, -13)}`, true), 'a');
  assert.equal(seen('a <tool_call> no call', true), 'a <tool_call> no call');
  assert.equal(seen('a <tool_call> no call', false), 'a');
  assert.equal(seen('a <tool_', false), 'a');
  // Quadratic in these, it would not end.
  const blanks = ' '.repeat(1_000_000);
  assert.equal(seen(`${blanks}x`, false).length, blanks.length + 1);
  assert.equal(seen('<tool_call>'.repeat(100_000), false), '');
});
