// Where a reward leads, seen before anything is trained by it: the chat model answers tasks with checks many times over, the reward
// model picks the best of n, and the checks say what that is worth.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { promptRowsName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import type { RewardModelConfig } from '../../config/reward-model.js';
import { samplingAt } from '../../config/sampling.js';
import { type BestOfN, bestOfN } from '../../evaluation/rewards/best-of-n.js';
import { rules } from '../../evaluation/scorers/rules.js';
import { type Answer, answerTasks, askableTasks, readTasks } from '../../evaluation/tasks.js';
import { LocalModel } from '../../inference/local-model.js';
import { scoreSequences } from '../../inference/rewards.js';
import type { Model } from '../../model/model.js';
import { endedAnswer } from '../align/pairs.js';
import type { Job } from '../stage.js';

/** Undefined where no task has a check, which is said. */
export async function drawBestOfN(job: Job<RewardModelConfig>, reward: Model): Promise<BestOfN | undefined> {
  const { config, inputs, seed, signal, reporter, verify } = job;
  const { prompts, promptCount, samples, temperature, maxNewTokens } = config.licence;
  const { selfInstruct } = inputs;
  const path = prompts ?? (selfInstruct && join(selfInstruct, promptRowsName));
  if (path === undefined) {
    const text = 'no tasks with checks are here, so where its scores lead is not drawn (rewardModel.licence.prompts)';
    reporter.note('info', text);
    return undefined;
  }
  const chat = await LocalModel.open(inputs.toolUse ?? inputs.sft ?? '', { verify });
  try {
    const checked = (await readTasks(path, reporter)).filter(({ check }) => check !== undefined);
    const all = askableTasks(checked, chat.template, reporter);
    const tasks = Random.stream(seed, 'best of n').shuffle(all).slice(0, promptCount);
    if (tasks.length < 2) {
      throw new UserError({
        where: path,
        what: `${countOf(tasks.length, 'task')} with a check, and the best of n answers is drawn for two at least`,
        next: 'Give more tasks with checks (rewardModel.licence.prompts), or none',
      });
    }
    const answers = await answerTasks(chat, tasks, {
      ...{ samples, maxNewTokens, sampling: samplingAt(temperature), seed, signal },
      onProgress: (done, total) =>
        reporter.emit({ type: 'progress', label: 'best of n', done, total, unit: 'answers' }),
    });
    const end = chat.tokenizer.specialId('turnEnd');
    const scores = await scoreSequences(
      reward,
      answers.map((answer) => scoredTokens(answer, end)),
      { signal },
    );
    const gold = await rules.score(answers, signal);
    return bestOfN(
      tasks.map(({ id }, t) => {
        const own = { from: t * samples, to: (t + 1) * samples };
        return { id, scores: [...scores.slice(own.from, own.to)], gold: gold.slice(own.from, own.to) };
      }),
    );
  } finally {
    await chat.dispose();
  }
}

/** Prompt and answer as they are scored: with the token that ends an answer where it came, and the last one that there is. */
export function scoredTokens(answer: Answer, end: number): number[] {
  return [...answer.promptTokens, ...endedAnswer(answer, end).tokens];
}
