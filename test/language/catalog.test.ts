// The catalog against the source: no entry for a text that is no longer there, no place that is lost on the way, and no less
// of the program in Chinese than there was. `node --import tsx scripts/messages.ts` lists what has none yet.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isComposed, isMessage, type SourceText, sourceTexts } from '../../scripts/messages.js';
import { catalogs, nouns } from '../../src/language/zh/index.js';
import { others } from '../../src/language/zh/others.js';

const texts = sourceTexts();
const messages = new Map(texts.filter(isMessage).map((text) => [text.key, text]));
const translated = new Map(catalogs.flatMap(Object.entries<string>));

/** Folder (or part of one) → share of its messages that are in Chinese, in percent. */
const coverage: Readonly<Record<string, number>> = {
  'base/': 93,
  'checkpoint/': 82,
  'cli/': 85,
  'config/': 95,
  'data/': 84,
  'evaluation/': 58,
  'feedback/': 90,
  'inference/': 88,
  'network/': 95,
  'pipeline/': 80,
  'report/': 90,
  'serve/': 70,
  'stages/align/': 87,
  'stages/self-instruct/': 60,
  'stages/sft/': 90,
  'tokenizer/': 45,
  'train/': 60,
};

test('the larger part of what each folder says is in Chinese', () => {
  assert.ok(messages.size > 3000, `${messages.size} messages`);
  for (const [folder, least] of Object.entries(coverage)) {
    const own = [...messages.values()].filter(({ at }) => at.startsWith(folder));
    const missing = own.filter(({ key }) => !translated.has(key));
    const percent = 100 * (1 - missing.length / own.length);
    const list = missing.map(({ at, key }) => `${at}: ${key}`).join('\n');
    assert.ok(percent >= least, `${folder}: ${percent.toFixed(1)} % of ${own.length}, not ${least} %\n${list}`);
  }
});

test('every command, argument and option is described in Chinese', async () => {
  const { buildProgram } = await import('../../src/cli/program.js');
  const { speechIn } = await import('../../src/language/speech.js');
  const speech = await speechIn('zh');
  const described: string[] = [];
  const visit = (command: ReturnType<typeof buildProgram>): void => {
    const own = [command, ...command.options, ...command.registeredArguments];
    described.push(
      ...own.map((each) => (typeof each.description === 'string' ? each.description : each.description())),
    );
    for (const inner of command.commands) visit(inner);
  };
  visit(buildProgram(() => '', speech));
  const known = /^$|^data-spec YAML$/;
  assert.ok(described.length > 300, `${described.length} descriptions`);
  assert.deepEqual(
    described.filter((text) => !known.test(text) && speech.say(text) === text),
    [],
  );
});

test('help translates no name of a command, an option or an argument', async () => {
  const { buildProgram } = await import('../../src/cli/program.js');
  const { helpLines } = await import('../../src/cli/help.js');
  const { english, speechIn } = await import('../../src/language/speech.js');
  const named = (speech: typeof english): string[] => {
    const terms: string[] = [];
    const visit = (command: ReturnType<typeof buildProgram>): void => {
      const help = helpLines(command.helpInformation(), speech);
      terms.push(...[...help.matchAll(/^ {2}(\S+(?: \S+)*)/gm)].map(([, term]) => `${command.name()}: ${term}`));
      for (const inner of command.commands) visit(inner);
    };
    visit(buildProgram(() => '', speech));
    return terms;
  };
  const [own, chinese] = [named(english), named(await speechIn('zh'))];
  assert.ok(own.length > 300 && own.includes('pack: run') && own.includes('mossctl: eval [options] [checkpoints...]'));
  assert.deepEqual(chinese, own);
});

test('no entry outlives its text', () => {
  const keys = new Set(texts.map(({ key }) => key));
  const commander = fileURLToPath(new URL('../../node_modules/commander/lib/', import.meta.url));
  const foreign = readdirSync(commander)
    .map((name) => readFileSync(commander + name, 'utf8'))
    .join('');
  const gone = [...translated.keys()].filter(
    (key) => !keys.has(key) && !(Object.hasOwn(others, key) && isComposed(key, texts, foreign)),
  );
  assert.deepEqual(gone, []);
});

test('a translation has the places of its text; only a choice of words may have none', () => {
  const bySource = new Map<string, SourceText>(texts.map((text) => [text.key, text]));
  const places = (text: string): string[] => text.match(/\{\d+\}/g) ?? [];
  const wrong = [...translated].flatMap(([key, chinese]) => {
    const [known, used] = [new Set(places(key)), new Set(places(chinese))];
    const expressions = bySource.get(key)?.places ?? [];
    const isWords = (place: string): boolean => expressions[Number(place.slice(1, -1)) - 1]?.includes('?') ?? false;
    const lost = [...known].filter((place) => !used.has(place) && !isWords(place));
    const made = [...used].filter((place) => !known.has(place));
    return lost.length + made.length > 0 ? [`${key} → ${chinese}`] : [];
  });
  assert.deepEqual(wrong, []);
});

test('Chinese sentences have Chinese marks, and blanks beside Latin words', () => {
  const wrong = [...translated.values(), ...Object.values(nouns)].filter((text) =>
    /[\u4e00-\u9fff][,;!?](\s|$)|[\u4e00-\u9fff]\.(\s|$)|[\u4e00-\u9fff][A-Za-z]{2,}|[a-z]{2,}[\u4e00-\u9fff]/.test(
      text,
    ),
  );
  assert.deepEqual(wrong, []);
});
