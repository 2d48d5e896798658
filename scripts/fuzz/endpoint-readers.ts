// What an endpoint sends in the place of a reply: a completion, an error, a stream of pieces.
import { UserError } from '../../src/base/errors.js';
import { readReply } from '../../src/inference/endpoint-reply.js';
import { errorOfBody } from '../../src/inference/endpoint-words.js';
import { withoutThoughts } from '../../src/inference/thoughts.js';
import { mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import type { Reader } from './readers.js';

const call = { id: 'c', type: 'function', function: { name: 'add', arguments: '{"x": [1, 2]}' } };
const parts = [
  { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
  { type: 'text', text: '1. Why?' },
];
const messages = [
  { role: 'assistant', content: '<think>\n1. Hm.\n</think>\n7. Where?', reasoning_content: 'Hm.' },
  { role: 'assistant', content: null, tool_calls: [call] },
  { role: 'assistant', content: parts, refusal: null },
];
const completions = messages.map((message) => ({ id: 'x', choices: [{ index: 0, message, finish_reason: 'stop' }] }));
const error = { error: { message: "Unsupported parameter: 'seed'", param: 'seed', code: 'unsupported_parameter' } };
const pieces = ['7. ', 'Where?'].map((content) => ({
  choices: [{ index: 0, delta: { content, tool_calls: [call] } }],
}));
const stream = `${pieces.map((piece) => `data: ${JSON.stringify(piece)}\n\n`).join('')}data: [DONE]\n\n`;

export function endpointReaders(): Promise<Reader[]> {
  const tools = [{ name: 'add', description: '', parameters: {} }];
  const read = (type: string) => (input: Buffer) => {
    const body = input.toString('utf8');
    errorOfBody(body);
    const reply = readReply(body, type, tools);
    if ('error' in reply || reply.finish === 'unusable') throw new UserError({ what: 'no reply' });
    withoutThoughts(reply.text);
    return Promise.resolve();
  };
  const seeds = [...completions, error].map((value) => Buffer.from(JSON.stringify(value)));
  return Promise.resolve([
    { name: 'endpoint reply', seeds, mutate: mutateJson, read: read('application/json') },
    { name: 'endpoint stream', seeds: [Buffer.from(stream)], mutate: mutateBytes, read: read('text/event-stream') },
  ]);
}
