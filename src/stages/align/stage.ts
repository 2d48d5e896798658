// Stage 3: chat model + checkable rewards → better chat model, round after round, or a refusal to promote a worse one.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { heldOutRowsName, promptRowsName } from '../../base/layout.js';
import { openCheckpoint } from '../../checkpoint/directory.js';
import type { AlignConfig, WrittenAlignConfig } from '../../config/align.js';
import type { Conversation } from '../../data/types.js';
import { rules } from '../../evaluation/scorers/rules.js';
import { askableTasks, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import { openChatFormat } from '../../inference/chat-format.js';
import type { Metrics } from '../../report/event.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Job, Stage } from '../stage.js';
import { startBackend } from '../training.js';
import { openTuning } from '../tuning.js';
import { type Evidence, heldOutTexts } from './evidence.js';
import { type RoundResult, runRound } from './round.js';

export const alignStage: Stage<WrittenAlignConfig> = {
  async run(written) {
    const { inputs, directory, reporter, verify } = written;
    const compute = await startBackend(written);
    const { parent, config } = await openTuning(written, { stage: 'align', from: inputs.sft ?? '' });
    const job = { ...written, config };
    let policy = parent.adapter === undefined ? parent : await openCheckpoint(parent.path, { verify });
    const { template, tokenizer } = await openChatFormat(policy.path);
    const { prompts, heldOut } = await readPrompts(job, template);
    const texts = await heldOutTexts(job, tokenizer);
    const evidence: Evidence = { tasks: heldOut, scorer: rules, texts, metric: 'reward' };
    let metrics: Metrics = {};
    for (let round = 1; round <= config.rounds; round++) {
      const result = await runRound({ job, compute, round, policy, scorer: rules, prompts, evidence });
      reporter.note(result.gate?.promoted ? 'info' : 'warning', roundInWords(result));
      if (result.gate?.promoted) policy = await openCheckpoint(join(directory, result.gate.path));
      metrics = result.metrics;
      reporter.emit({ type: 'evaluation', step: round, metrics });
    }
    return { path: policy.path, digest: policy.digest, metrics };
  },
};

/** The prompts to sample from, and the held-out tasks that decide on promotion. */
async function readPrompts({ config, inputs, reporter }: Job<AlignConfig>, template: ChatTemplate) {
  const read = async (path: string, choose = (tasks: Conversation[]) => tasks): Promise<Conversation[]> => {
    const tasks = choose(await readTasks(path, reporter));
    const checked = tasks.filter(({ check }) => check !== undefined);
    const skipped = tasks.length - checked.length;
    if (skipped > 0 && config.prompts !== undefined) {
      reporter.note('warning', `skipped ${countOf(skipped, 'task')} without a check: nothing could score answers`);
    }
    return askableTasks(checked, template, reporter);
  };
  if (config.prompts !== undefined) {
    // One file only: a tenth of it, at least one task, is set aside for the decision.
    const tasks = await read(config.prompts);
    if (tasks.length < 2) throw tooFew(config.prompts, tasks.length);
    const count = Math.max(1, Math.floor(tasks.length / 10));
    const { validation } = splitHeldOut(tasks);
    const heldOut = validation.slice(0, count);
    return { prompts: tasks.filter((task) => !heldOut.includes(task)), heldOut };
  }
  const folder = inputs.selfInstruct ?? '';
  const prompts = await read(join(folder, promptRowsName));
  const heldOut = await read(join(folder, heldOutRowsName), (tasks) => splitHeldOut(tasks).validation);
  if (prompts.length === 0) throw tooFew(join(folder, promptRowsName), 0);
  if (heldOut.length === 0) throw tooFew(join(folder, heldOutRowsName), 0);
  return { prompts, heldOut };
}

function tooFew(path: string, count: number): UserError {
  return new UserError({
    where: path,
    what: `${count} tasks have a check that a reward could come from`,
    why: 'alignment scores answers by their `check`, and keeps some tasks apart to decide on promotion',
    next: 'Give tasks with checks, for example those that `mossctl self-instruct` makes',
  });
}

function roundInWords({ round, pairs, sampledReward, gate }: RoundResult): string {
  const sampled = `round ${round}: ${pairs} pairs, mean reward of the samples ${sampledReward.toFixed(3)}`;
  return `${sampled}; ${gate?.text ?? "every prompt's answers scored alike, so there is nothing to learn"}`;
}
