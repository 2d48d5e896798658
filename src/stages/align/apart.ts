// A round that learns what people prefer and is decided by tasks: a preference that asks what a held-out task asks is not learnt.
import { countOf } from '../../base/format.js';
import type { Conversation } from '../../data/types.js';
import { promptTokens } from '../../evaluation/tasks.js';
import type { StageReporter } from '../../report/event.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { GivenPreferences } from './given.js';

/** @param heldOut Tasks that decide. @returns what of `given` asks something else; what is left out is said. */
export function apartFrom(
  heldOut: readonly Conversation[],
  given: GivenPreferences,
  { template, reporter }: { template: ChatTemplate; reporter: StageReporter },
): GivenPreferences {
  const asked = new Set(heldOut.map((task) => promptTokens(task, template).join()));
  const isApart = ({ prompt }: { prompt: number[] }): boolean => !asked.has(prompt.join());
  const [pairs, labelled] = [given.pairs.filter(isApart), given.labelled.filter(isApart)];
  const count = given.pairs.length + given.labelled.length - pairs.length - labelled.length;
  if (count === 0) return given;
  const text = `${countOf(count, 'preference')} ${count === 1 ? 'asks' : 'ask'} what a held-out task asks, and ${count === 1 ? 'is' : 'are'} not learnt: those tasks decide`;
  reporter.note('warning', text);
  return { ...given, pairs, labelled };
}
