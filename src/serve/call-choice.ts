// `tool_choice` other than auto: the answer begins as the model's own template begins a call, and the model writes the
// arguments. Which tool it is, where any may be, is drawn by how likely the model holds each name there.
import { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Message, Tool, ToolCall } from '../tokenizer/message.js';
import type { ToolTurns } from '../tokenizer/tool-turns.js';
import { asAskedLater } from './refusal.js';

export interface ForcedCall {
  name: string;
  /** Tokens that the answer begins with. */
  opening: readonly number[];
}

const question: Message = { role: 'user', content: 'question' };
const argument = 'mossctl_argument';
const value = 'mossctl_value';

/** How a call of this tool begins, up to its arguments. @throws UserError where the template has no place for calls. */
function openingOf({ template, tokenizer }: LocalModel, turns: ToolTurns, name: string): number[] {
  const tool: Tool = { name, parameters: { type: 'object', properties: { [argument]: { type: 'string' } } } };
  const call: Message = { role: 'assistant', content: '', toolCalls: [{ name, arguments: { [argument]: value } }] };
  const result: Message = { role: 'tool', name, content: 'result' };
  const { turn } = template.encodeResults([question, call], [result], { tools: [tool], end: turns.form.end });
  const written = tokenizer.decode(turn);
  // Hermes writes the arguments with their names, MOSS without.
  const at = new RegExp(`\\{\\s*"${argument}"|"${value}"`).exec(written)?.index ?? written.length;
  // A blank belongs to the token that follows it.
  return tokenizer.encodeTrusted(written.slice(0, at).trimEnd());
}

/** How many requests to the engine `forcedCalls` makes. */
export function scoredNames(names: readonly string[] | undefined): number {
  return names === undefined || names.length === 1 ? 0 : names.length;
}

/**
 * The call that each answer begins with. How likely the names are is asked once, whatever the seeds.
 * @param prompt its tokens, the list of tools included.
 * @param names what may be called: one, or several of which the model chooses.
 * @throws RefusedRequest where the prompt leaves no room for a name.
 */
export async function forcedCalls(
  model: LocalModel,
  turns: ToolTurns,
  {
    prompt,
    names,
    sampling,
    seeds,
    signal,
  }: {
    prompt: readonly number[];
    names: readonly string[];
    sampling: Sampling;
    seeds: readonly number[];
    signal?: AbortSignal;
  },
): Promise<ForcedCall[]> {
  const calls = names.map((name) => ({ name, opening: openingOf(model, turns, name) }));
  if (scoredNames(names) === 0) return seeds.map(() => calls[0]);
  const scores = await asAskedLater(
    () => Promise.all(calls.map(({ opening }) => logProbability(model, prompt, opening, signal))),
    'messages',
  );
  return seeds.map((seed) => calls[drawn(scores, sampling.temperature, seed)]);
}

/** log P(opening | prompt), in nats. */
async function logProbability(
  { engine }: LocalModel,
  tokens: readonly number[],
  opening: readonly number[],
  signal?: AbortSignal,
): Promise<number> {
  const [{ emitted = [] }] = await engine.submit({
    ...{ tokens, maxNewTokens: opening.length, stopIds: [], seed: 0, signal, logProbabilities: true },
    sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
    force: (generated) => (generated.length === 0 ? opening : []),
  });
  return emitted.reduce((sum, each) => sum + (each.logProbability ?? 0), 0);
}

function drawn(scores: readonly number[], temperature: number, seed: number): number {
  const top = Math.max(...scores);
  if (temperature === 0) return scores.indexOf(top);
  const weights = scores.map((score) => Math.exp((score - top) / temperature));
  let left = Random.stream(seed, 'tool choice').uniform() * weights.reduce((a, b) => a + b);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** A call as OpenAI's clients have it: its arguments as text, which is JSON where the model wrote JSON. */
export interface WrittenCall {
  name: string;
  arguments: string;
}

export function writtenCall({ name, arguments: given }: ToolCall): WrittenCall {
  return { name, arguments: JSON.stringify(given) };
}

/** Of a forced call that cannot be read: what the model wrote in the place of its arguments. */
export function unreadCall(model: LocalModel, { name, opening }: ForcedCall, tokens: readonly number[]): WrittenCall {
  const text = model.tokenizer.decode(tokens.slice(opening.length), { skipSpecial: true });
  return { name, arguments: text.replace(/\s*\}?\s*<\/tool_call>\s*$|\)\s*<eoc>\s*$/, '').trim() };
}
