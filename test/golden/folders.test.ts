// A tokenizer's folder, one change of its files after the other, against what transformers makes of it: ids of texts, ids
// of the named tokens, which are special, the chat template. Where a class of transformers has rules of its own, ids are
// tokenizer.json's here, and a note says that they differ. Made by scripts/golden/make_folders.py.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { missingTemplate } from '../../src/tokenizer/chatml.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { completeFiles, readTokenizerFiles } from '../../src/tokenizer/tokenizer-files.js';
import { type ModelFacts, rebuiltJson } from '../../src/tokenizer/transformers-class.js';

type Json = Record<string, unknown> & { model: Record<string, unknown> & { vocab: Record<string, number> } };
type Roles<T> = Partial<Record<'bos' | 'eos' | 'pad' | 'unk', T>>;

interface Folder {
  name: string;
  /** tokenizer.json: what differs from `base`. */
  files: Record<string, unknown> & { 'tokenizer.json': Record<string, unknown> };
  texts: number[][];
  roles: Roles<string>;
  ids: Roles<number>;
  special: number[];
  size: number;
  template?: string;
}

interface AddedTokens {
  nfc: boolean;
  added: object[];
  texts: [text: string, ids: number[]][];
}

const golden = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8')) as T;
const { base, texts, folders } = await golden<{ base: Json; texts: string[]; folders: Folder[] }>('folders.json');

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'mossctl-folders-'));
});
after(() => rm(root, { recursive: true }));

async function write({ files }: Folder, at: number): Promise<string> {
  const { vocab = {}, ignore_merges = false, ...changes } = files['tokenizer.json'];
  const model = { ...base.model, ignore_merges, vocab: { ...base.model.vocab, ...(vocab as object) } };
  const written = { ...files, 'tokenizer.json': { ...base, ...changes, model } };
  for (const [name, value] of Object.entries(written)) {
    const path = join(root, `${at}`, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return join(root, `${at}`);
}

function otherIds(tokenizer: Tokenizer, folder: Folder): string[] {
  const { before, after } = tokenizer.affixes;
  return texts.flatMap((text, i) => {
    const ids = [...before, ...tokenizer.encodeTrusted(text), ...after];
    return ids.join() === folder.texts[i].join() ? [] : [`${JSON.stringify(text)} ${ids} ${folder.texts[i]}`];
  });
}

/** What differs from transformers in a folder. */
async function differences(folder: Folder, at: number): Promise<{ found: string[]; notes: readonly string[] }> {
  const directory = await write(folder, at);
  const { chatTemplate, json, roles, path, ...read } = await readTokenizerFiles(directory);
  const notes = read.notes();
  // Not opened: letters stand for templates here, and no conversation can be tried on them.
  const tokenizer = Tokenizer.fromJson(json, path, { roles });
  const found = otherIds(tokenizer, folder);
  // What a note counts is what that class does.
  const model = (folder.files['config.json'] ?? {}) as ModelFacts;
  const { by, sources } = completeFiles(read.texts, model, directory);
  const rebuilt = by?.rules && rebuiltJson(by.rules, sources, json, directory);
  if (rebuilt !== undefined) {
    assert.deepEqual(otherIds(Tokenizer.fromJson(rebuilt, path), folder), [], folder.name);
    assert.equal(notes.length, found.length > 0 ? 1 : 0, folder.name);
  }
  const ours = Object.entries(tokenizer.roles).filter(([, content]) => content !== undefined);
  const named = Object.fromEntries(ours.map(([role, content]) => [role, tokenizer.controlId(content as string)]));
  for (const role of ['bos', 'eos', 'pad', 'unk'] as const) {
    if (named[role] !== folder.ids[role]) found.push(`${role} ${named[role]} ${folder.ids[role]}`);
    if (tokenizer.roles[role] !== folder.roles[role])
      found.push(`${role} ${tokenizer.roles[role]} ${folder.roles[role]}`);
  }
  const special = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => tokenizer.isSpecial(id));
  if (special.join() !== folder.special.join()) found.push(`special ${special}, ${folder.special}`);
  if (tokenizer.vocabSize !== folder.size) found.push(`size ${tokenizer.vocabSize} ${folder.size}`);
  const template = chatTemplate === missingTemplate ? undefined : chatTemplate;
  if (template !== folder.template) found.push(`template ${template} ${folder.template}`);
  return { found, notes };
}

test('folders are read as transformers reads them, or a note says what differs', async () => {
  assert.equal(folders.length, 165);
  const noted: string[] = [];
  for (const [i, folder] of folders.entries()) {
    const { found, notes } = await differences(folder, i);
    if (found.length > 0 && notes.length > 0) noted.push(folder.name);
    else assert.deepEqual(found, [], folder.name);
  }
  // Of classes with rules of their own all but those whose rules these folders have already; and three by other causes.
  assert.equal(noted.length, 61);
  for (const name of ['split_special_tokens', 'chat_template.json', 'llama, BartTokenizer'])
    assert.ok(noted.includes(name));
});

test('added tokens of every flag are found where the Rust library finds them', async () => {
  const sets = await golden<AddedTokens[]>('added-tokens.json');
  let count = 0;
  for (const { nfc, added, texts: found } of sets) {
    const json = { ...base, normalizer: nfc ? { type: 'NFC' } : null, added_tokens: added };
    const tokenizer = Tokenizer.fromJson(json, 'tokenizer.json');
    for (const [text, ids] of found) {
      assert.deepEqual(tokenizer.encodeTrusted(text), ids, JSON.stringify([text, added]));
      count++;
    }
  }
  assert.equal(count, 1200);
});
