// Readers of data: Arrow files, conversations, rows, and the YAML that a person writes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '../../src/base/files.js';
import { loadYaml } from '../../src/base/yaml.js';
import { pipelineSchema } from '../../src/config/pipeline.js';
import { fitConversation } from '../../src/data/conversations/fit.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import { documentFile, readDocuments } from '../../src/data/documents.js';
import type { DataManifest } from '../../src/data/manifest.js';
import { fitPreference } from '../../src/data/preferences/fit.js';
import { readPreferences } from '../../src/data/preferences/read.js';
import type { TokenManifest } from '../../src/data/shard-writer.js';
import { openTokens } from '../../src/data/shards.js';
import { readSource } from '../../src/data/sources/read.js';
import { dataSpecSchema, type Format, loadDataSpec } from '../../src/data/spec.js';
import { readFeedbackPreferences } from '../../src/feedback/preferences.js';
import { readMetrics } from '../../src/report/metrics.js';
import { readSeeds } from '../../src/stages/self-instruct/seed-tasks.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import { mutateJsonLines, mutateYaml } from './mutate-text.js';
import type { Reader } from './readers.js';
import * as world from './world.js';

export async function arrowReaders(folder: string): Promise<Reader[]> {
  const data = join(folder, 'data');
  await world.writeSmallCorpus(data);
  const tokens = await world.writeTokens(data, join(folder, 'tokens'), await world.goldenTokenizer());
  const dataManifest = await world.readJson<DataManifest>(join(data, 'manifest.json'));
  const tokenManifest = await world.readJson<TokenManifest>(join(tokens, 'manifest.json'));
  const documents = documentFile('train');
  const [shard] = tokenManifest.shards;
  const shardBytes = world.bytesOf(join(tokens, shard.file));
  const documentBytes = world.bytesOf(join(data, documents));
  return [
    {
      // The manifest is made to agree with the damage: otherwise the digest alone would refuse every input.
      name: 'Arrow tokens',
      seeds: [shardBytes, world.bytesOf(join(tokens, tokenManifest.shards[1].file))],
      mutate: mutateBytes,
      async read(input) {
        const shards = tokenManifest.shards.map((one) => (one === shard ? { ...one, sha256: sha256(input) } : one));
        await writeFile(join(tokens, 'manifest.json'), JSON.stringify({ ...tokenManifest, shards }));
        await writeFile(join(tokens, shard.file), input);
        await readAllTokens(tokens);
      },
    },
    {
      name: 'tokens manifest',
      seeds: [Buffer.from(JSON.stringify(tokenManifest))],
      mutate: mutateJson,
      async read(input) {
        await writeFile(join(tokens, shard.file), shardBytes);
        await writeFile(join(tokens, 'manifest.json'), input);
        await readAllTokens(tokens);
      },
    },
    {
      name: 'Arrow documents',
      seeds: [documentBytes, world.bytesOf(join(data, documentFile('validation')))],
      mutate: mutateBytes,
      async read(input) {
        const files = { ...dataManifest.files, [documents]: { bytes: input.length, sha256: sha256(input) } };
        await writeFile(join(data, 'manifest.json'), JSON.stringify({ ...dataManifest, files }));
        await writeFile(join(data, documents), input);
        for await (const document of readDocuments(data, 'train')) void document.text.length;
      },
    },
    {
      name: 'corpus manifest',
      seeds: [Buffer.from(JSON.stringify(dataManifest))],
      mutate: mutateJson,
      async read(input) {
        await writeFile(join(data, documents), documentBytes);
        await writeFile(join(data, 'manifest.json'), input);
        for await (const document of readDocuments(data, 'train')) void document.text.length;
      },
    },
  ];
}

async function readAllTokens(path: string): Promise<void> {
  const source = await openTokens(path, 'train');
  for (let i = 0; i < Math.min(source.length, 200); i++) {
    const { id, tokens } = await source.get(i);
    if (typeof id !== 'string' || !Number.isInteger(tokens.length)) throw new Error(`document ${i} is none`);
  }
}

/** A thread with limits of its own, ended beyond them: only then is so much used. */
const threaded = { weight: 0.2, maxMilliseconds: 50_000, maxMebibytes: 2048 };

