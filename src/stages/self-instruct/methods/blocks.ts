// What a teacher writes in labelled lines, read: `Instruction: …`, `Input: …`, `Output: …`, then the next. Models put them in
// bold, number them, translate them and add words around; whatever is not labelled belongs to the label before it.
import { cleanText } from '../../../base/clean-text.js';
import type { Reply } from '../../../inference/chat-model.js';

/** A reply that is longer is none; nor is a field. */
const maxReply = 100_000;
const maxField = 8000;
const maxBlocks = 64;

/** By field: how it is labelled, English first. */
export type Labels<Field extends string> = Readonly<Record<Field, readonly string[]>>;
export type Block<Field extends string> = Partial<Record<Field, string>>;

/**
 * The blocks of a reply, each from one label `first` (or one that it has already) to the next. The last is dropped where the
 * text was cut, and every one with a field that is too long; with `isAllOrNone`, none is kept where one of them is dropped for that.
 */
export function blocksOf<Field extends string>(
  { text, finish }: Pick<Reply, 'text' | 'finish'>,
  labels: Labels<Field>,
  first: NoInfer<Field>,
  { isAllOrNone = false } = {},
): Block<Field>[] {
  const blocks: Block<Field>[] = [];
  for (const { field, value } of fieldsOf({ text, finish }, labels)) {
    const open = blocks.at(-1);
    if (open === undefined || field === first || field in open) blocks.push({ [field]: value } as Block<Field>);
    else open[field] = value;
  }
  if (isCut(finish)) blocks.pop();
  const isWhole = (block: Block<Field>): boolean =>
    Object.values<string | undefined>(block).every((value = '') => value.length <= maxField);
  if (isAllOrNone && !(blocks.length <= maxBlocks && blocks.every(isWhole))) return [];
  return blocks.slice(0, maxBlocks).filter(isWhole);
}

/** The labelled fields of a reply, in their order; none of one that is too long to be looked at. */
export function fieldsOf<Field extends string>(
  { text }: Pick<Reply, 'text' | 'finish'>,
  labels: Labels<Field>,
): { field: Field; value: string }[] {
  if (text.length > maxReply) return [];
  const lineOf = labelledLine(labels);
  const fields: { field: Field; lines: string[] }[] = [];
  let isOpen = false;
  for (const line of onPlainLines(text).split('\n')) {
    const labelled = lineOf(line);
    if (labelled !== undefined) fields.push({ field: labelled.field, lines: [labelled.rest] });
    else if (isOpen && !isSeparator(line)) fields.at(-1)?.lines.push(line);
    isOpen = labelled !== undefined || (isOpen && !isSeparator(line));
  }
  // A little more than a field may have, so that one that is too long is seen to be.
  const contentOf = (lines: readonly string[]): string =>
    cleanText(withoutFence(lines.join('\n').slice(0, 2 * maxField)), maxField + 1);
  return fields.map(({ field, lines }) => ({ field, value: contentOf(lines) }));
}

/** One line end for all that Unicode has: what `.` takes for one and `\s` for a blank is read alike. */
export function onPlainLines(text: string): string {
  return text.replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n');
}

const isSeparator = (line: string): boolean => /^[ \t]{0,8}#{3,40}[ \t]{0,8}$/.test(line);

export function isCut(finish: string): boolean {
  return finish === 'length' || finish === 'content_filter';
}

/** A fence that closes what was opened before the first label. */
function withoutFence(text: string): string {
  const fences = text.match(/^[ \t]{0,8}```/gm)?.length ?? 0;
  return fences % 2 === 1 ? text.trimEnd().replace(/\n[ \t]{0,8}```$/, '') : text;
}

function labelledLine<Field extends string>(
  labels: Labels<Field>,
): (line: string) => { field: Field; rest: string } | undefined {
  const fields = new Map<string, Field>();
  for (const field of Object.keys(labels) as Field[])
    for (const label of labels[field]) fields.set(label.toLowerCase(), field);
  const names = [...fields.keys()].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const pattern = new RegExp(
    `^\\s{0,8}(?:[-*>#]{1,4} )?(?:\\d{1,3}[.)、]\\s?)?(?:\\*\\*|__)?(${names})(?: ?#?\\d{1,3})?(?:\\*\\*|__)? ?[:：](?:\\*\\*|__)?[ \\t]*(.*)$`,
    'i',
  );
  return (line) => {
    const found = pattern.exec(line);
    const field = found === null ? undefined : fields.get(found[1].toLowerCase());
    return field === undefined || found === null ? undefined : { field, rest: found[2] };
  };
}

/** `<noinput>`, `None`, `无`: words for nothing. */
export function isNothing(text: string | undefined): boolean {
  return (
    text === undefined ||
    /^[\s("'(<[]*(?:no ?input|none|n\/a|nothing|empty|无|没有|空|无输入|无需输入)?[\s)"')>\].。]*$/i.test(text)
  );
}
