// What holds for the whole page: nothing hostile runs, its policy refuses nothing, it reads on a phone, in the dark, in Chinese and
// to a screen reader, and it is small. And what Watch and Feedback show of real files.
import assert from 'node:assert/strict';
import { appendFile, cp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { appendFeedback, eraseLines, indexStore } from '../../src/feedback/store.js';
import { root } from '../e2e/cli.js';
import { asked, judgement } from '../feedback/judgements.js';
import { launch, openPage, skip } from './browser.js';
import { hostile, type PageWorld, pageFolder, startPage } from './page-world.js';

let world: PageWorld;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  world = await startPage(0);
  browser = await launch(); // last: a browser that nobody closes keeps this process
});
after(async () => {
  await browser?.close();
  await world?.stop();
});

const views = ['#/chat', '#/watch/demo/other', '#/feedback'];
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

async function settled(page: Page, view: string): Promise<void> {
  await page.goto(`${world.url}/${view}`);
  const shown = { chat: '.tries', watch: '.results', feedback: '.facts' }[view.split('/')[1]] ?? 'main';
  await page.locator(shown).first().waitFor();
}

test('no text becomes markup or code: the page has no way to do that', async () => {
  const source = join(root, 'src/page');
  const names = (await readdir(source)).filter((name) => /\.tsx?$/.test(name));
  assert.ok(names.length > 15, `${names.length} files`);
  for (const name of names) {
    const text = await readFile(join(source, name), 'utf8');
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function/, name);
  }
});

test('the page is whole and small, and says whose work is in it', async () => {
  const names = (await readdir(pageFolder)).sort();
  assert.deepEqual(names, ['LICENSES.txt', 'app.css', 'app.js', 'icon.svg', 'index.html']);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(pageFolder, name))).size));
  const total = sizes.reduce((a, b) => a + b, 0);
  assert.ok(total < 300_000, `${total} bytes`);
  const licences = await readFile(join(pageFolder, 'LICENSES.txt'), 'utf8');
  for (const name of ['preact', 'uplot'])
    assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'));
});

test('no serious finding of axe, light and dark; nothing refused by the policy, nothing asked elsewhere', {
  skip,
}, async () => {
  // Without the page's policy, which refuses axe too; the other tests have it.
  const { page, close } = await openPage(browser, world.url, { bypassCSP: true });
  const seriousOf = async (view: string, options: object): Promise<string[]> => {
    if (!(await page.evaluate<boolean>('"axe" in window'))) await page.addScriptTag({ path: axe });
    const run = `axe.run(document, ${JSON.stringify(options)})`;
    const { violations } = await page.evaluate<{ violations: Violation[] }>(run);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${view} ${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
  };
  await appendFeedback(world.file, [judgement(900, 'second', ['a', 'b']), judgement(901, 'tie', ['a', 'b'])]);
  for (const view of views) {
    await settled(page, view);
    await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');
    const erase = page.getByRole('button', { name: /^Delete what was said/ }).first();
    if (view === '#/feedback') await erase.click();
    assert.deepEqual(await seriousOf(view, {}), []);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const view of views) {
    await settled(page, view);
    await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');
    assert.deepEqual(await seriousOf(view, { runOnly: ['color-contrast'] }), []);
  }
  await eraseLines(world.file, (await indexStore(world.file)).texts);
  await settled(page, '#/chat');
  await page.getByLabel('Compare with').selectOption('base');
  await page.getByRole('button', { name: '12×3+9=?' }).click();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  assert.equal(await page.getByRole('article').count(), 2);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await seriousOf(`a conversation, ${colorScheme}`, {}), []);
  }
  await close();
});

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

