// The redactor: every form and part of a key, and nothing that merely looks like words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Redactor,
  redactAll,
  secretsOf,
  secretsOfUrl,
  shownSettings,
  shownUrl,
  shownUrls,
} from '../../src/base/secrets.js';

const key = 'sk-proj-Ab12Cd34Ef56Gh78Ij90KlMnOp';
const hide = (text: string, ...secrets: string[]): string =>
  new Redactor(secrets.length > 0 ? secrets : [key]).hide(text).text;

test('a key: whole, in part, split, escaped, encoded', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const rows: [string, RegExp][] = [
    [`Bearer ${key}, twice: ${key}`, /^Bearer \[redacted\], twice: \[redacted\]$/],
    ['…34Ef56Gh…', /^…\[redacted\]…$/],
    [`${key.slice(0, 11)}\n    ${key.slice(11)}`, /^\[redacted\]$/],
    [`"${key.slice(0, 9)}", "${key.slice(9)}"`, /^"\[redacted\]"$/],
    [key.split('').join(' '), /^\[redacted\]$/],
    [key.split('').join('\u200b'), /^\[redacted\]$/],
    [encodeURIComponent(key), /^\[redacted\]$/],
    [Buffer.from(key).toString('hex'), /^\[redacted\]$/],
    ...['', 'u', 'us', 'user:'].map((before): [string, RegExp] => [base64(before + key), /^.{0,8}\[redacted\].{0,4}$/]),
  ];
  for (const [text, expected] of rows) assert.match(hide(text), expected, text);
  const odd = 'p"w\\é 7Qz+x/9=';
  for (const text of [JSON.stringify(odd), JSON.stringify(JSON.stringify(odd)), encodeURIComponent(odd)])
    assert.match(hide(text, odd), /^[\\"]*\[redacted\][\\"]*$/, text);
});

test('what is no key stays', () => {
  const rest = 'Incorrect API key: sk-proj-****MnOp. 12345678 KlMnOp';
  assert.equal(hide(rest), rest);
  const wordy = 'my-company-internal-password-2024';
  for (const text of ['the internal password of 2024', 'our company-inside rules'])
    assert.equal(hide(text, wordy), text);
  assert.equal(hide(`say ${wordy}!`, wordy), 'say [redacted]!');
});

test('a digest that shares a part with a key stays whole', () => {
  const hex = '0123456789abcdef0123456789abcdef';
  const digest = `${'e'.repeat(20)}56789abcdef0${'f'.repeat(32)}`;
  assert.equal(hide(digest, hex), digest);
  assert.equal(hide(`sha256:${digest}`, hex), `sha256:${digest}`);
  assert.match(hide(`see ${digest}`, hex), /redacted/);
  assert.equal(hide(hex + hex, hex), '[redacted][redacted]');
});

test('which variables hold secrets', () => {
  const environment = {
    OPENAI_API_KEY: ` ${key}\n`,
    HF_TOKEN: 'hf_Ab12Cd34',
    OPENAI_BASE_URL: 'http://someone:pass%20Word1@host/v1?api-version=2024-10-21-preview&sig=Zz1Yy2Xx3',
    https_proxy: 'http://proxy-user:Pr0xyPass@proxy:1',
    OPENAI_CUSTOM_HEADERS: 'x-team: blue\nx-key: Hh1Gg2Ff3',
    PATH: '/usr/bin',
  };
  const expected = [key, 'hf_Ab12Cd34', 'pass Word1', 'Zz1Yy2Xx3', 'proxy-user', 'Pr0xyPass', 'Hh1Gg2Ff3'];
  assert.deepEqual(secretsOf(environment).sort(), expected.sort());
  for (const OPENAI_API_KEY of ['none', 'EMPTY', 'lm-studio', 'sk-no-key-required', 'xxxxxxxxxxxx'])
    assert.deepEqual(secretsOf({ OPENAI_API_KEY }), [], OPENAI_API_KEY);
  assert.deepEqual(secretsOfUrl('not a url'), []);
});

test('addresses as they are shown', () => {
  assert.equal(
    shownUrl('https://h/v1?api-version=2024-10-21&key=a%20b#x'),
    'https://h/v1?api-version=[redacted]&key=[redacted]#x',
  );
  const text = 'http://u:p@ss@h/x?y=z: no. See https://a.b/c.';
  assert.equal(shownUrls(text), 'http://[redacted]@h/x?y=[redacted]: no. See https://a.b/c.');
  assert.equal(shownUrls(shownUrls(text)), shownUrls(text));
  const settings = { baseUrl: 'http://h/v1?k=v', seeds: 'a?b=c', request: { list: ['http://h?x=y', 1, null] } };
  assert.deepEqual(shownSettings(settings), {
    baseUrl: 'http://h/v1?k=[redacted]',
    seeds: 'a?b=c',
    request: { list: ['http://h?x=[redacted]', 1, null] },
  });
});

test('a password in an address never leaves, even of a secret that nobody knows', () => {
  assert.deepEqual(redactAll({ a: ['npm: http://me:pw1@registry/x failed'], b: 1 }), {
    a: ['npm: http://[redacted]@registry/x failed'],
    b: 1,
  });
});
