// How far two people agree on the same items, beyond what chance would give: Cohen's κ = (p − e) / (1 − e), with p the
// share on which they agree and e the share on which they would if each kept their habits and threw dice (Cohen 1960).
import type { Interval } from '../base/statistics.js';
import type { Judgement } from './record.js';

export interface Agreement {
  annotators: readonly [string, string];
  /** Items of two answers that are compared, or single answers that are called good or bad. */
  kind: 'comparisons' | 'labels';
  items: number;
  /** Share of the items on which they agree. */
  observed: number;
  expected: number;
  /** NaN where both always said the same one thing: then chance would agree as well. */
  kappa: number;
  /** 95 %: Wilson's interval of the agreement, at the expected one. */
  interval: Interval;
  disagreements: { item: string; judgements: readonly [Judgement, Judgement] }[];
}

/** Of every two annotators who judged the same items; what was skipped or edited alone is no category. */
export function agreements(judgements: Iterable<Judgement>): Agreement[] {
  const byKind = { comparisons: new Map<string, ByAnnotator>(), labels: new Map<string, ByAnnotator>() };
  for (const judgement of judgements) {
    const kind = kindOf(judgement);
    if (kind === undefined) continue;
    const { annotator, item } = judgement;
    const own = byKind[kind].get(annotator) ?? new Map<string, Judgement>();
    byKind[kind].set(annotator, own.set(item, judgement)); // the last one counts
  }
  return (['comparisons', 'labels'] as const).flatMap((kind) => {
    const annotators = [...byKind[kind]].sort(([a], [b]) => (a < b ? -1 : 1));
    return annotators.flatMap(([a, first], i) =>
      annotators.slice(i + 1).flatMap(([b, second]) => {
        const shared = [...first].flatMap(([item, judgement]): Shared[] => {
          const other = second.get(item);
          return other === undefined ? [] : [{ item, judgements: [judgement, other] }];
        });
        return shared.length === 0 ? [] : [agreementOf([a, b], kind, shared)];
      }),
    );
  });
}

type ByAnnotator = Map<string, Judgement>;
type Shared = Agreement['disagreements'][number];

function kindOf({ verdict }: Judgement): Agreement['kind'] | undefined {
  if (verdict === 'good' || verdict === 'bad') return 'labels';
  return verdict === 'skip' || verdict === 'edit' ? undefined : 'comparisons';
}

function agreementOf(annotators: readonly [string, string], kind: Agreement['kind'], shared: Shared[]): Agreement {
  const verdictsOf = (side: 0 | 1): string[] => shared.map(({ judgements }) => judgements[side].verdict);
  const [first, second] = [verdictsOf(0), verdictsOf(1)];
  const disagreements = shared.filter((_, i) => first[i] !== second[i]);
  const items = shared.length;
  const observed = (items - disagreements.length) / items;
  const share = (verdicts: readonly string[], verdict: string): number =>
    verdicts.filter((each) => each === verdict).length / items;
  const expected = [...new Set(first)].reduce((sum, each) => sum + share(first, each) * share(second, each), 0);
  const kappaAt = (agreed: number): number => (expected === 1 ? Number.NaN : (agreed - expected) / (1 - expected));
  const { low, high } = wilson(observed, items);
  const interval = { low: kappaAt(low), high: kappaAt(high) };
  return { annotators, kind, items, observed, expected, kappa: kappaAt(observed), interval, disagreements };
}

const z = 1.959963984540054;

/** 95 % interval of a share (Wilson 1927): also of one that is 0 or 1, which no number of items proves. */
export function wilson(share: number, count: number): Interval {
  const spread = z ** 2 / count;
  const center = (share + spread / 2) / (1 + spread);
  const half = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / count + spread / (4 * count));
  return { low: Math.max(0, center - half), high: Math.min(1, center + half) };
}

/** Landis and Koch's words (1977) for a κ; a habit of the field, no test. */
export function kappaInWords(kappa: number): string {
  if (Number.isNaN(kappa)) return 'not defined: both always said the same one thing';
  if (kappa < 0) return 'less than chance';
  const steps: [number, string][] = [
    [0.2, 'slight'],
    [0.4, 'fair'],
    [0.6, 'moderate'],
    [0.8, 'substantial'],
    [1, 'almost perfect'],
  ];
  return steps.find(([limit]) => kappa <= limit)?.[1] ?? 'almost perfect';
}
