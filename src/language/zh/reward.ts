// What reward models, their licence and mixed scorers say, in Chinese.
import type { Catalog } from '../messages.js';

export const reward: Catalog = {
  'no tasks with checks are here, so where its scores lead is not drawn (rewardModel.licence.prompts)':
    '这里没有带检查的任务，所以不画出它的分数会引向何处（rewardModel.licence.prompts）',
  'this run made a reward model alone, which pack does not share': '这次运行只做了奖励模型，而 pack 不分享奖励模型',
  'Export it: {1}': '导出它：{1}',
  '--{1} says nothing to --only {2}': '--{1} 对 --only {2} 没有意义',
  'it is align that is steered by a reward model: say it there': '由奖励模型引导的是 align：请在那里说明',
  'reward model: a checkpoint, a model folder, or a run that made one': '奖励模型：检查点、模型目录，或做了它的运行',
  'a reward model that is trained with {1} starts from the chat model of that run, and another is named':
    '与 {1} 一起训练的奖励模型从该次运行的对话模型开始，这里却指定了另一个',
  'Remove it (--set rewardModel.from=null), or train it by itself: mossctl align --only reward-model':
    '请去掉它（--set rewardModel.from=null），或单独训练：mossctl align --only reward-model',
  'align.scorers scores nothing: without tasks (align.prompts) no answer is sampled':
    'align.scorers 没有可评分的：没有任务（align.prompts）就不采样回答',
  'this reward model gives an answer no number (NaN or infinite)': '这个奖励模型给出的不是数值（NaN 或无穷）',
  'its weights are not numbers, or too large: nothing can be learnt from what it says':
    '它的权重不是数值，或太大：从它的话里学不到什么',
  'Train it again with a lower rewardModel.train.learningRate, or score by something else (align.scorers). The same command resumes':
    '请用更低的 rewardModel.train.learningRate 重新训练它，或换别的打分者（align.scorers）。同一条命令会继续',
  'It is surely right more often than the length of an answer alone, and than counting characters.':
    '它肯定比只看回答长度、比数字符更常判对。',
  'Where following it leads is not known: no tasks with checks were here (rewardModel.licence.prompts).':
    '跟着它走会走向何处并不知道：这里没有带检查的任务（rewardModel.licence.prompts）。',
  '{1} points [{2}, {3}]': '{1} 个百分点 [{2}, {3}]',
  'The best of {1} answers is worth {2} more than any, by the checks of {3} prompts. {4}':
    '按 {3} 个提示的检查，{1} 个回答里最好的比任取一个多值 {2}。{4}',
  'So following it makes answers better, at first.': '所以跟着它走，起初回答会变好。',
  'So it was not seen to make answers better: watch rewards/right while it steers.':
    '所以没有看到它让回答变好：由它引导时请看 rewards/right。',
  'It is predicted to stop paying {1} nats an answer from where the policy begins.':
    '预计在离策略起点每个回答 {1} nat 处不再合算。',
  '{1}: right in {2} of {3} held-out pairs.': '{1}：在 {3} 个留出的对上判对 {2}。',
  'It has a licence to steer alignment.': '它有引导对齐的许可。',
  'Its licence is refused: {1}.': '它的许可被拒：{1}。',
  '{1}, round {2}: over {3} steps the reward of sampled answers went from {4} to {5}.':
    '{1} 第 {2} 轮：{3} 步里采样回答的奖励从 {4} 到 {5}。',
  'Of those with a check {1} were right at first, and {2} in the end.': '其中带检查的回答起初有 {1} 正确，最后有 {2}。',
  'Held-out tasks decided: nothing was promoted, and the earlier policy stays.':
    '由留出的任务决定：没有提升任何模型，保留原来的策略。',
  'Held-out tasks decided: promoted at {1} of the way.': '由留出的任务决定：在路程的 {1} 处提升。',
  'Held-out tasks decided: promoted at {1} of the way, where {2} gained {3}.':
    '由留出的任务决定：在路程的 {1} 处提升，{2} 增加 {3}。',
  'best of n': 'n 选一',
  'best of n: answers to {1} are already there': 'n 选一：已有{1}的回答',
  '{1} has answers that were sampled otherwise. It is kept as {2}': '{1} 里是以其他方式采样的回答。已保留为 {2}',
  'only what {1} is measured by changed: it is measured again, and not trained':
    '{1} 只有测量用的设置变了：只重新测量，不重新训练',
  '{1} with a check, and the best of n answers is drawn for two at least': '{1}带检查，而 n 选一至少要有两个',
  'Give more tasks with checks (rewardModel.licence.prompts), or none':
    '请多给一些带检查的任务（rewardModel.licence.prompts），或者不给',
  'its pairs are of {1} prompts, and fewer than {2} decide nothing':
    '它的对只来自 {1} 个提示，少于 {2} 个什么也决定不了',
  'it scores all answers alike': '它给所有回答打同样的分',
  'the length of an answer alone': '只看回答的长度',
  'counting characters (n-grams)': '数字符（n 元组）',
  'it is not surely better than {1}: right in {2} of the pairs, and that in {3} (difference {4})':
    '不能肯定它好于{1}：它在 {2} 的对上正确，后者在 {3} 上正确（差 {4}）',
  'its gaps do not mean what they say: the calibration error is {1}, and {2} is allowed':
    '它的分差名不副实：校准误差为 {1}，允许 {2}',
  'following it makes answers worse: the best of {1} is worth {2} more than any, by the checks of {3} prompts':
    '跟着它走回答会变差：按 {3} 个提示的检查，{1} 选一比任取一个多值 {2}',
  'Train it here (mossctl align --only reward-model), which measures it, or pass --unlicensed':
    '请在这里训练它（mossctl align --only reward-model），训练时会测量它；或加 --unlicensed',
  'this reward model has no licence to steer alignment': '这个奖励模型没有引导对齐的许可',
  'this licence of a reward model cannot be believed': '这份奖励模型的许可不可信',
  'it is not what was written': '它不是当初写下的内容',
  'this licence is of another reward model': '这份许可属于另一个奖励模型',
  'it is for {1}, and the model is {2}': '它是给 {1} 的，而模型是 {2}',
  'this reward model may not steer alignment: its licence is refused': '这个奖励模型不得引导对齐：许可被拒',
  'Train it on more or other pairs; or pass --unlicensed (align.unlicensed: true), which is recorded with what it makes':
    '请用更多或别的对训练它；或加 --unlicensed（align.unlicensed: true），这会记录在产物里',
  '{1}, 95 % from {2} to {3}': '{1}，95 % 区间 {2} 到 {3}',
  'held-out pairs': '留出的对',
  'licence: granted; it may steer alignment': '许可：授予；它可以引导对齐',
  'licence: refused, for {1}': '许可：被拒，因为{1}',
  'right in held-out pairs: {1}': '留出的对上的正确率：{1}',
  'scorers that understand nothing are right in: {1}': '什么都不懂的打分者的正确率：{1}',
  'calibration error {1} of {2} allowed; scores follow length by {3} (1: the longer answer always scores higher, −1: the shorter)':
    '校准误差 {1}，允许 {2}；分数随长度走的程度 {3}（1：总是长的分高，−1：总是短的）',
  'it agrees with checks in {1} of {2} pairs that they tell apart': '在检查能分出高下的 {2} 对中，有 {1} 与检查一致',
  'no turning point before a KL of {1} nats': 'KL 到 {1} nat 为止没有转折点',
  'no turning point before {1} nats': '到 {1} nat 为止没有转折点',
  '{1} {2} held out, and a licence takes {3} at least: give more pairs (about {4}, each of a prompt of its own), or rewardModel.evalData':
    '留出了 {1}，而许可至少要 {3} 个：请给更多成对的行（约 {4} 对，各有自己的提问），或 rewardModel.evalData',
  'it is predicted to turn at a KL of {1} nats': '预计在 KL 为 {1} nat 处转折',
  'the best of {1} answers is worth {2} more than any, by the checks of {3} prompts; {4}':
    '按 {3} 个提示的检查，{1} 个回答里最好的比任取一个多值 {2}；{4}',
  'a reward model learns from preferences, and none are given': '奖励模型从偏好中学习，而没有给出偏好',
  'Name pairs of answers: --data FILE, or --data feedback for what chat and annotate collected':
    '请给出回答对：--data 文件，或用 --data feedback 取 chat 和 annotate 收集的',
  '1 pair is': '有 1 对',
  'no pair is': '没有对',
  '{1} held out, and what a reward model is worth takes two at least to say':
    '{1}被留出，而要说明奖励模型的价值至少需要两对',
  'Give more pairs, a larger rewardModel.validation, or others to measure with: rewardModel.evalData=FILE':
    '请多给一些对，调大 rewardModel.validation，或另给用来测量的：rewardModel.evalData=文件',
  'it has none': '它没有许可',
  'a reward model without a licence steers alignment (align.unlicensed): {1}':
    '一个没有许可的奖励模型在引导对齐（align.unlicensed）：{1}',
  'the reward model has a licence to steer alignment': '这个奖励模型有引导对齐的许可',
  '{1}; what it makes better is predicted to turn at a KL of {2} nats from where it began':
    '{1}；预计离起点 KL 为 {2} nat 处，它带来的改进会转折',
  'this reward model has other tokens than the model that is aligned': '这个奖励模型的词元与被对齐的模型不同',
  'its tokenizer.json is another one, so the same ids would say other things':
    '它的 tokenizer.json 是另一个，同样的编号会是别的意思',
  'Train one from the chat model itself: mossctl align --only reward-model --from MODEL --data PAIRS.jsonl':
    '请从这个对话模型本身训练一个：mossctl align --only reward-model --from 模型 --data 对.jsonl',
  'round {1}: {2} and {3} order answers alike by {4} (rank correlation, {5} prompts that both tell apart)':
    '第 {1} 轮：{2} 与 {3} 对回答排序的一致程度为 {4}（秩相关，{5} 个两者都能分出高下的提示）',
  'all pairs': '所有的对',
  'the chosen answer is shorter': '被选的回答更短',
  'both are equally long': '两者一样长',
  'the chosen answer is longer': '被选的回答更长',
  'given margins': '给定的间隔',
  '{1}: the closest third': '{1}：最接近的三分之一',
  '{1}: the middle third': '{1}：中间的三分之一',
  '{1}: the widest third': '{1}：差距最大的三分之一',
  'reward model {1}': '奖励模型 {1}',
  'let a reward model score that has no licence; it is recorded with what it makes':
    '让没有许可的奖励模型打分；会记录在产物里',
  'chat model + preferences → a model that scores answers, and a licence to steer alignment':
    '对话模型 + 偏好 → 给回答打分的模型，以及引导对齐的许可',
  'largest calibration error: how far its probabilities are from how often it is right, on average over held-out pairs':
    '最大校准误差：在留出的对上，它的概率与它正确的频率平均相差多少',
  'tasks with checks that the best of n answers are drawn for; default: those that self-instruct made for alignment, where it did':
    '为其做 n 选一的带检查的任务；默认：self-instruct 为对齐所做的（若有）',
  'of these tasks, at most': '其中最多取这么多个',
  'answers of the chat model to each: the largest n': '对话模型对每个任务的回答数：最大的 n',
  'preferences to learn from: rows with prompt, chosen and rejected (a file, a folder, a pattern, hf:ORG/NAME), feedback (what chat and annotate collected), or a list of those or of {path, weight}':
    '用来学习的偏好：带 prompt、chosen 和 rejected 的行（文件、文件夹、模式、hf:ORG/NAME），feedback（chat 和 annotate 收集的），或由这些或 {path, weight} 组成的列表',
  'preferences to measure the reward model with; default: a share of `data`':
    '用来测量奖励模型的偏好；默认：`data` 的一部分',
  'share of the preferences that is held out to measure with, where no others are given for that (1000 at most, by hash)':
    '没有另给时，为测量而留出的偏好份额（最多 1000，按哈希）',
  'ask for a gap as wide as the `margin` of a row, where it has one; false: only for the right order':
    '行里有 `margin` 时，要求分差有那么大；false：只要求顺序对',
  "weight of the squared sum of both scores, which keeps scores around 0 (TRL's center_rewards_coefficient, and the value that TRL recommends)":
    '两个分数之和的平方的权重，使分数保持在 0 附近（TRL 的 center_rewards_coefficient，取 TRL 推荐的值）',
  'weight of the NLL per token of the chosen answer, so that the states keep predicting text; 0 = off':
    '被选回答每词元 NLL 的权重，使隐状态仍能预测文本；0 = 关闭',
  'what it has to show before it may steer alignment': '它在引导对齐之前要证明什么',
  'train low-rank adapters and the score beside the frozen weights, not all weights':
    '在冻结的权重旁训练低秩适配器和打分头，而不是全部权重',
  'how much it counts beside the others': '与其他的相比算多重',
  '1e-4, with LoRA ten times that': '1e-4，用 LoRA 时为十倍',
  "the default of TRL's RewardTrainer": 'TRL 的 RewardTrainer 的默认值',
  'share of held-out pairs whose chosen answer the reward model scores higher; a random guess has half':
    '奖励模型给被选回答打分更高的留出对的份额；随机猜为一半',
  'mean surprise of the reward model at which answer of a held-out pair is the chosen one, in nats':
    '奖励模型对留出对中哪个回答被选的平均惊讶度，单位 nat',
  'how far the probabilities of a reward model are from how often it is right': '奖励模型的概率与它正确的频率相差多少',
  'Each held-out pair is scored; right is the score that puts the chosen answer first. A random guess is right in half of the pairs. It may steer alignment (align.scorers) only with a licence.':
    '给每个留出的对打分；把被选回答排在前面即为正确。随机猜在一半的对上正确。有许可才可引导对齐（align.scorers）。',
  'What the reward model is worth': '奖励模型值多少',
  'agrees with checks': '与检查一致',
  'Scores follow the length of answers by {1} (rank correlation; 1: the longer answer always scores higher, −1: the shorter).':
    '分数随回答长度走的程度为 {1}（秩相关；1：总是长的分高，−1：总是短的）。',
  'scorer that understands nothing': '什么都不懂的打分者',
  'the model is better by (points)': '模型好多少（百分点）',
  'How often it is right, by how sure it is (calibration error {1}, {2} allowed)':
    '按把握大小看它正确的频率（校准误差 {1}，允许 {2}）',
  'predicted share of right pairs (%)': '预测的正确份额（%）',
  'as predicted': '如预测',
  'predicted to turn at {1} nats': '预计在 {1} nat 处转折',
  'Checked reward of the best of n answers, n = 1 … {1}, {2} prompts ({3})':
    'n 个回答里最好者经检查的奖励，n = 1 … {1}，{2} 个提示（{3}）',
  'KL = ln n − (n − 1) / n, in nats': 'KL = ln n − (n − 1) / n，单位 nat',
  'checked reward': '经检查的奖励',
  'rejected, and scored higher': '被拒，却分更高',
  'stopped while scoring answers': '在给回答打分时停止',
  'this is no reward model': '这不是奖励模型',
  'it is a {1}, which predicts text and has no score': '它是 {1}，预测文本而没有打分头',
  'Train one of it: mossctl align --only reward-model --from MODEL --data PAIRS.jsonl':
    '请由它训练一个：mossctl align --only reward-model --from 模型 --data 对.jsonl',
  'run another stage of alignment in its place, with these flags': '用这些选项改为运行对齐的另一个阶段',
  'Give preferences of other prompts or conversations, too; or some to decide with: {1}.evalData=FILE':
    '请也给出其他提示或对话的偏好；或给一些用来决定的：{1}.evalData=文件',
  'Give rows with chosen and rejected': '请给出带 chosen 和 rejected 的行',
  ' (align.method: kto learns from both)': '（align.method: kto 两者都学）',
  '{1} of {2} with a label {3} not learnt: this method learns from pairs{4}':
    '{2} 的 {1}带标签，不会被学习：这种方法从对中学习{4}',
  '{1}.validation: {2}{3}': '{1}.validation: {2}{3}',
  '{1} of {2} to decide with ({3}.evalData) ask what is learnt too: they tell what is remembered, not what is understood':
    '用来决定的 {2} 中有 {1} 条（{3}.evalData）问的是也被学习的内容：它们说明记住了什么，而不是理解了什么',
};
