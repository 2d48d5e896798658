// What alignment says that samples as it learns, in Chinese.
import type { Catalog } from '../messages.js';

export const online: Catalog = {
  'share of groups of sampled answers that may all be rewarded alike and low, over eight samplings (grpo, rloo, online-dpo)':
    '采样回答的组里，全组奖励相同且偏低的最多可占多大比例（八次采样平均；grpo、rloo、online-dpo）',
  'steps that the answers of one sampling are divided over (steps_per_generation of TRL); more sample at once and are further from the policy that answered; default: 1':
    '一次采样的回答分给多少步（TRL 的 steps_per_generation）；步数越多，一次采样越多，离作答时的策略也越远；默认：1',
  'how often each answer is learnt from (num_iterations and num_ppo_epochs of TRL, μ of GRPO); default: 1, ppo 4':
    '每个回答学习几遍（TRL 的 num_iterations 和 num_ppo_epochs，GRPO 的 μ）；默认：1，ppo 为 4',
  'how often prompts whose answers are all rewarded alike give way to the next prompts, at most: they teach nothing (dynamic sampling of DAPO); default: 0, as in TRL':
    '全组奖励相同的提示词什么也教不了，最多几次换成后面的提示词（DAPO 的动态采样）；默认：0，与 TRL 相同',
  '{1} learns from its own answers, as they are scored: give tasks with checks (prompts), or choose dpo':
    '{1} 从自己的、当场打分的回答里学习：请给出带检查的任务（prompts），或改用 dpo',
  'is not read by {1}: promptsPerStep × samplesPerPrompt answers are a step, batchSize of them a micro-batch':
    '{1} 不读此项：一步是 promptsPerStep × samplesPerPrompt 个回答，其中 batchSize 个为一个微批',
  'rounds of sample → score → train → evaluate → promote; default: 2; of `data` without prompts, and of methods that sample as they learn, 1':
    '采样 → 打分 → 训练 → 评测 → 晋级的轮数；默认：2；只有 `data` 没有提示词时，以及边学边采样的方法，为 1',
  'what is sampled while it is learnt has no rows before': '边学边采样的内容事先没有数据行',
  'sampled answers run into maxNewTokens: {1} at first, {2} now, a rise of more than align.alarms.unended ({3})':
    '采样的回答撞上 maxNewTokens：起初 {1}，现在 {2}，升幅超过 align.alarms.unended（{3}）',
  'an answer that does not end is worth little, whatever it says, and its group teaches to ramble or to be cut off':
    '没有结束的回答无论说什么都价值不大，这样的组教会的是啰嗦或被截断',
  'Raise align.maxNewTokens where good answers are longer; else lower align.train.learningRate. {1}':
    '好回答本来更长时请调大 align.maxNewTokens；否则调小 align.train.learningRate。{1}',
  'sampled answers have become {1}: {2} → {3} tokens, more than align.alarms.length ({4} times)':
    '采样的回答长度变了（{1}）：{2} → {3} 个词元，超过 align.alarms.length（{4} 倍）',
  'a reward that length alone can raise is learnt before any other': '单凭长度就能提高的奖励，总是最先被学会',
  'Look at the sampled answers in the report. If they are better for it, raise align.alarms.length; else correct what scores them. {1}':
    '请看报告里采样的回答。若因此更好，就调大 align.alarms.length；否则修正打分。{1}',
  '{1} of the groups have nothing but good answers: these prompts have little left to teach':
    '{1} 的组全是好回答：这些提示词已没有多少可教的',
  'a group without a better answer teaches nothing: the tasks are too hard for this policy, or what scores them sees no difference':
    '没有更好回答的组什么也教不了：任务对这个策略太难，或者打分看不出差别',
  'Give easier tasks, fine-tune for longer first, or sample more answers (align.samplesPerPrompt, align.resample). {1}':
    '请给更容易的任务，先微调得更久，或采样更多回答（align.samplesPerPrompt、align.resample）。{1}',
  '{1} of the groups have answers that are all rewarded alike{2}, more than align.alarms.alike ({3})':
    '{1} 的组里所有回答的奖励都一样{2}，超过 align.alarms.alike（{3}）',
  ', and low ({1})': '，而且低（{1}）',
  'the reward rises ({1} → {2}) while fewer sampled answers pass their check ({3} → {4}), both beyond doubt':
    '奖励上升（{1} → {2}），而通过检查的采样回答变少（{3} → {4}），两者都毫无疑问',
  'Score by the checks too (align.scorers: [rules, …]), or stay nearer (align.{1}). {2}':
    '请也用检查来打分（align.scorers: [rules, …]），或让策略离得近些（align.{1}）。{2}',
  '{1} of the answers have no reward: nothing is learnt from them, and what scores them should be looked at':
    '{1} 的回答没有奖励：不会从中学习，请检查打分者',
  'the policy is {1} nats a token from where the round began, more than align.alarms.kl ({2})':
    '策略离本轮起点每词元 {1} nat，超过 align.alarms.kl（{2}）',
  'so far away its reward says little about what else of it has changed': '离得这么远，奖励已说明不了它还变了什么',
  'round {1}: {2} with klWeight 0 compares the policy with no reference':
    '第 {1} 轮：klWeight 为 0 的 {2} 不把策略与任何参考模型比较',
  'round {1}: of an interrupted try {2} already there, which nothing samples again':
    '第 {1} 轮：中断的那次已有 {2}，不会重新采样',
  'round {1}: {2} has answers of other settings. It is kept as {3}':
    '第 {1} 轮：{2} 里是其他设置下的回答。已保留为 {3}',
  'what was read before sampling {1} is not known, for an earlier version saved it: the compute that is recorded is less by it':
    '采样 {1} 之前读过多少不得而知，因为位置是较早的版本保存的：所记录的计算量因此偏少',
  'sampling {1} had other settings when {2} learnt from it: its prompts are answered anew':
    '第 {1} 次采样的设置不同（已有 {2} 从中学习）：它的提示会重新作答',
  'none of the {1} answers has a reward': '{1} 个回答没有一个得到奖励',
  'the scorer gave no number for any of them': '打分没有给出任何数值',
  'Look at what scores them (a judge that is down, a check that fails). The same command resumes with these answers, none of which is sampled again':
    '请看是什么在打分（评判服务停了，或检查出错）。同一条命令会带着这些回答继续，不会重新采样',
  'the answers that the newest checkpoint was learning from are no longer there': '最新检查点正在学习的回答已经不在了',
  'the file of sampled answers was cut or changed, and the weights that gave them have moved on since':
    '采样回答的文件被截断或改动过，而作答的权重此后已经变了',
  'Delete this folder and run the same command again: the round begins anew':
    '请删除这个目录，再运行同一条命令：本轮会重新开始',
  '{1} has no tasks to sample answers to': '{1} 没有可以采样回答的任务',
  'it learns from its own answers, as a check of the task scores them': '它从自己的回答里学习，由任务的检查来打分',
  'Name a file of tasks with checks: --set align.prompts=FILE (docs/online.md says what is in one), or let self-instruct make them':
    '请指定带检查的任务文件：--set align.prompts=FILE（内容见 docs/online.md），或让 self-instruct 生成',
};
