// A real HTTP server that behaves as endpoints do: well, badly, or not at all. It answers by what it is asked, so that
// equal requests get equal answers, however many came before.
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
  /** The body, as it came. */
  body: Record<string, unknown>;
  authorization: string | undefined;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
}

export type Behaviour = (request: ChatRequest, response: ServerResponse, count: number) => void;

export interface ChatServer {
  url: string;
  requests: ChatRequest[];
  close(): Promise<void>;
}

export async function startChatServer(behaviour: Behaviour): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const server = createServer((incoming: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest & Record<string, unknown>;
      const { headers, url: path = '' } = incoming;
      const request = { ...body, body, authorization: headers.authorization, path, headers };
      requests.push(request);
      behaviour(request, response, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendJson(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

export function sendText(response: ServerResponse, content: string, finish = 'stop'): void {
  sendJson(response, { choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }] });
}

/** A teacher that follows the format: additions, whose operands follow from the request. */
export const goodTeacher: Behaviour = ({ messages }, response) => {
  const user = messages.at(-1)?.content ?? '';
  const question = user.match(/Task: (.*)\nAnswer:$/)?.[1];
  if (question !== undefined) {
    const [a, b] = (question.match(/\d+/g) ?? []).map(Number);
    const chinese = /\p{Script=Han}/u.test(question);
    return sendText(
      response,
      chinese ? `${a}+${b}=${a + b}。答案是${a + b}。` : `${a}+${b}=${a + b}. The answer is ${a + b}.`,
    );
  }
  const bytes = createHash('sha256').update(user).digest();
  const first = Number(user.match(/numbered (\d+) to/)?.[1]);
  const chinese = user.includes('Simplified Chinese');
  const lines = Array.from({ length: 8 }, (_, i) => {
    const sum = `${bytes[2 * i]}+${bytes[2 * i + 1]}`;
    return `${first + i}. ${chinese ? `请问${sum}等于多少？` : `What is ${sum}?`}`;
  });
  return sendText(response, lines.join('\n'));
};
