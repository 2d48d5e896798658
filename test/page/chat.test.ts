// Chat in a real browser, on a real server with a real model: what is asked streams in, is stopped, edited, compared and judged,
// and what is judged is in the store.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Judgement } from '../../src/feedback/record.js';
import { readFeedback } from '../../src/feedback/store.js';
import { collected } from '../feedback/judgements.js';
import { words } from '../serve/world.js';
import { launch, type OpenPage, openPage, skip } from './browser.js';
import { hostile, type PageWorld, startPage } from './page-world.js';

let world: PageWorld;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  world = await startPage(120);
  browser = await launch(); // last: a browser that nobody closes keeps this process
});
after(async () => {
  await browser?.close();
  await world?.stop();
});

const box = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answers = (page: Page) => page.getByRole('article');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const judgements = (): Promise<Judgement[]> => collected(readFeedback(world.file));

async function opened(): Promise<OpenPage & { ask(question: string): Promise<void> }> {
  const open = await openPage(browser, world.url);
  const { page } = open;
  return {
    ...open,
    ask: async (question) => {
      await box(page).fill(question);
      await page.keyboard.press('Enter');
      await button(page, 'Send').waitFor(); // until then it is "Stop"
    },
  };
}

/** The likeliest answer, which the model has learnt. */
async function settle(page: Page, { tools }: { tools: boolean }): Promise<void> {
  await page.getByText('Settings').click();
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('May call tools').setChecked(tools);
}

const focusedName = `document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`;

/** Run in the page: how long the answer was, each time that it changed. */
const watchGrowth = `window.grown = [];
  new MutationObserver(() => grown.push(document.querySelector('.answer .said')?.textContent.length ?? 0))
    .observe(document.body, { subtree: true, childList: true, characterData: true })`;

test('an answer streams in; its first token is timed; several turns; a call is shown with its result', {
  skip,
}, async () => {
  const { page, ask, said, faults, close } = await opened();
  await page.getByText('What would you like to try?').waitFor();
  await settle(page, { tools: false });
  await page.evaluate(watchGrowth);
  await ask('Count.');
  assert.equal(await answers(page).locator('.said').innerText(), words);
  const grown = await page.evaluate<number[]>('grown');
  assert.ok(new Set(grown.filter((length) => length > 0)).size > 5, `it grew through ${grown}`);
  assert.match(said.join('\n'), /first token on the page after \d+ ms \(sft\)/);
  await page.getByText(/^first token \d+ ms · \d+ tokens/).waitFor();

  await button(page, 'New conversation').click();
  await page.getByLabel('May call tools').check();
  await ask('12*3?');
  assert.match(
    await answers(page).innerText(),
    /Calls Calculate\s+Arguments\s+\{"expression":"12\*3"\}\s+Result\s+36\s+It is 36\./,
  );
  await ask('Count.');
  assert.equal(await answers(page).count(), 2);
  assert.deepEqual(faults, []);
  await close();
});

