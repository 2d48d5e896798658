// A model of texts in the place of weights: what it "draws" is written in a test, and what it is asked can be looked at.
import type { Generation, Request } from '../../src/inference/engine.js';
import type { Listener } from '../../src/inference/sequence.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';

/** What is drawn next: texts in turn, or by what stands before. */
type Script = string[] | ((before: string, sample: number) => string);

/** @param contextLength in tokens */
export function scriptedModel(tokenizer: Tokenizer, script: Script, contextLength = 4096) {
  const asked: Request[] = [];
  const texts = Array.isArray(script) ? [...script] : [];
  const submit = async (request: Request, listener?: Listener): Promise<Generation[]> => {
    asked.push(request);
    return Array.from({ length: request.samples ?? 1 }, (_, sample): Generation => {
      const text = Array.isArray(script) ? texts.shift() : script(tokenizer.decode(request.tokens), sample);
      const ids = tokenizer.encodeTrusted(text ?? '');
      const stop = ids.findIndex((id) => request.stopIds.includes(id));
      const tokens = (stop < 0 ? ids : ids.slice(0, stop)).slice(0, request.maxNewTokens);
      for (const id of tokens) listener?.({ id, sampled: true }, sample);
      return stop < 0 ? { tokens, finish: 'length' } : { tokens, finish: 'stop', stopId: ids[stop] };
    });
  };
  const { stopIds } = tokenizer;
  return {
    template: new ChatTemplate(tokenizer),
    ...{ tokenizer, stopIds, contextLength, asked, identity: 'scripted' },
    engine: { submit },
    generate: (request: Omit<Request, 'stopIds'>) => submit({ ...request, stopIds }),
  };
}

export type ScriptedModel = ReturnType<typeof scriptedModel>;
