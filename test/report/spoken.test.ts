// A report in Chinese: what the page says itself is translated, what models and people wrote is not.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { english, speechIn } from '../../src/language/speech.js';
import { writeQuestionsReport } from '../../src/report/questions-page.js';
import { spokenHtml } from '../../src/report/spoken.js';

const page = `<html lang="en"><body><h2>Answers to held-out prompts</h2><p class="soft">In brackets: 95 % intervals.</p>
<div class="sample"><div class="prompt">Total time</div><div>no values</div></div><pre>Total time</pre>
<dl><dt>Total time</dt><dd>in Chinese</dd></dl><p>a &lt;b&gt; of nobody</p><li><span class="tag">sft</span> no values</li>
<details><summary>no values</summary><ul class="examples"><li>no values</li><li>a <b>no values</b></li></ul></details>
<p>no values</p><th scope="col">before</th><td class="words">no values — <b>lower is better</b></td><td>better <small>better</small></td>
<h3>Round 1 <span class="soft">(promoted at 50 %)</span></h3><h2>Stage: sft</h2>
<p>sft against base, on the same questions: better beyond noise in correct (+4.8 points [+1.0, +9.0]) and loss (+1 [+0, +2]).</p></body></html>`;

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
  assert.match(
    spoken,
    /<th scope="col">之前<\/th><td class="words">没有值 — <b>越低越好<\/b><\/td><td>better <small>更好</,
  );
  assert.match(spoken, /<h3>第 1 轮<span class="soft">（在 50 % 处晋级）<\/span><\/h3><h2>阶段：sft</);
  assert.match(spoken, /显著更好：correct（\+4\.8 个百分点 \[\+1\.0, \+9\.0\]）、loss（\+1 \[\+0, \+2\]）。</);
  assert.equal(spokenHtml(page, english), page);
});

test('the page of own questions speaks the same, and leaves questions and answers alone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'questions-'));
  t.after(() => rm(folder, { recursive: true }));
  const gain = { mean: 0.05, low: 0.01, high: 0.09 };
  const labels = ['sft', 'align'];
  const path = await writeQuestionsReport(
    folder,
    {
      ...{ name: 'q1', command: 'npx mossctl eval a b --tasks q1.jsonl', tables: [] },
      table: {
        columns: labels.map((label, i) => ({ label, checkpoint: label, metrics: { answer: i / 2 } })),
        comparisons: [{ from: 'sft', to: 'align', differences: { answer: gain } }],
      },
      columns: labels.map((label) => ({ label, path: label, digest: 'abcdef0123456789', asked: 'as a chat' })),
      notes: ['memorised text is not measured: no values'],
      questions: [
        { id: 'a', mode: 'direct', question: 'better', right: 'before', answers: [{ text: 'worse' }, { text: 'all' }] },
      ],
    },
    await speechIn('zh'),
  );
  const html = await readFile(path, 'utf8');
  const titles = [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title);
  assert.deepEqual(titles, ['结果', '差异', '检查点', '消息', '回答']);
  assert.match(html, /显著更好：answer.*<small>更好<\/small>.*<td class="words">按对话</s);
  assert.match(html, /<th scope="col">题目<\/th><th scope="col">正确答案<\/th><th scope="col">sft</);
  assert.match(html, />better<\/td><td>before<\/td><td>worse<\/td><td>all<\/td>/);
});
