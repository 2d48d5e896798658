// Search: the passages of a person's texts that fit a question best, numbered, each with where it stands.
import type { BuiltInRequest } from '../built-ins.js';
import { type Executor, ToolFailure } from '../tool.js';
import { type OpenIndex, openIndex } from './cached-index.js';
import { changeOf } from './texts.js';

const maxResults = 3;
const maxQuestion = 1000;
/** Shorter ones say nothing: there are fewer of them instead. */
const minCharacters = 80;

/** @throws UserError where there is nothing to search. */
export async function openSearch({ tool, limits, from, note }: BuiltInRequest): Promise<Executor> {
  const opened = await openIndex(from, note);
  return {
    tool,
    limits,
    async run({ query }) {
      const question = String(query).slice(0, maxQuestion).trim();
      if (question === '') throw new ToolFailure('The query is empty.');
      const found = opened.index.search(question, maxResults);
      return found.length === 0
        ? `No passage has any word of: ${question.slice(0, 100)}`
        : shown(found, opened, limits.characters);
    },
  };
}

async function shown(found: readonly number[], opened: OpenIndex, maxCharacters: number): Promise<string> {
  const { titles, texts, fileOf, files } = opened;
  const count = Math.max(1, Math.min(found.length, Math.floor(maxCharacters / minCharacters)));
  const room = Math.floor(maxCharacters / count) - 1;
  const lines: string[] = [];
  for (const [i, passage] of found.slice(0, count).entries()) {
    const change = await changeOf(files[fileOf[passage]]);
    const head = `${i + 1}. ${titles[passage]}${change === undefined ? '' : ` (${change})`}: `;
    lines.push(head + cut(texts[passage], Math.max(room - head.length, 20)));
  }
  return lines.join('\n');
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
