// What a reward model, or a judge, is worth, on pairs that no training saw, and whether it may steer alignment: how often it is right and of which
// pairs, whether its gaps mean what they say, where following it leads, and where it is most wrong.
import { escapeHtml } from './escape.js';
import { headerHtml, rowHtml, section, tableHtml } from './page.js';
import type { Of, RunFacts } from './sections.js';
import { lineChart, type Point } from './svg.js';
import { latestRewards } from './verdicts.js';

type Reward = Of<'reward'>;
type Range = Reward['parts'][number]['accuracy'];

export function rewardSection({ events }: RunFacts): string {
  const latest = latestRewards(events);
  const judges = latest.filter(({ judge }) => judge !== undefined);
  return latest.map((report) => sectionOf(report, { isNamed: judges.length > 1 })).join('');
}

/** @param isNamed There are several judges. */
function sectionOf(report: Reward, { isNamed }: { isNamed: boolean }): string {
  const lead =
    report.judge === undefined
      ? 'Each held-out pair is scored; right is the score that puts the chosen answer first. A random guess is right in half of the pairs. It may steer alignment (align.scorers) only with a licence.'
      : 'Each pair whose better answer is known is judged in both orders; a verdict that changes with the order is a tie, and half right. A random guess is right in half of the pairs. A judge steers alignment only where it is surely better than that, and than the length of an answer.';
  const parts = [licenceHtml(report), chartsHtml(report), partsHtml(report), worstHtml(report)];
  return section(titleOf(report, { isNamed }), `<p class="soft">${escapeHtml(lead)}</p>${parts.join('')}`);
}

/** Two judges may be one model, asked in two ways. */
function titleOf({ judge }: Reward, { isNamed }: { isNamed: boolean }): string {
  if (judge === undefined) return 'What the reward model is worth';
  const { name = 'the judge', model } = judge;
  if (!isNamed) return model === undefined ? 'What the judge is worth' : `What the judge ${model} is worth`;
  return model === undefined ? `What ${name} is worth` : `What ${model} is worth as ${name}`;
}

function licenceHtml(report: Reward): string {
  const { isGranted, refusals } = report;
  const [heading, answer] =
    report.judge === undefined
      ? ['Licence', isGranted ? 'granted' : 'refused']
      : ['May steer alignment', isGranted ? 'yes' : 'no'];
  const title = `<h3>${heading} <span class="soft">(${answer})</span></h3>`;
  const why = refusals.map((text) => `<li class="warning">${escapeHtml(text)}</li>`);
  const more = followingWords(report).map((text) => `<li>${escapeHtml(text)}</li>`);
  return `<div class="card">${title}<ul class="notes">${[...why, ...more].join('')}</ul></div>`;
}

/** How far it may be trusted once it steers, in words. */
function followingWords({ isGranted, bestOfN, judge }: Reward): string[] {
  // Nothing is sampled to see where a judge leads.
  if (judge !== undefined)
    return isGranted ? ['It is surely right more often than the length of an answer alone.'] : [];
  const beaten = isGranted
    ? ['It is surely right more often than the length of an answer alone, and than counting characters.']
    : [];
  if (bestOfN === undefined) {
    const unknown =
      'Where following it leads is not known: no tasks with checks were here (rewardModel.licence.prompts).';
    return [...beaten, unknown];
  }
  const { points, gain, prompts, turnsAt } = bestOfN;
  const range = `${signed(100 * gain.mean)} points [${signed(100 * gain.low)}, ${signed(100 * gain.high)}]`;
  const led =
    gain.low > 0
      ? 'So following it makes answers better, at first.'
      : 'So it was not seen to make answers better: watch rewards/right while it steers.';
  const worth = `The best of ${points.length} answers is worth ${range} more than any, by the checks of ${prompts} prompts. ${led}`;
  const turn =
    turnsAt === undefined
      ? []
      : [`It is predicted to stop paying ${turnsAt.toFixed(2)} nats an answer from where the policy begins.`];
  return [...beaten, worth, ...turn];
}

