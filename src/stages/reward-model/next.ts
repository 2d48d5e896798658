// What to type after a reward model was trained: align by it where it is licensed, look at it where it is not.
import { mossctlCommand } from '../../base/shell.js';
import type { PipelineConfig } from '../../config/pipeline.js';
import { readLicence } from './licence.js';

/** @param from what it started from, where that was named: align needs the same model, and a folder of its own. */
export async function nextOfRewardModel({
  runDirectory,
  path,
  digest,
  from,
  config,
}: {
  runDirectory: string;
  path: string;
  digest: string;
  from?: string;
  config: PipelineConfig;
}): Promise<string> {
  const folder = `${runDirectory}/reward-model`;
  const { isGranted } = await readLicence({ path, digest });
  if (!isGranted) return mossctlCommand('inspect', folder);
  const hasTasks = config.align?.prompts !== undefined || (from === undefined && config.selfInstruct !== undefined);
  const tasks = hasTasks ? [] : ['--prompts', config.rewardModel?.licence.prompts ?? 'TASKS.jsonl'];
  if (from === undefined) {
    return mossctlCommand('align', ...tasks, '--set', 'align.scorers=[rules, reward-model]', '--out', runDirectory);
  }
  const scorers = `align.scorers=[rules, {rewardModel: ${folder}}]`;
  return mossctlCommand('align', '--from', from, ...tasks, '--set', scorers, '--out', `${runDirectory}-aligned`);
}
