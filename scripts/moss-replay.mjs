// MOSS's own plugin conversations with the real executors: each command of the file is read as from a model, run by ours, and the
// result compared with the one that MOSS was shown. Search looks through the passages that MOSS was shown, all of them.
// Run: node --import tsx scripts/moss-replay.mjs [FILE.jsonl] [--differences]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMossCalls } from '../src/tokenizer/moss-calls.ts';
import { openTools } from '../src/tools/open.ts';

const shared = fileURLToPath(new URL('../../shared/data/moss_sft_sample.jsonl', import.meta.url));
const file = process.argv.slice(2).find((each) => !each.startsWith('--')) ?? shared;
const showsAll = process.argv.includes('--differences');
const scratch = mkdtempSync(join(tmpdir(), 'mossctl-moss-'));

/** What stands between MOSS's marks. */
function between(field) {
  return field.replace(/^\s*<\|[A-Za-z ]+\|>:\s*/, '').replace(/\s*<eo[htcrm]>\s*$/, '');
}

/** Each result after its call: `Calculate("1+1") => '2'`, or lines below it. */
function storedResults(text) {
  const heads = [...text.matchAll(/^((?:Search|Calculate|Solve|Text2Image)\(.*?\)) =>[ \n]?/gms)];
  return heads.map(({ 0: head, 1: call, index }, i) => {
    const written = text.slice(index + head.length, heads[i + 1]?.index ?? text.length).trim();
    return { call, result: /^'.*'$/s.test(written) && !written.includes("'\n") ? written.slice(1, -1) : written };
  });
}

/** `<|1|>: '…'` → the passages. */
function passagesIn(result) {
  return [...result.matchAll(/<\|\d+\|>: ?(.*?)(?=\n<\|\d+\|>:|$)/gs)].map(([, text]) =>
    text.trim().replace(/^'|'$/g, '').replaceAll('\\n', ' '),
  );
}

/** The number that a line says: `75.0`, `x = 160/3`, `x = 160/3 ≈ 53.3333333333333`. */
function numberIn(line) {
  const [, name = '', first] = /^(?:(\w+) = )?([^≈]*?)(?: ≈ .*)?$/.exec(line.trim()) ?? [];
  const [above, below = 1] = (first ?? '').split('/').map(Number);
  return { name, value: first?.trim() === '' ? Number.NaN : above / below };
}

/** Line by line the same, or the same numbers: the last of fifteen digits may be rounded otherwise. */
function isSame(ours, theirs) {
  const [a, b] = [ours, theirs].map((text) => text.trim().split('\n'));
  const isLike = (line, i) => {
    if (line === b[i]) return true;
    const [x, y] = [numberIn(line), numberIn(b[i] ?? '')];
    return x.name === y.name && Math.abs(x.value - y.value) <= 1e-12 * Math.max(Math.abs(x.value), Math.abs(y.value));
  };
  return a.length === b.length && a.every(isLike);
}

/** Whether some fifteen letters of a passage stand in what was found: titles and cuts differ. */
function overlaps(found, passage) {
  const [inside, letters] = [found, passage].map((text) => text.replace(/\\x[0-9a-f]{2}|[^\p{L}\p{N}]/gu, ''));
  for (let at = 0; at + 15 <= Math.max(15, letters.length); at += 5) {
    if (letters.length > 0 && inside.includes(letters.slice(at, at + 15))) return true;
  }
  return false;
}

const turns = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .flatMap((line) => Object.values(JSON.parse(line).chat))
  .map((turn) => ({ command: between(turn.Commands), results: storedResults(between(turn['Tool Responses'])) }))
  .filter(({ command }) => !/^none\b/i.test(command));

const notes = join(scratch, 'notes');
mkdirSync(notes);
for (const [i, { call, result }] of turns.flatMap(({ results }) => results).entries()) {
  const passages = call.startsWith('Search') ? passagesIn(result) : [];
  if (passages.length > 0) writeFileSync(join(notes, `${i}.txt`), `${passages.join('\n\n')}\n`);
}

const tools = await openTools(['Calculate', 'Solve', `Search=${notes}`]);
const counts = {};
const shown = [];
const count = (tool, what) => {
  counts[tool] ??= {};
  counts[tool][what] = (counts[tool][what] ?? 0) + 1;
};
try {
  let recall = 0;
  let searches = 0;
  for (const { command, results } of turns) {
    const said = readMossCalls(`<|Commands|>: ${command}<eoc>`, tools.tools);
    if (said.toolCalls === undefined) {
      count('(read as no call)', 'commands');
      shown.push(`no call: ${command}`);
      continue;
    }
    const session = tools.session();
    for (const [i, call] of said.toolCalls.entries()) {
      const { content, fault } = await session.call(call);
      const theirs = results[i]?.result;
      const hasTheirs = theirs !== undefined && !/^'?No (?:calculation )?results?\.?'?$/i.test(theirs);
      if (call.name === 'Search' && hasTheirs && fault === undefined) {
        searches++;
        const found = passagesIn(theirs).some((text) => overlaps(content, text));
        if (found) recall++;
        count('Search', found ? 'a passage that MOSS was shown' : 'other passages');
        if (!found) shown.push(`Search ${JSON.stringify(call.arguments)}: ${content.slice(0, 200)}`);
        continue;
      }
      const ours = fault === undefined ? content : undefined;
      const what =
        ours !== undefined && hasTheirs
          ? isSame(ours, theirs)
            ? 'same'
            : 'differs'
          : ours !== undefined
            ? 'ours alone has a result'
            : hasTheirs
              ? 'MOSS alone had a result'
              : 'neither has one';
      count(call.name, what);
      if (what !== 'same') {
        shown.push(
          `${call.name} ${JSON.stringify(call.arguments).slice(0, 160)}: ${what}: ours ${JSON.stringify(content).slice(0, 160)}, MOSS ${JSON.stringify(theirs ?? null).slice(0, 160)}`,
        );
      }
    }
  }
  for (const [tool, found] of Object.entries(counts)) {
    console.log(
      `${tool.padEnd(18)} ${Object.entries(found)
        .map(([what, n]) => `${what}: ${n}`)
        .join(' · ')}`,
    );
  }
  console.log(`Search finds one of MOSS's passages among its own three in ${recall} of ${searches} queries`);
  if (showsAll) console.log(shown.join('\n'));
} finally {
  await tools.close();
  rmSync(scratch, { recursive: true, force: true });
}