function partsHtml({ parts, baselines, gold, lengthCorrelation, judge }: Reward): string {
  const rows = parts.map(({ name, pairs, accuracy }) =>
    rowHtml(escapeHtml(name), [String(pairs), shareHtml(accuracy)]),
  );
  if (gold !== undefined) rows.push(rowHtml('agrees with checks', [String(gold.pairs), shareHtml(gold.accuracy)]));
  const beaten = baselines.map(({ name, accuracy, gain }) =>
    rowHtml(escapeHtml(name), [shareHtml(accuracy), `${signed(100 * gain.mean)} ${rangeHtml(gain)}`]),
  );
  const byOrder =
    judge === undefined
      ? ''
      : `<p class="soft">${escapeHtml(`Its verdict changes with the order of the answers in ${percentOf(judge.swayed)} of the pairs; ${percentOf(judge.first)} of its verdicts are for the answer that is shown first; ${percentOf(judge.silent)} of the pairs have no verdict.`)}</p>`;
  const followed = lengthCorrelation.toFixed(2);
  const lengthWords =
    judge === undefined
      ? `Scores follow the length of answers by ${followed} (rank correlation; 1: the longer answer always scores higher, −1: the shorter).`
      : `Verdicts follow the length of answers by ${followed} (rank correlation; 1: the longer answer always wins, −1: the shorter).`;
  const byLength = `<p class="soft">${escapeHtml(lengthWords)}</p>`;
  return (
    tableHtml(headerHtml(['pairs', 'number', 'right']), rows) +
    byOrder +
    byLength +
    tableHtml(
      headerHtml([
        'scorer that understands nothing',
        'right',
        judge === undefined ? 'the model is better by (points)' : 'the judge is better by (points)',
      ]),
      beaten,
    )
  );
}

function chartsHtml({ calibration, bestOfN }: Reward): string {
  if (calibration === undefined) return '';
  const { bins, error, bound } = calibration;
  const reliability = chart(
    `How often it is right, by how sure it is (calibration error ${error.toFixed(3)}, ${bound} allowed)`,
    'predicted share of right pairs (%)',
    [
      {
        name: 'right',
        points: bins.map(({ confidence, right }): Point => [100 * confidence, 100 * right]),
        dots: true,
      },
      { name: 'as predicted', points: bins.map(({ confidence }): Point => [100 * confidence, 100 * confidence]) },
    ],
    (value) => `${value.toFixed(1)} %`,
  );
  if (bestOfN === undefined) return `<div class="charts">${reliability}</div>`;
  const { points, turnsAt, prompts } = bestOfN;
  const turn =
    turnsAt === undefined
      ? `no turning point before ${points[points.length - 1].kl.toFixed(2)} nats`
      : `predicted to turn at ${turnsAt.toFixed(2)} nats`;
  const curve = chart(
    `Checked reward of the best of n answers, n = 1 … ${points.length}, ${prompts} prompts (${turn})`,
    'KL = ln n − (n − 1) / n, in nats',
    [{ name: 'checked reward', points: points.map(({ kl, gold }): Point => [kl, gold]), dots: true }],
    (value) => value.toFixed(3),
  );
  return `<div class="charts">${reliability}${curve}</div>`;
}

function chart(
  title: string,
  xLabel: string,
  series: { name: string; points: Point[]; dots?: boolean }[],
  format: (value: number) => string,
): string {
  const drawing = lineChart({ title, xLabel, ...{ width: 490, height: 220, format, tickFormat: format } }, series);
  return `<figure class="half"><figcaption>${escapeHtml(title)}</figcaption>${drawing}</figure>`;
}

function worstHtml({ worst }: Reward): string {
  if (worst.length === 0) return '';
  const scored = ({ text, score }: Reward['worst'][number]['chosen']): string =>
    `<td>${escapeHtml(text)} <small>${score.toFixed(2)}</small></td>`;
  const rows = worst.map(({ prompt, chosen, rejected }) => {
    return `<tr><td class="soft">${escapeHtml(prompt)}</td>${scored(chosen)}${scored(rejected)}</tr>`;
  });
  const header = headerHtml(['prompt', 'chosen', 'rejected, and scored higher']);
  return `<h3>Where it is most wrong</h3>${tableHtml(header, rows, 'answers')}`;
}

const percentOf = (share: number): string => `${(100 * share).toFixed(1)} %`;

const shareHtml = (range: Range): string => `${(100 * range.mean).toFixed(1)} % ${rangeHtml(range)}`;

/** In hundredths. */
function rangeHtml({ low, high }: Range): string {
  if (!Number.isFinite(low)) return '';
  return `<span class="soft">[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]</span>`;
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
