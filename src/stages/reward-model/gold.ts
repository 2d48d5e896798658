// Where a reward leads, seen before anything is trained by it: the chat model answers tasks with checks many times over, the reward
// model picks the best of n, and the checks say what that is worth. The answers are in a journal as they come: none is sampled twice,
// by whichever reward model of this run they are scored.
import { basename, join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { Journal } from '../../base/journal.js';
import { licenceAnswersName, promptRowsName } from '../../base/layout.js';
import { Random } from '../../base/random.js';
import { setAside } from '../../checkpoint/history.js';
import type { RewardModelConfig } from '../../config/reward-model.js';
import { samplingAt } from '../../config/sampling.js';
import type { Conversation } from '../../data/types.js';
import { type BestOfN, bestOfN } from '../../evaluation/rewards/best-of-n.js';
import { rules } from '../../evaluation/scorers/rules.js';
import { type Answer, answerTasks, askableTasks, promptTokens, readTasks } from '../../evaluation/tasks.js';
import { LocalModel, type OpenedModel } from '../../inference/local-model.js';
import { scoreSequences } from '../../inference/rewards.js';
import type { Model } from '../../model/model.js';
import { keptAnswerSchema } from '../align/known-rollouts.js';
import { endedAnswer } from '../align/pairs.js';
import type { Job } from '../stage.js';

/** Undefined where no task has a check, which is said. */
export async function drawBestOfN(job: Job<RewardModelConfig>, reward: Model): Promise<BestOfN | undefined> {
  const { config, inputs, seed, signal, reporter, verify } = job;
  const { prompts, promptCount, samples } = config.licence;
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
    const answers = await answersOf(job, chat, tasks);
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

/** What was answered to one task. */
const entrySchema = z.object({ task: z.string(), answers: z.array(keptAnswerSchema) });
type Entry = z.output<typeof entrySchema>;

/** As many to each task as the licence asks for, in their order; sampled where an interrupted or earlier measurement has none. */
async function answersOf(
  { config, directory, seed, signal, reporter }: Job<RewardModelConfig>,
  chat: OpenedModel,
  tasks: readonly Conversation[],
): Promise<Answer[]> {
  const { samples, temperature, maxNewTokens } = config.licence;
  const path = join(directory, licenceAnswersName);
  // What an answer follows from, beside its task.
  const source = digestOf({ chat: chat.checkpoint.digest, samples, temperature, maxNewTokens, seed });
  if (await Journal.isOfAnother(path, source)) {
    const aside = basename(await setAside(path, 'other'));
    reporter.note('warning', `${path} has answers that were sampled otherwise. It is kept as ${aside}`);
  }
  const asked = tasks.map((task) => {
    const prompt = promptTokens(task, chat.template);
    return { task, promptTokens: prompt, key: digestOf([task.id, prompt]) };
  });
  const known = new Map<string, Entry['answers']>();
  const read = (value: unknown): void => {
    const { task, answers } = entrySchema.parse(value);
    known.set(task, answers);
  };
  const answer = async (journal: Journal): Promise<Answer[]> => {
    const missing = asked.filter(({ key }) => !known.has(key));
    const there = tasks.length - missing.length;
    if (there > 0) reporter.note('info', `best of n: answers to ${countOf(there, 'task')} are already there`);
    const keys = new Map(missing.map(({ task, key }) => [task, key]));
    await answerTasks(chat, [...keys.keys()], {
      ...{ samples, maxNewTokens, sampling: samplingAt(temperature), seed, signal },
      onProgress: (done, total) =>
        reporter.emit({ type: 'progress', label: 'best of n', done, total, unit: 'answers' }),
      onAnswers: (own) => {
        const entry = {
          task: keys.get(own[0].task) ?? '',
          answers: own.map(({ tokens, text, ended }) => ({ tokens, text, ended })),
        };
        journal.append(entry);
        read(entry);
      },
    });
    return asked.flatMap(({ key, ...own }) => (known.get(key) ?? []).map((given): Answer => ({ ...own, ...given })));
  };
  return Journal.use(path, source, answer, read);
}

/** Prompt and answer as they are scored: with the token that ends an answer where it came, and the last one that there is. */
export function scoredTokens(answer: Answer, end: number): number[] {
  return [...answer.promptTokens, ...endedAnswer(answer, end).tokens];
}
