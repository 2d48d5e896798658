// A report in Chinese: what the page says itself is translated, what models and people wrote is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { english, speechIn } from '../../src/language/speech.js';
import { spokenHtml } from '../../src/report/spoken.js';

const page = `<html lang="en"><body><h2>Answers to held-out prompts</h2><p class="soft">In brackets: 95 % intervals.</p>
<div class="sample"><div class="prompt">Total time</div><div>no values</div></div><pre>Total time</pre>
<dl><dt>Total time</dt><dd>in Chinese</dd></dl><p>a &lt;b&gt; of nobody</p><li><span class="tag">sft</span> no values</li>
<details><summary>no values</summary><ul class="examples"><li>no values</li><li>a <b>no values</b></li></ul></details>
<p>no values</p></body></html>`;

test('headings and labels are translated, samples and settings stay', async () => {
  const spoken = spokenHtml(page, await speechIn('zh'));
  assert.match(spoken, /^<html lang="zh"><body><h2>对留出提问的回答<\/h2><p class="soft">方括号内为 95 % 区间。<\/p>/);
  assert.match(spoken, /<div class="prompt">Total time<\/div><div>no values<\/div><\/div><pre>Total time<\/pre>/);
  assert.match(spoken, /<dt>总时间<\/dt><dd>in Chinese<\/dd>/);
  assert.match(spoken, /<p>a &lt;b&gt; of nobody<\/p>/);
  assert.match(spoken, /<span class="tag">sft<\/span> 没有值<\/li>/);
  // Rows of a corpus.
  assert.match(
    spoken,
    /<summary>没有值<\/summary><ul class="examples"><li>no values<\/li><li>a <b>no values<\/b><\/li><\/ul><\/details>\n<p>没有值</,
  );
  assert.equal(spokenHtml(page, english), page);
});
