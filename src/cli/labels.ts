// Short names of checkpoints that stand side by side in a table: their stages where these tell them apart and are ours, else
// what is different in their paths, else letters.
import { isStepDirectory } from '../checkpoint/history.js';

const maxLabel = 16;

/** A label for each, all different. */
export function columnLabels(columns: readonly { path: string; stage: string }[]): string[] {
  const stages = columns.map(({ path, stage }) => {
    if (stage === 'pretrain') return 'base';
    return stage === 'import' ? (pathLabels([path])[0][0] ?? '') : stage; // that it was read from elsewhere names no model
  });
  for (const labels of [stages, ...pathLabels(columns.map(({ path }) => path))]) {
    if (new Set(labels).size === labels.length && labels.every((label) => label.length > 0 && label.length <= maxLabel))
      return labels;
  }
  return columns.map((_, i) => (i < 26 ? String.fromCharCode(65 + i) : `#${i + 1}`));
}

/** The last part of each path, then the last two, …, without `latest` and, where they are all alike, without the step. */
function pathLabels(paths: readonly string[]): string[][] {
  const split = (path: string, hasStep: boolean): string[] =>
    path.split('/').filter((part) => part !== '' && part !== '.' && (hasStep || !isStepDirectory(part)));
  return [false, true].flatMap((hasStep) =>
    [1, 2, 3].map((count) => paths.map((path) => split(path, hasStep).slice(-count).join('/'))),
  );
}
