// What a person says of an answer that came with calls is kept with the calls, and teaches them.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ChatFeedback } from '../../src/cli/chat-feedback.js';
import { readFeedbackPreferences } from '../../src/feedback/preferences.js';
import { FeedbackSession } from '../../src/feedback/session.js';
import type { AnsweredTurn, Chat } from '../../src/inference/chat.js';
import type { Message } from '../../src/tokenizer/message.js';
import { collected } from '../feedback/judgements.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-chat-feedback-'));
after(() => rm(folder, { recursive: true }));

test('calls and results are kept with the answer and its tools; an edit changes the answer alone', async () => {
  const path = join(folder, 'feedback.jsonl');
  const prompt: Message[] = [{ role: 'user', content: '12×3?' }];
  const call = { name: 'Calculate', arguments: { expression: '12*3' } };
  const steps: Message[] = [
    { role: 'assistant', content: '', toolCalls: [call] },
    { role: 'tool', content: '36', name: 'Calculate' },
  ];
  const answer: Message = { role: 'assistant', content: '36' };
  const tools = [{ name: 'Calculate' }];
  let last: AnsweredTurn | undefined = { prompt, tools, steps, answer, seed: 1, finish: 'stop' };
  const chat = {
    get last() {
      return last;
    },
    replaceLast: (edited: Message) => (last = last && { ...last, answer: edited }),
    model: { identity: 'f'.repeat(64), sampling: {} },
  } as unknown as Chat;
  const open = (): Promise<FeedbackSession> => FeedbackSession.open(path, 'anna', () => 0);
  const feedback = new ChatFeedback(open, chat, { name: 'x', maxNewTokens: 5 });
  assert.match(await feedback.label('good'), /^Kept it as good/);
  const [good] = await collected(readFeedbackPreferences(path));
  assert.deepEqual([good.prompt, good.tools], [prompt, tools]);
  assert.deepEqual(good.judgement, { answer: [...steps, answer], isGood: true });
  await feedback.edit('It is 36.');
  const [edited] = await collected(readFeedbackPreferences(path));
  const better: Message = { role: 'assistant', content: 'It is 36.' };
  assert.deepEqual(edited.judgement, { chosen: [...steps, better], rejected: [...steps, answer] });
});
