// What a checkpoint says beside its tokenizer of how it is served: the tools that its rows offered, and sample conversations
// that an export is held to. Both are files among its tokenizer's, so they come along wherever those go.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asUserError, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { chatSamplesName, offeredToolsName } from '../base/layout.js';
import { chatSamplesText, makeChatSamples, parseChatSamples } from './chat-samples.js';
import type { ChatTemplate } from './chat-template.js';
import type { Tool } from './message.js';
import { OfferedTools, offeredToolsText, parseOfferedTools } from './offered-tools.js';
import type { SampleForms } from './sample-chats.js';

const maxFileBytes = 4 << 20;

/**
 * File name → text, for a checkpoint whose rows this template wrote.
 * @param parent the files of the checkpoint that it started from: tools that were learnt before are offered after, too.
 */
export function servingFiles(
  template: ChatTemplate,
  forms: SampleForms,
  parent: Readonly<Record<string, string>>,
): Record<string, string> {
  const offered = new OfferedTools();
  offered.add(forms.tools);
  offered.add(offeredIn(parent));
  const tools = offered.all;
  return {
    ...(tools.length > 0 && { [offeredToolsName]: offeredToolsText(tools) }),
    [chatSamplesName]: chatSamplesText(makeChatSamples(template, { ...forms, tools })),
  };
}

/** The tools of a checkpoint, by its files. @throws UserError where its list is broken. */
export function offeredIn(files: Readonly<Record<string, string>>, where = offeredToolsName): Tool[] {
  return files[offeredToolsName] === undefined ? [] : parseOfferedTools(files[offeredToolsName], where);
}

/** Those of a parent whose template and tokenizer stay. */
export function keptServingFiles(files: Readonly<Record<string, string>>): Record<string, string> {
  const names = [offeredToolsName, chatSamplesName].filter((name) => files[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, files[name]]));
}

/** Those of a model's folder, read within bounds; what is broken, or is somebody else's of that name, is left and said. */
export async function readServingFiles(directory: string): Promise<{ texts: Record<string, string>; notes: string[] }> {
  const texts: Record<string, string> = {};
  const notes: string[] = [];
  for (const [name, parse] of [
    [offeredToolsName, parseOfferedTools] as const,
    [chatSamplesName, parseChatSamples] as const,
  ]) {
    const path = join(directory, name);
    if (!(await exists(path))) continue;
    try {
      const { size } = await stat(path);
      if (size > maxFileBytes) throw new UserError({ what: `it has more than ${maxFileBytes >> 20} MiB` });
      const text = await readFile(path, 'utf8');
      parse(text, path);
      texts[name] = text;
    } catch (error) {
      const { faults } = asUserError(error, path) as UserError;
      notes.push(`${name} is not used: ${faults[0]?.what ?? (error as Error).message}`);
    }
  }
  return { texts, notes };
}
