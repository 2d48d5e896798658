// The events of a run as they are packed: what was measured, without the texts that stand in them as samples and examples. These
// are rows that somebody trained on, and what models answered to questions out of them.
import type { TimedEvent } from '../report/metrics.js';

/** Every event that is shared, the texts taken out of it. */
export function withoutTexts(events: readonly TimedEvent[]): TimedEvent[] {
  return events.flatMap((event): TimedEvent[] => {
    switch (event.type) {
      case 'sample':
        return [];
      case 'licence': {
        if (event.fate === undefined) return [event];
        const { dropped, edited } = event.fate;
        return [{ ...event, fate: { ...event.fate, dropped: dropped.map(bare), edited: edited.map(bare) } }];
      }
      case 'reward':
        return [{ ...event, worst: [] }];
      case 'filters':
        return [{ ...event, rules: event.rules.map(bare) }];
      case 'note':
        return [{ ...event, text: event.text.replace(quoted, '$1(not shared)') }];
      case 'stage':
      case 'step':
      case 'evaluation':
      case 'statistics':
      case 'checkpoint':
      case 'composition':
      case 'gate':
      case 'table':
      case 'plan':
      case 'progress':
        return [event];
      default:
        throw new Error(`packed without a look: ${JSON.stringify(event satisfies never)}`);
    }
  });
}

/** A warning that a teacher's replies could not be read shows the first words of one. */
const quoted = /\b(of one of them: ).*/gs;

function bare<T extends { examples: string[] }>(rule: T): T {
  return { ...rule, examples: [] };
}