test('a thumb, a correction and their undoing reach the store, with what was asked', { skip }, async () => {
  const { page, ask, faults, close } = await opened();
  await settle(page, { tools: false });
  await ask('Count.');
  await button(page, 'Good answer').click();
  await page.getByText('Saved as good.').waitFor();
  const [good, ...none] = await judgements();
  assert.deepEqual(none, []);
  assert.deepEqual(
    [good.verdict, good.annotator, good.prompt],
    ['good', 'anna', [{ role: 'user', content: 'Count.' }]],
  );
  assert.deepEqual([good.answers[0].messages[0].content, good.answers[0].sampling?.temperature], [words, 0]);
  await button(page, 'Correct it').click();
  await page.getByLabel('What should it have said?').fill(`One. ${hostile}`);
  await button(page, 'Save correction').click();
  await page.getByText('Correction saved').waitFor();
  const [edit] = await judgements();
  assert.deepEqual([edit.verdict, edit.edited], ['edit', [{ role: 'assistant', content: `One. ${hostile}` }]]);
  assert.equal(await page.locator('.corrected').innerText(), `One. ${hostile}`);
  await button(page, 'Undo').click();
  await page.getByText('Correction saved').waitFor({ state: 'detached' });
  assert.deepEqual(await judgements(), []);
  await button(page, 'Bad answer').click();
  await page.getByText('Saved as bad.').waitFor();
  await page.getByRole('link', { name: 'Feedback' }).click();
  for (const _ of ['asks', 'erases']) await button(page, 'Delete what was said of “Count.”').click();
  await page.getByText(/^Erased from the file/).waitFor();
  await page.getByRole('link', { name: 'Chat' }).click();
  await page.getByText(words).waitFor();
  assert.equal(await page.getByText('Saved as bad.').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('two answers side by side; the better one is kept and the conversation continues from it', { skip }, async () => {
  const { page, ask, faults, close } = await opened();
  await settle(page, { tools: false });
  await ask('Count.');
  await page.getByRole('button', { name: 'Base', exact: true }).click();
  await button(page, 'Send').waitFor();
  await button(page, 'This one is better').nth(1).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved: which one is better.').waitFor();
  assert.equal(await page.evaluate<string>(focusedName), 'Undo');
  const [better] = await judgements();
  assert.deepEqual([better.verdict, better.answers.map(({ name }) => name)], ['second', ['sft', 'base']]);
  assert.equal(better.answers[0].messages[0].content, words);
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/chat'));
  await box(page).fill('Count.');
  await page.keyboard.press('Enter');
  const { messages } = (await sent).postDataJSON() as { messages: { content: string }[] };
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['Count.', better.answers[1].messages[0].content, 'Count.'],
  );
  await button(page, 'Undo').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved: which one is better.').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate<string>(focusedName), 'Equally good');
  assert.deepEqual(await judgements(), []);
  assert.deepEqual(faults, []);
  await close();
});

test('a correction that changes nothing leaves the earlier judgement; the focus stays where the person was', {
  skip,
}, async () => {
  const { page, ask, faults, close } = await opened();
  await settle(page, { tools: false });
  await ask('Count.');
  await button(page, 'Bad answer').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved as bad.').waitFor();
  assert.equal(await page.evaluate<string>(focusedName), 'Bad answer');
  await button(page, 'Correct it').focus();
  await page.keyboard.press('Enter');
  await button(page, 'Save correction').click();
  await page.getByText('The text is unchanged.').waitFor();
  assert.deepEqual(
    (await judgements()).map(({ verdict }) => verdict),
    ['bad'],
  );
  await button(page, 'Cancel').click();
  await page.getByText('The text is unchanged.').waitFor({ state: 'detached' });
  await page.getByText('Saved as bad.').waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate<string>(focusedName), 'Correct it');
  await button(page, 'Good answer').click();
  await page.getByText('Saved as good.').waitFor();
  assert.deepEqual(
    (await judgements()).map(({ verdict }) => verdict),
    ['good'],
  );
  await button(page, 'Undo').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved as good.').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate<string>(focusedName), 'Good answer');
  assert.deepEqual(await judgements(), []);
  assert.deepEqual(faults, []);
  await close();
});

test('two equal answers are not offered for judging; a full context offers a new conversation with the question', {
  skip,
}, async () => {
  const { page, ask, close } = await opened();
  await settle(page, { tools: false });
  await ask('Count.');
  await button(page, 'another seed').click();
  await page.getByText('Both answers are the same: there is nothing to compare.').waitFor();
  assert.equal(await button(page, 'This one is better').count(), 0);
  assert.equal(await button(page, 'Both bad').count(), 0);
  const long = 'Count. '.repeat(400);
  await ask(long);
  await page.getByText(/^This model's context of 512 tokens does not hold/).waitFor();
  assert.equal(await button(page, 'Try again').count(), 0);
  await page.locator('.answer').getByRole('button', { name: 'New conversation' }).click();
  await page.getByText('What would you like to try?').waitFor();
  assert.equal(await box(page).inputValue(), long);
  assert.equal(await page.evaluate<string>(focusedName), 'Message');
  await close();
});

test('by the keyboard alone: ask, stop, ask again, edit the question and ask from there', { skip }, async () => {
  const { page, faults, close } = await opened();
  await page.getByText('What would you like to try?').waitFor();
  const seeds: number[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/chat')) seeds.push((request.postDataJSON() as { seed: number }).seed);
  });
  const tabTo = async (name: string): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const focused = await page.evaluate<string>(focusedName);
      if (focused === name) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`no Tab comes to ${name}`);
  };
  // The first request is held back, so that its answer has not ended when Escape comes.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/api/chat', (route) => held.then(() => route.continue()).catch(() => undefined), { times: 1 });
  await tabTo('Message');
  await page.keyboard.type('什么？');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type(hostile);
  await page.keyboard.press('Control+Enter');
  await page.keyboard.press('Escape');
  await page.getByText('Stopped.').waitFor();
  release();
  assert.equal(await page.locator('.question .said').textContent(), `You: 什么？\n${hostile}`);
  await tabTo('Edit');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate<string>('document.activeElement.value'), `什么？\n${hostile}`);
  await page.keyboard.press('Escape');
  await tabTo('Edit');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Count.');
  await page.keyboard.press('Enter');
  await button(page, 'Send').waitFor();
  assert.equal(await page.locator('.question .said').textContent(), 'You: Count.');
  assert.equal(await answers(page).count(), 1);
  await tabTo('Regenerate');
  await page.keyboard.press('Enter');
  await button(page, 'Send').waitFor();
  assert.deepEqual([seeds.length, new Set(seeds).size], [3, 3]);
  assert.equal(await page.title(), 'Chat · mossctl');
  assert.deepEqual(faults, []);
  await close();
});

