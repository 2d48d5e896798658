// The tables of the check of unseen tasks. A family of one seed is one piece of evidence: intervals are of a bootstrap over those, and
// what more families gain is taken on the same unseen ones.
import { formatTable } from '../../src/base/format.js';
import { bootstrapMean, type Estimate, pairedBootstrap, ratio, type Unit } from '../../src/base/statistics.js';
import { taskLanguages } from '../../src/stages/self-instruct/teacher.js';
import type { CellResult, FamilyScore } from './cell.js';
import { type Design, familiesOf, type Style, styles } from './design.js';
import { commonestShare } from './rows.js';

type Measure = 'right' | 'likelier' | 'chance';

interface Selection {
  families: number;
  style: Style;
  shots: number;
  isSeen: boolean;
}

/** Families of all seeds. */
export function unitsOf(
  results: readonly CellResult[],
  { families, style, shots, isSeen }: Selection,
  measure: Measure = 'right',
): Unit[] {
  return results
    .filter((cell) => cell.families === families && cell.style === style)
    .flatMap(({ seed, scores }) =>
      scores
        .filter((score): score is FamilyScore & Record<Measure, number> => {
          return score.shots === shots && score.isSeen === isSeen && score[measure] !== undefined;
        })
        .map((score) => ({ id: `${seed} ${score.family}`, value: score[measure], weight: score.questions })),
    );
}

const percent = (share: number): string => (Number.isNaN(share) ? '–' : (100 * share).toFixed(1));
const withInterval = ({ mean, low, high }: Estimate): string =>
  Number.isNaN(mean) ? '–' : `${percent(mean)} [${percent(low)}, ${percent(high)}]`;

/** Each seed's own mean: what the interval over families does not show. */
function bySeed(units: readonly Unit[], seeds: readonly number[]): string {
  const own = (seed: number): Unit[] => units.filter(({ id }) => id.startsWith(`${seed} `));
  return seeds.map((seed) => percent(ratio(own(seed)))).join(' ');
}

export function tables(results: readonly CellResult[], design: Design): string {
  const { families, shots, seeds } = design;
  const rows = styles.flatMap((style) =>
    families.flatMap((count) =>
      shots.map((k) => {
        const selection = { families: count, style, shots: k };
        const unseen = unitsOf(results, { ...selection, isSeen: false });
        const chosen = unitsOf(results, { ...selection, isSeen: false }, 'likelier');
        const chance = ratio(unitsOf(results, { ...selection, isSeen: false }, 'chance'));
        return [
          style,
          String(count),
          String(k),
          withInterval(bootstrapMean(unseen)),
          bySeed(unseen, seeds),
          chosen.length === 0 ? '' : `${withInterval(bootstrapMean(chosen))} / ${percent(chance)}`,
          percent(ratio(unitsOf(results, { ...selection, isSeen: true }))),
        ];
      }),
    ),
  );
  const headings = ['answers', 'families', 'shots', 'unseen, % right [95 %]', 'by seed', 'likelier / chance', 'seen'];
  const gains = styles.flatMap((style) =>
    shots.map((k) => {
      const at = (count: number): Unit[] => unitsOf(results, { families: count, style, shots: k, isSeen: false });
      const [first, last] = [families[0], families[families.length - 1]];
      return [style, String(k), points(pairedBootstrap(at(first), at(last)))];
    }),
  );
  const [first, last] = [families[0], families[families.length - 1]];
  const chains = shots.map((k) => {
    const at = (style: Style): Unit[] => unitsOf(results, { families: last, style, shots: k, isSeen: false });
    return [String(k), points(pairedBootstrap(at('direct'), at('worked')))];
  });
  return [
    formatTable(headings, rows),
    `the commonest result of each unseen family would be right in ${percent(commonest(design))} % of the questions`,
    formatTable(['answers', 'shots', `${last} families − ${first}, points on unseen ones [95 %]`], gains),
    formatTable(['shots', `worked − direct after ${last} families, points on unseen ones [95 %]`], chains),
  ].join('\n\n');
}

function points({ mean, low, high }: Estimate): string {
  if (Number.isNaN(mean)) return '–';
  const verdict = low > 0 ? 'more' : high < 0 ? 'less' : 'no difference beyond chance';
  const signed = (share: number): string => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]: ${verdict}`;
}

function commonest(design: Design): number {
  const known = new Map<string, number>();
  const shareOf = (family: string): number => {
    const share = known.get(family) ?? meanOf(taskLanguages.map((language) => commonestShare(family, language)));
    known.set(family, share);
    return share;
  };
  return meanOf(design.seeds.flatMap((seed) => familiesOf({ families: 0, seed }, design).unseen.map(shareOf)));
}

function meanOf(shares: readonly number[]): number {
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
