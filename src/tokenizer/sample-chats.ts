// Conversations that show every form a template writes: turns, thoughts, calls, results, and text that spells its marks. The
// words are ours and the tools a training's: no text of anybody's data gets into a checkpoint.
import { isRecord } from '../base/objects.js';
import type { Message, Tool, ToolCall } from './message.js';

export interface SampleChat {
  /** What it shows, for a person. */
  name: string;
  messages: Message[];
  tools?: Tool[];
}

export interface SampleForms {
  /** Of the training's rows. */
  tools: readonly Tool[];
  /** Whether any of them think. */
  thoughts: boolean;
  /** Whether any of them call, if only what nobody lists: MOSS's rows say it in words. */
  calls?: boolean;
  /** Special tokens that answers keep as such. */
  keepTokens?: readonly string[];
}

/** Every one of a training's may be listed by a template: more of them would make each sample a long text. */
const maxTools = 4;
/** What has gone wrong somewhere in other tools: quotes, slashes, Han, line ends; and marks that are only text. */
const oddText = `北京/上海 <b>&"quoted"\\</b>\n\t'it''s' 😀 ½`;
/** Not for what an assistant says: servers read its text, and there a mark is a mark. */
const markText = `${oddText} <tool_call> </think> <|im_end|> <eoc>`;

export function sampleChats({ tools: all, thoughts, calls = false, keepTokens = [] }: SampleForms): SampleChat[] {
  const tools = all.slice(0, maxTools);
  const user: Message = { role: 'user', content: '十二加九等于几？' };
  const answer: Message = { role: 'assistant', content: '等于二十一。' };
  const chats: SampleChat[] = [
    {
      name: 'two turns',
      messages: [
        user,
        answer,
        { role: 'user', content: 'And in English?' },
        { role: 'assistant', content: ' Twenty-one.\n' },
      ],
    },
    {
      name: 'a system message, and texts that spell marks',
      messages: [
        { role: 'system', content: 'Be brief. 简短。' },
        { role: 'user', content: markText },
        { role: 'assistant', content: oddText },
      ],
    },
  ];
  if (thoughts) {
    chats.push({ name: 'a thought', messages: [user, { ...answer, reasoning: '先算 12 + 9，\nthen say it.' }] });
  }
  if (keepTokens.length > 0) {
    const content = `one ${keepTokens.slice(0, 8).join(' and ')} two`;
    chats.push({ name: 'tokens that answers keep', messages: [user, { role: 'assistant', content }] });
  }
  if (tools.length === 0 && calls) {
    const call = { name: 'Calculate', arguments: { expression: '12 + 9' } };
    const called: Message = {
      role: 'assistant',
      content: '',
      toolCalls: [call],
      ...(thoughts && { reasoning: '要算。' }),
    };
    const system: Message = { role: 'system', content: '- Calculator: enabled. API: Calculate(expression)' };
    const messages = [system, user, called, { role: 'tool', content: '21' } as const, answer];
    chats.push({ name: 'a call of a tool that is not listed', messages });
  }
  if (tools.length === 0) return chats;
  const plain = sampleCall(tools[0], '12 + 9');
  const odd = [tools[0], tools.at(-1) as Tool].map((tool) => sampleCall(tool, markText));
  const result: Message = { role: 'tool', name: plain.name, content: '21' };
  const called: Message = { role: 'assistant', content: '', toolCalls: [plain] };
  return [
    ...chats,
    { name: 'tools, and no call', tools, messages: [user, answer] },
    { name: 'a call', tools, messages: [user, called, result, answer] },
    {
      name: 'a call again, after a result that spells marks',
      tools,
      messages: [
        ...[{ role: 'system', content: 'Be brief.' } as const, user, called],
        ...[{ ...result, content: markText }, answer, { role: 'user', content: 'Again.' } as const],
        ...[called, result, answer],
      ],
    },
    {
      name: 'text, and two calls with odd arguments',
      tools,
      messages: [
        user,
        { role: 'assistant', content: 'Let me see.', toolCalls: odd },
        ...odd.map(({ name }): Message => ({ role: 'tool', name, content: markText })),
        answer,
      ],
    },
    ...(thoughts
      ? [{ name: 'a thought, and a call', tools, messages: [user, { ...called, reasoning: '要算。' }, result, answer] }]
      : []),
  ];
}

/** A call as the schema has it, each text in it being `text`. */
function sampleCall({ name, parameters }: Tool, text: string): ToolCall {
  const properties = isRecord(parameters?.properties) ? parameters.properties : {};
  const given = Object.entries(properties).map(([key, schema]) => [key, sampleOf(schema, text, 0)]);
  return { name, arguments: Object.fromEntries(given) };
}

function sampleOf(schema: unknown, text: string, depth: number): unknown {
  if (!isRecord(schema) || depth > 4) return text;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum.at(-1);
  const [type] = Array.isArray(schema.type) ? schema.type : [schema.type];
  switch (type) {
    case 'integer':
      return -12;
    case 'number':
      return 0.5;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return [sampleOf(schema.items, text, depth + 1)];
    case 'object': {
      const inner = isRecord(schema.properties) ? schema.properties : { any: null };
      return Object.fromEntries(Object.entries(inner).map(([key, each]) => [key, sampleOf(each, text, depth + 1)]));
    }
    default:
      return text;
  }
}
