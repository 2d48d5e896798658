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
 * text was cut, and every one with a field that is too long.
 */
export function blocksOf<Field extends string>(
  { text, finish }: Pick<Reply, 'text' | 'finish'>,
  labels: Labels<Field>,
  first: NoInfer<Field>,
): Block<Field>[] {
  if (text.length > maxReply) return [];
  const lineOf = labelledLine(labels);
  const blocks: Map<Field, string[]>[] = [];
  let field: Field | undefined;
  for (const line of text.replace(/\r\n?/g, '\n').split('\n')) {
    const labelled = lineOf(line);
    const open = blocks.at(-1);
    if (labelled === undefined) {
      if (/^\s*#{3,}\s*$/.test(line)) field = undefined;
      else if (field !== undefined) open?.get(field)?.push(line);
      continue;
    }
    field = labelled.field;
    if (open === undefined || field === first || open.has(field)) blocks.push(new Map([[field, [labelled.rest]]]));
    else open.set(field, [labelled.rest]);
  }
  if (isCut(finish)) blocks.pop();
  return blocks.slice(0, maxBlocks).flatMap((block) => {
    const fields = [...block].map(([name, lines]) => [name, withoutFence(lines.join('\n'))] as const);
    if (fields.some(([, value]) => value.length > maxField)) return [];
    return [Object.fromEntries(fields.map(([name, value]) => [name, cleanText(value, maxField)])) as Block<Field>];
  });
}

export function isCut(finish: string): boolean {
  return finish === 'length' || finish === 'content_filter';
}

/** A fence that closes what was opened before the first label. */
function withoutFence(text: string): string {
  const fences = text.match(/^\s*```/gm)?.length ?? 0;
  return fences % 2 === 1 ? text.replace(/\n\s*```\s*$/, '') : text;
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
