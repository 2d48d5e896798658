// What is shared of a URL: no key, and the page that a licence asks to be named as it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedUrls, urlsWithKeys } from '../../src/cli/shared-urls.js';

test('a key is taken out of a URL, whatever its name or its form', () => {
  for (const url of [
    'https://a.org/x?token=correct-horse',
    'https://a.org/x?page=1&X-Amz-Signature=abc',
    'https://a.org/x?d=s3cr3tK3y9876',
    'https://a.org/x?d=12345678',
    'https://alice:word@a.org/x',
    'https://a.org/x#access_token=correct-horse',
    'https://a.org/x?v=2#k=s3cr3tK3y9876',
  ]) {
    assert.deepEqual(urlsWithKeys(`see ${url}.`), [url]);
    const shown = sharedUrls(`see ${url}.`);
    assert.match(shown, /^see https:.*\[redacted\].*\.$/);
    assert.doesNotMatch(shown, /horse|=abc|s3cr|1234|alice|word/);
    assert.deepEqual(urlsWithKeys(shown), []);
  }
});

test('an address without one stays', () => {
  const text =
    'by MDBG (https://www.mdbg.net/chinese/dictionary?page=cc-cedict) under https://a.org/by-sa/4.0/?v=2 and https://a.org/wiki#History';
  assert.equal(sharedUrls(text), text);
  assert.deepEqual(urlsWithKeys(text), []);
});