test('360 pixels wide, in Chinese: no view scrolls sideways, and none asks elsewhere or is refused anything', {
  skip,
}, async () => {
  const { page, faults, close } = await openPage(browser, world.url, {
    ...{ locale: 'zh-CN', viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true },
  });
  for (const view of views) {
    await settled(page, view);
    assert.equal(await page.evaluate<string>('document.documentElement.lang'), 'zh-CN');
    assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 360, view);
    assert.ok(await page.evaluate<boolean>('document.querySelector(".top > button").clientHeight < 40'), view);
  }
  await page.getByRole('button', { name: 'English' }).tap();
  await page.getByRole('heading', { name: 'Feedback' }).waitFor();
  assert.ok(await page.evaluate<boolean>('document.querySelector(".top > button").clientHeight < 40'), '中文');
  await settled(page, '#/chat');
  const wide = `\`\`\`\n${'x'.repeat(400)}\n\`\`\`\n| a | b |\n|---|---|\n| ${'y'.repeat(400)} | z |\n${'w'.repeat(20_000)}`;
  const events = [
    { type: 'text', text: wide },
    {
      type: 'end',
      finish: 'stop',
      usage: { input: 1, output: 1 },
      seed: 1,
      messages: [{ role: 'assistant', content: wide }],
    },
  ];
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  await page.route('**/api/chat', (route) => route.fulfill({ contentType: 'text/event-stream', body }));
  await page.getByRole('button', { name: '请用英文说“猫”' }).tap();
  await page.locator('.answer table').waitFor();
  await page.getByText('Conversations (1)').tap();
  await page.getByRole('navigation', { name: 'Conversations' }).getByText('请用英文说').waitFor();
  assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 360);
  assert.deepEqual(faults, []);
  await close();
});

