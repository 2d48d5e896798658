// The project's words, held by a test: names and messages use the field's terms in plain English (see CONTRIBUTING).
// A private dialect costs each reader who meets it a guess.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const root = `${repository}src/`;

/** What stands in a name, and what to call it instead. */
const names: readonly [RegExp, string][] = [
  [
    /^(Left|Made|Placed|Opened|Planned|Ahead|Watched|Fetched|Gathered|Located|Measured|Sampled|Continued|Counted|Damaged|Given|Kept|Known|Drawn|Held|Shown|Taken|Settled|Unstaged)$/,
    'the thing that it is: ParentRun, OutputRecord, OpenRun, SampledPairs',
  ],
  [/^(most|largest|fewest|least|usual)[A-Z]/, 'max…, min… or default… for a limit'],
  [/^(tell|told)[A-Z]/, 'report…, warn… or note…'],
  [/^(madeAgain|settled|free|checkpointing|garbage)$/, 'rebuilt, resolved, freelyChangeable, recompute, unusable'],
];

/** What stands in a message, and what to say instead. */
const phrases: readonly [RegExp, string][] = [
  [/\bgo(es|ing)? on\b/i, 'resume(s), continue(s)'],
  [/\bof others\b/i, 'third-party'],
  [/\b(told|tells)\b/i, 'reported, reports, says'],
  [/\b(left|leaves?|leaving)( \S+){0,3} out\b/i, 'skipped, skips, omit'],
  [/\bmade again\b/i, 'rebuilt'],
  [/\bmend(s|ed)?\b/i, 'fix'],
  [/\bletter for letter\b/i, 'exact'],
  [/\bstood before\b/i, 'exact duplicate of an earlier one'],
  [/\bfor it is\b/i, 'because it is'],
  [/\b(is|was) to have\b/i, 'has, plans'],
  [/\bshall\b/i, 'a plain statement of what is missing'],
  [/\bwithout a word\b/i, 'silently'],
  [/\bheld to\b/i, 'checked against, constrained to; untrusted for "held to be hostile"'],
  [/\bcomes? along\b/i, 'built-in, packaged'],
  [/\bnothing new any more\b/i, 'exhausted'],
  [/\bis cut as\b/i, 'pre-tokenizer'],
];

interface Line {
  at: string;
  text: string;
}

/** The code of each file without its comments, line by line. */
function codeLines(): Line[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .flatMap((path) => {
      const text = readFileSync(`${root}${path}`, 'utf8');
      const lines = text.replace(/\/\*[\s\S]*?\*\//g, blank).split('\n');
      return lines
        .map((line, i) => ({ at: `${path.replaceAll('\\', '/')}:${i + 1}`, text: line.replace(/(^|\s)\/\/.*$/, '') }))
        .filter((line) => line.text.trim() !== '');
    });
}

/** What people read: README, CONTRIBUTING, docs/ and examples/, line by line, without what is quoted as code. */
function pageLines(): Line[] {
  const pages = ['docs', 'examples', 'findings'].flatMap((folder) =>
    readdirSync(`${repository}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  );
  return [...readdirSync(repository), ...pages]
    .filter((path) => path.endsWith('.md') && !path.endsWith('.zh-CN.md') && path !== 'CHANGELOG.md')
    .sort()
    .flatMap((path) => {
      const text = readFileSync(`${repository}${path}`, 'utf8').replace(/^## Words\n[\s\S]*?(?=^## )/m, blank); // the list itself
      const prose = text.replace(/^```[\s\S]*?^```/gm, blank).replace(/`[^`\n]+`/g, '``');
      return prose.split('\n').map((line, i) => ({ at: `${path.replaceAll('\\', '/')}:${i + 1}`, text: line }));
    });
}

/** As many lines, with nothing on them. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, '');
}

const literal = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
const lines = codeLines();

test('no name speaks the private dialect', () => {
  assert.ok(lines.length > 1000, `${lines.length} lines`);
  const wrong = lines.flatMap(({ at, text }) =>
    [...text.replace(literal, "''").matchAll(/(?<![.\w$#])[A-Za-z_$][\w$]*/g)].flatMap(([name]) =>
      names.filter(([pattern]) => pattern.test(name)).map(([, instead]) => `${at}: ${name} → ${instead}`),
    ),
  );
  assert.deepEqual(wrong, []);
});

test('no message speaks the private dialect', () => {
  const wrong = lines
    // Sentences that a model is to learn are data, not messages of ours.
    .filter(({ at }) => !at.startsWith('stages/self-instruct/families/'))
    // A teacher's answers are recorded under the prompt, word for word.
    .filter(({ text }) => !text.includes('Go on with the series'))
    // Part of saved manifests and their digests.
    .filter(({ text }) => !text.includes('no text of others'))
    .flatMap(({ at, text }) =>
      (text.match(literal) ?? []).flatMap((message) =>
        phrases.filter(([pattern]) => pattern.test(message)).map(([, instead]) => `${at}: ${message} → ${instead}`),
      ),
    );
  assert.deepEqual(wrong, []);
});

test('no page has a place that was never filled in', () => {
  const place =
    /^\s*(TABLE|SPEED|FIGURES?|TODO|TBD|FIXME|XXX)\s*$|\b(TODO|TBD|FIXME|XXX)\b|\|\s*(TABLE|SPEED|FIGURES?)\s*(?=\|)/;
  for (const text of ['SPEED', '| wasm | SPEED |', 'then TODO: measure it']) assert.match(text, place);
  assert.doesNotMatch('| SPEEDUP | the TABLE of it |', place);
  assert.deepEqual(
    pageLines().filter(({ text }) => place.test(text)),
    [],
  );
});

test('no page speaks the private dialect', () => {
  const prose = pageLines();
  assert.ok(prose.length > 2000, `${prose.length} lines`);
  const wrong = prose.flatMap(({ at, text }) =>
    phrases.filter(([pattern]) => pattern.test(text)).map(([, instead]) => `${at}: ${text.trim()} → ${instead}`),
  );
  assert.deepEqual(wrong, []);
});