export async function rowReaders(folder: string): Promise<Reader[]> {
  const golden = await world.goldenTokenizer();
  const template = new ChatTemplate(golden);
  const path = join(folder, 'rows.jsonl');
  const conversationsOf = async (input: Buffer): Promise<void> => {
    await writeFile(path, input);
    const notes = new RowNotes();
    for await (const { conversation } of readConversations(path, notes)) fitConversation(conversation, template, 64);
    notes.lines();
  };
  const preferencesOf = async (input: Buffer): Promise<void> => {
    await writeFile(path, input);
    const notes = new RowNotes('preference');
    for await (const { preference } of readPreferences(path, notes)) fitPreference(preference, template, 64);
    notes.lines();
  };
  const feedbackOf = async (input: Buffer): Promise<void> => {
    await writeFile(path, input);
    for await (const preference of readFeedbackPreferences(path)) fitPreference(preference, template, 64);
  };
  const spec = dataSpecSchema.parse({
    name: 'fuzz',
    sources: [{ name: 's', from: 'file:x', format: 'txt', licence: 'x' }],
  });
  const sourceReader = (
    name: string,
    format: Format,
    seeds: readonly Buffer[],
    mutate: Reader['mutate'],
    more: Partial<Reader> = {},
    columns: Readonly<Record<string, string>> & { text: string } = { text: 'text' },
  ): Reader => ({
    name: `source ${name}`,
    seeds,
    mutate,
    ...more,
    async read(input) {
      await writeFile(path, input);
      const source = { ...spec.sources[0], format, columns };
      for await (const row of readSource([{ path, name: 'x' }], source, spec)) {
        if ('fault' in row) throw row.fault; // as --strict does
        void row.text.length;
      }
    },
  });
  const readers: Reader[] = [
    ...Object.entries(world.sources).map(([name, { seed, mutate }]) =>
      sourceReader(
        name,
        name as Format,
        [seed],
        { bytes: mutateBytes, lines: mutateJsonLines, json: mutateJson }[mutate],
        {},
        {
          text: 'text',
          key: 'key',
          value: 'value',
        },
      ),
    ),
    sourceReader('gzip', 'jsonl', [gzipSync(world.sources.jsonl.seed)], mutateBytes),
    sourceReader('zstd', 'jsonl', world.zstdRows, mutateBytes, threaded),
    sourceReader('arrow', 'arrow', world.columnar.arrow, mutateBytes),
    sourceReader('parquet', 'parquet', world.columnar.parquet, mutateBytes, threaded),
  ];
  return [
    ...readers,
    { name: 'conversations', seeds: world.conversations, mutate: mutateJsonLines, read: conversationsOf },
    { name: 'preferences', seeds: world.preferences, mutate: mutateJsonLines, read: preferencesOf },
    { name: 'feedback store', seeds: [world.feedback], mutate: mutateJsonLines, read: feedbackOf, weight: 0.5 },
    { name: 'conversation list', seeds: [world.conversationArray], mutate: mutateJson, read: conversationsOf },
    {
      name: 'seed tasks',
      seeds: [
        Buffer.from(world.packaged('data-specs/seeds.jsonl').toString('utf8').split('\n').slice(0, 8).join('\n')),
      ],
      mutate: mutateJsonLines,
      async read(input) {
        await writeFile(path, input);
        await readSeeds(path);
      },
    },
    {
      name: 'metrics.jsonl',
      seeds: [world.metrics],
      mutate: mutateJsonLines,
      async read(input) {
        await writeFile(path, input);
        await readMetrics(path);
      },
    },
  ];
}

export async function configReaders(folder: string): Promise<Reader[]> {
  const path = join(folder, 'x.yaml');
  return [
    {
      name: 'pipeline YAML',
      seeds: ['pipelines/smoke.yaml', 'pipelines/quickstart.yaml'].map(world.packaged),
      mutate: mutateYaml,
      async read(input) {
        await writeFile(path, input);
        await loadYaml(path, pipelineSchema);
      },
    },
    {
      name: 'data-spec YAML',
      seeds: ['data-specs/smoke.yaml', 'data-specs/quickstart.yaml'].map(world.packaged),
      mutate: mutateYaml,
      async read(input) {
        await writeFile(path, input);
        await loadDataSpec(path);
      },
    },
  ];
}