test('a run: curves, samples and intervals; new lines are drawn as they come; hostile text stays text', {
  skip,
}, async () => {
  const { page, faults, close } = await openPage(browser, world.url);
  await settled(page, '#/watch/demo');
  const curve = page.getByRole('img', { name: /^Loss training from 0\.\d+ to 0\.\d+/ });
  await curve.waitFor();
  const before = await curve.getAttribute('aria-label');
  assert.equal(await page.locator('.samples dd').innerText(), hostile);
  const right = page.locator('.results tr', { hasText: /^Right answers↑/ });
  assert.match(await right.innerText(), /65\.3%\s+\[59\.3, 70\.3\]/);
  assert.match((await right.locator('span').first().getAttribute('title')) ?? '', /^\w+: share of held-out tasks/);
  assert.equal(await page.locator('.results tr:visible', { hasText: '·' }).count(), 0);
  await page.getByText(/^\d+ metrics by family, language or source/).click();
  await page.locator('.results tr', { hasText: 'Right answers · arithmetic' }).waitFor();
  const step = { type: 'step', stage: 'align', step: 33, steps: 40, learningRate: 0.001, gradientNorm: 1, tokens: 9 };
  const line = { ...step, tokensPerSecond: 100, loss: 0.12345, time: 9000 };
  await appendFile(join(world.runs, 'demo/metrics.jsonl'), `${JSON.stringify(line)}\n`);
  // A smoothed line ends with the mean of its last window, which the new step changes.
  await curve.and(page.locator(`:not([aria-label="${before}"])`)).waitFor();
  await page.getByLabel('Compare with').selectOption('other');
  await page.getByRole('img', { name: /Loss other · training/ }).waitFor();
  assert.match(page.url(), /#\/watch\/demo\/other$/);
  assert.equal(await page.title(), 'Watch · mossctl');
  assert.deepEqual(faults, []);
  await close();
});

test('the run that is read stays when another one starts; a name that no run has is said in words', {
  skip,
}, async () => {
  const { page, close } = await openPage(browser, `${world.url}/#/watch`);
  const heading = page.getByRole('heading', { level: 1 });
  const name = await heading.innerText();
  const newest = join(world.runs, 'newest');
  await cp(join(world.runs, 'demo'), newest, { recursive: true });
  assert.match(await page.locator('.runs li', { hasText: 'newest' }).innerText(), /^newest/);
  assert.match(await page.locator('.runs li').first().innerText(), /^newest/);
  assert.equal(await heading.innerText(), name);
  await page.goto(`${world.url}/#/watch/nothere`);
  await page.getByText('There is no run of this name. Choose one from the list.').waitFor();
  await rm(newest, { recursive: true });
  await close();
});

test('a run that is followed and has saved no model yet: said in words, until there is one to ask', {
  skip,
}, async () => {
  const { page, faults, close } = await openPage(browser, world.url);
  let isSaved = false;
  await page.route('**/api/session', async (route) => {
    const session = (await (await route.fetch()).json()) as object;
    await route.fulfill({ json: isSaved ? session : { ...session, models: [], default: '', follows: true } });
  });
  await page.reload();
  await page.getByRole('heading', { name: 'There is no model yet' }).waitFor();
  await page.getByRole('link', { name: 'Feedback' }).click();
  assert.equal(await page.getByRole('button', { name: 'Start a round' }).isDisabled(), true);
  await page.getByRole('link', { name: 'Chat' }).click();
  isSaved = true;
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('of a round only a gain beyond chance is marked, and what α says stands below the reason', { skip }, async () => {
  const { page, close } = await openPage(browser, world.url);
  const figures = (value: number) => ['preference', 'winRate', 'correct'].map((metric) => ({ metric, value }));
  const gains = [
    { metric: 'preference', value: 0.008, low: -0.013, high: 0.037 },
    { metric: 'winRate', value: 0.1, low: 0.02, high: 0.2 },
  ];
  const why = 'α = 0.25, 0.5: better, but that may be chance';
  const end = { type: 'end', promoted: false, why, before: figures(0.5), after: figures(0.6), gains };
  const earlier = { id: 'feedback-1', state: 'stopped', began: '2026-11-28T10:00:00.000Z' };
  const rounds = [{ id: 'feedback-2', state: 'refused', began: '2026-11-28T11:00:00.000Z', end }, earlier];
  await page.route('**/api/rounds', (route) => route.fulfill({ json: { rounds, more: 3 } }));
  await page.goto(`${world.url}/#/feedback`);
  await page.getByText('α says how far a candidate lies').waitFor();
  await page.getByText('4 earlier rounds').click();
  await page.getByText('It did not come to its end.').waitFor();
  assert.deepEqual(await page.locator('.results tr:has(.best) th').allInnerTexts(), ['Win rate↑']);
  await close();
});

test('feedback: what there is and how many it lacks; one is looked at and erased; a round runs through the gate', {
  skip,
}, async () => {
  const { page, faults, close } = await openPage(browser, `${world.url}/#/feedback`);
  await page.getByText('No judgements yet').waitFor();
  await page.getByText(/^About \d+ more comparisons or corrections, and a round may begin\.$/).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Start a round' }).isDisabled(), true);
  const pairs = Array.from({ length: 40 }, (_, i) =>
    judgement(i, 'first', [`${i} yes`, `${i} no`], { prompt: asked(`${i}?`) }),
  );
  await appendFeedback(world.file, pairs);
  await page.reload();
  await page.getByText('A round would train on 40 pairs and 0 labels.').waitFor();
  await page.getByLabel('Good 0').check();
  await page.getByText('None of this kind.').waitFor();
  await page.getByLabel('Compared 40').check();
  const said = page.locator('.judgements li');
  await said.nth(39).waitFor();
  await said.first().locator('summary').click();
  assert.match(await said.first().innerText(), /Question\s+39\?\s+Answer\s*Preferred\s+39 yes\s+Answer\s+39 no/);
  await said.first().getByRole('button', { name: 'Delete what was said of “39?”' }).click();
  await said.first().getByRole('button', { name: 'Delete what was said of “39?”' }).click();
  await page.getByText('A round would train on 39 pairs and 0 labels.').waitFor();
  assert.equal(await page.evaluate<string>('document.activeElement.textContent'), 'What you have said');
  assert.equal(await page.locator('.judgements li').count(), 39);
  assert.doesNotMatch(await readFile(world.file, 'utf8'), /39 yes/);
  await page.getByRole('button', { name: 'Start a round' }).click();
  await page.getByRole('progressbar').waitFor();
  await page.getByRole('heading', { name: /^(Promoted|Not promoted)/ }).waitFor({ timeout: 120_000 });
  await page.getByRole('columnheader', { name: 'before' }).waitFor();
  await page.locator('.results tr', { hasText: /^Win rate/ }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});