test('conversations are kept in the browser: reloaded, listed, opened, deleted; too many are said, a broken one too', {
  skip,
}, async () => {
  const { page, ask, faults, close } = await opened();
  const listed = page.getByRole('navigation', { name: 'Conversations' });
  await settle(page, { tools: false });
  await ask('Count.');
  await button(page, 'Good answer').click();
  await page.getByText('Saved as good.').waitFor();
  await button(page, 'New conversation').click();
  await ask(hostile);
  await box(page).fill('not sent yet');
  await page.reload();
  await page.locator('.question').waitFor();
  assert.equal(await page.locator('.question .said').textContent(), `You: ${hostile}`);
  assert.equal(await box(page).inputValue(), 'not sent yet');
  assert.deepEqual(await listed.locator('b').allInnerTexts(), [hostile, 'Count.']);
  await listed.getByRole('button', { name: /^Count\. / }).click();
  assert.equal(await answers(page).locator('.said').innerText(), words);
  await page.getByText('Saved as good.').waitFor();

  const spare = { title: 'spare', changed: 0, revision: 1 };
  await page.evaluate(`for (let i = 0; i < 198; i++)
    localStorage.setItem('mossctl-conversation-' + String(i).padStart(16, '0'), ${JSON.stringify(`${JSON.stringify(spare)}\n[{"question":1}]`)})`);
  await page.reload();
  await listed
    .getByRole('button', { name: /^spare / })
    .first()
    .click();
  await listed.getByText('(cannot be read)').waitFor();
  await button(page, 'New conversation').click();
  await ask('Count.');
  await page.getByText('This conversation is not kept: 200 are').waitFor();
  const erase = button(page, 'Delete “spare”').first();
  await erase.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate<string>(focusedName), 'Delete “spare”');
  await page.keyboard.press('Escape');
  await page.getByText('Delete it?').waitFor({ state: 'detached' });
  assert.equal(await listed.locator('li').count(), 200);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByText('This conversation is not kept').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate<string>(focusedName), 'New conversation');
  assert.equal(await listed.locator('li').count(), 200); // one went, this one came
  assert.deepEqual(faults, []);
  await close();
});

test('two tabs with one conversation: what one adds is seen in the other, and neither writes over what the other has', {
  skip,
}, async () => {
  const { page, ask, close } = await opened();
  await settle(page, { tools: false });
  await ask('Count.');
  const other = await page.context().newPage();
  await other.goto(world.url);
  await other
    .getByRole('navigation')
    .getByRole('button', { name: /^Count\. / })
    .click();
  const askThere = async (question: string): Promise<void> => {
    await box(other).fill(question);
    await other.keyboard.press('Enter');
    await button(other, 'Send').waitFor();
  };
  await askThere('second');
  await page.locator('.question', { hasText: 'second' }).waitFor();
  // Both write at once: this tab's answer is held back until the other has kept its own.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/api/chat', (route) => held.then(() => route.continue()), { times: 1 });
  await box(page).fill('here');
  await page.keyboard.press('Enter');
  await button(page, 'Stop').waitFor();
  await askThere('there');
  release();
  await button(page, 'Send').waitFor();
  const questions = (at: Page) => at.locator('.question .said').allInnerTexts();
  assert.deepEqual(
    (await questions(page)).map((text) => text.replace(/^You:\s*/, '')),
    ['Count.', 'second', 'here'],
  );
  await page.reload();
  await page.locator('.question', { hasText: 'here' }).waitFor();
  assert.equal(await page.getByRole('navigation').locator('li').count(), 2);
  await page
    .getByRole('navigation')
    .getByRole('button', { name: /^Count\. / })
    .nth(1)
    .click();
  await page.locator('.question', { hasText: 'there' }).waitFor();
  await close();
});

test('a number out of its bounds is marked and said, and not asked with', { skip }, async () => {
  const { page, ask, close } = await opened();
  await settle(page, { tools: false });
  const field = page.getByLabel('Temperature');
  await page.getByText('0 to 10 · 0 always takes the likeliest token').waitFor();
  await field.fill('99');
  await page.getByText('This is no number from 0 to 10: asked is with 0.').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await field.inputValue(), '99');
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/chat'));
  await ask('Count.');
  assert.deepEqual((await sent).postDataJSON().sampling, { temperature: 0 });
  assert.equal((await sent).headers()['accept-language'], 'en');
  await field.fill('1');
  await page.getByText('0 to 10 · 0 always').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'false');
  await close();
});

test('a server that is gone is said in words; once it is back the page continues, with its new token', {
  skip,
}, async () => {
  const { page, ask, close } = await opened();
  await settle(page, { tools: false });
  await world.kill();
  await box(page).fill('Count.');
  await page.keyboard.press('Enter');
  await page.getByText('The connection to mossctl is lost.').first().waitFor();
  await page.getByRole('link', { name: 'Watch' }).click();
  await page.getByText('Loading…').waitFor({ state: 'detached' });
  await page.getByText('The connection to mossctl is lost.').waitFor();
  await page.getByRole('link', { name: 'Chat' }).click();
  await world.start();
  await page.locator('#app > .problem').waitFor({ state: 'detached' });
  await button(page, 'Try again').click();
  await page.getByText(words).waitFor();
  await ask('Count.');
  assert.equal(await answers(page).count(), 2);
  await close();
});
