// What judges say, and online DPO, in Chinese.
import type { Catalog } from '../messages.js';

export const judge: Catalog = {
  'answers sampled for each prompt; default: 6, online-dpo 2': '每个提问采样的回答数；默认：6，online-dpo 为 2',
  'one loss or several: of dpo {1}; of kto {2}; of cpo {3}; of online-dpo {4}; default: the first of its method':
    '一种或几种损失：dpo 的 {1}；kto 的 {2}；cpo 的 {3}；online-dpo 的 {4}；默认：该方法的第一种',
  'prompts sampled in a round; methods that sample as they learn read none of this and go through all':
    '一轮里采样的提示词数；边学边采样的方法不读此项，会用全部提示词',
  'prompts of a step of methods that sample as they learn, each answered samplesPerPrompt times; default: 8':
    '边学边采样的方法每步的提示词数，每个回答 samplesPerPrompt 次；默认：8',
  'is not read by online-dpo: a pair of each of promptsPerStep prompts is a step, batchSize of them a micro-batch':
    'online-dpo 不读此项：promptsPerStep 个提示词各一对为一步，其中 batchSize 对为一个微批',
  'how a round learns: dpo, kto (single answers, good or bad), orpo, cpo, simpo, alphapo (the last four without a reference), best-of-n (fine-tuning on the best answers), quality-tags (a tag in the prompt says how good the answer is), grpo, rloo and ppo (answers that are sampled and scored while it learns; ppo with a critic), online-dpo (the best and the worst of such answers are a pair), distill (what a teacher predicts at every token of such answers)':
    '一轮怎样学习：dpo、kto（单个回答，好或坏）、orpo、cpo、simpo、alphapo（后四个不用参考模型）、best-of-n（在最好的回答上微调）、quality-tags（提示词里的标签说明回答有多好）、grpo、rloo 和 ppo（一边学习一边采样并打分；ppo 另有评论者）、online-dpo（这样的回答中最好与最差的成为一对）、distill（在这样的回答上逐词元学习教师的预测）',
  'Raise align.{1}, or lower align.train.learningRate. {2}': '请调大 align.{1}，或调小 align.train.learningRate。{2}',
  "the reference of {1} is the policy as it is at the round's start: a frozen copy of it, {2} at most, stays in memory{3}":
    '{1} 的参考模型是本轮开始时的策略：它的一份冻结副本（至多 {2}）留在内存里{3}',
  ' (klWeight {1}; with 0 there is none)': '（klWeight {1}；为 0 时没有）',
  'who scores sampled answers: some of rules, constraints, tools, reward-model (the one that this run makes), {scorer, weight}, {rewardModel: PATH, weight} or {judge: {model: NAME}, weight} (a model that compares answers: docs/reward.md); several are scaled to 0…1 among the answers to a prompt and added; default: rules, which decide on promotion in any case':
    '由谁给采样的回答打分：rules、constraints、tools、reward-model（本次运行所做的那个）、{scorer, weight}、{rewardModel: PATH, weight} 或 {judge: {model: NAME}, weight}（比较回答的模型：docs/reward.md）中的若干；有多个时，先在同一提示的回答之间缩放到 0…1 再相加；默认：rules，晋升总由它决定',
  'let a reward model or a judge score that has no licence, or was refused one; it is recorded with what it makes':
    '让没有许可或许可被拒的奖励模型或评判模型打分；会记录在产物里',
  'checkpoint, run or model folder of a chat model that judges on this machine':
    '在本机评判的对话模型：检查点、运行目录或模型目录',
  'name of the model that judges, at the endpoint': '端点上评判模型的名字',
  'pairs whose better answer is known, on which the judge shows what it is worth; default: held-out preferences of `data`, else right and wrong answers of the policy to tasks with checks':
    '已知哪个回答更好的回答对，供评判模型证明自己；默认：`data` 的留出偏好，否则为策略对带检查任务的正确与错误回答',
  'of these pairs, at most; each is asked twice': '至多用这么多对；每对问两次',
  'largest share of these pairs whose verdict changes with the order of the answers':
    '允许评判随回答次序改变的最大比例',
  'answers that each answer is compared with, of a group of more than four different ones':
    '一组有四个以上不同回答时，每个回答与多少个比较',
  'a judge is one model: give its `checkpoint`, or the name of a `model` at an endpoint':
    '评判模型只有一个：请给出它的 `checkpoint`，或端点上的 `model` 名',
  'a budget in dollars needs the prices of the model, in USD per million tokens':
    '以美元计的预算需要模型的价格（每百万词元的美元数）',
  'it is of an endpoint, and not read beside `checkpoint`': '它属于端点，与 `checkpoint` 同写时不会读取',
  'judge {1}': '评判模型 {1}',
  'stopped while asking the judge': '询问评判模型时被停止',
  '{1} replies of the judge in a row held no verdict': '评判模型连续 {1} 个回复没有给出评判',
  'it was asked for A, B or TIE, and said: {1}': '它应当回答 A、B 或 TIE，却说：{1}',
  'A larger model may follow the form; else try jsonMode: schema, or turn its thoughts off (request). What could be read is kept, and not asked again':
    '更大的模型也许能照格式回答；否则可试 jsonMode: schema，或关闭它的思考（request）。能读懂的会保留，不再重问',
  'right and wrong answers of the policy': '策略的正确与错误回答',
  'held-out preferences': '留出的偏好',
  'the judge is shown {1} whose better answer is known: {2}': '向评判模型出示{1}已知哪个更好的回答：{2}',
  'it is no pair of answers': '它不是一对回答',
  'pairs for the judge': '供评判模型的回答对',
  'there is no pair of answers whose better one is known, for the judge to show what it is worth':
    '没有已知哪个更好的回答对，评判模型无从证明自己',
  'the policy gave no right and wrong answer to one task with a check, or there are no such tasks':
    '策略没有对同一个带检查的任务既答对又答错，或没有这样的任务',
  'none of its rows has two answers of which one is preferred': '其中没有一行有两个已分高下的回答',
  'Give rows with prompt, chosen and rejected, or none (judge.gold): then held-out preferences or answers of the policy are shown':
    '请给出含 prompt、chosen、rejected 的行，或不写 judge.gold：那时出示留出的偏好或策略的回答',
  'Give pairs: judge: {gold: PAIRS.jsonl}, rows with prompt, chosen and rejected':
    '请给出回答对：judge: {gold: PAIRS.jsonl}，每行含 prompt、chosen、rejected',
  'name the checkpoint of a judge on this machine': '指明本机上评判模型的检查点',
  'Use a judge with a longer context, or a smaller align.maxNewTokens':
    '请用上下文更长的评判模型，或更小的 align.maxNewTokens',
  '{1}: known pairs': '{1}：已知的回答对',
  'it gives no verdict on {1} of the pairs': '它对 {1} 的回答对没有给出评判',
  'its verdict changes with the order of the answers in {1} of the pairs, and {2} is allowed':
    '它在 {1} 的回答对上随次序改变评判，而只允许 {2}',
  'it is not surely better than chance: right in {1}': '不能确定它好过瞎猜：正确率 {1}',
  '{1} (95 % from {2} to {3})': '{1}（95 % 区间 {2} 至 {3}）',
  '{1}: right in {2} of {3}; {4} of {5} have no verdict': '{1}：在 {3}上正确率 {2}；{5} 对中有 {4} 没有评判',
  '{1}: the verdict changes with the order of the answers in {2} of them; {3} of the verdicts are for the answer that is shown first':
    '{1}：其中 {2} 的评判随次序改变；{3} 的评判偏向先出示的回答',
  '{1}: length alone is right in {2} ({3}); verdicts follow length by {4} (1: the longer answer always wins, −1: the shorter)':
    '{1}：只看长度的正确率为 {2}（{3}）；评判与长度的相关为 {4}（1：总是较长的赢；−1：较短的赢）',
  '{1}: right in {2} of {3} known pairs.': '{1}：在 {3} 个已知的对上判对 {2}。',
  'It may steer alignment.': '它可以引导对齐。',
  'It has not shown enough to steer alignment: {1}.': '它还不足以引导对齐：{1}。',
  'May steer alignment': '可否引导对齐',
  'It is surely right more often than the length of an answer alone.': '它肯定比只看回答长度更常判对。',
  'the judge is better by (points)': '评判模型好多少（百分点）',
  'Verdicts follow the length of answers by {1} (rank correlation; 1: the longer answer always wins, −1: the shorter).':
    '评判随回答长度走的程度为 {1}（秩相关；1：总是长的胜，−1：总是短的）。',
  '{1}: it may steer alignment': '{1}：可以引导对齐',
  'a judge that has not shown enough steers alignment (align.unlicensed): {1}':
    '未能充分证明自己的评判模型在引导对齐（align.unlicensed）：{1}',
  'this judge may not steer alignment': '这个评判模型不可引导对齐',
  'Choose a larger judge, or give more pairs whose better answer is known (judge.gold, judge.goldPairs); or pass --unlicensed (align.unlicensed: true), which is recorded with what it makes':
    '请换更大的评判模型，或给出更多已知哪个更好的回答对（judge.gold、judge.goldPairs）；或加 --unlicensed（align.unlicensed: true），会记录在产物里',
  'round {1}: {2} compared {3} of answers; {4} changed with the order and are ties, {5} have no verdict':
    '第 {1} 轮：{2} 比较了{3}回答；其中 {4} 随次序改变而记为平局，{5} 没有评判',
  'Each pair whose better answer is known is judged in both orders; a verdict that changes with the order is a tie, and half right. A random guess is right in half of the pairs. A judge steers alignment only where it is surely better than that, and than the length of an answer.':
    '每个已知哪个更好的回答对都按两种次序评判；随次序改变的评判记为平局，算对一半。瞎猜有一半是对的。只有确定好过瞎猜、也好过只看长度，评判模型才引导对齐。',
  'Its verdict changes with the order of the answers in {1} of the pairs; {2} of its verdicts are for the answer that is shown first; {3} of the pairs have no verdict.':
    '它在 {1} 的回答对上随次序改变评判；{2} 的评判偏向先出示的回答；{3} 的回答对没有评判。',
  'share of pairs whose better answer is known that the judge gets right, ties half; a random guess has half':
    '评判模型在已知哪个更好的回答对上的正确率（平局算一半）；瞎猜为一半',
  'share of these pairs on which the verdict of the judge changes with the order of the answers':
    '其中评判随回答次序改变的比例',
  "the {1}'s context of {2} tokens has no room for a prompt of {3}": '{1}的上下文 {2} 词元放不下 {3} 的提示词',
  "the {1}'s endpoint {2}; trying again in {3} s": '{1}的端点{2}；{3} 秒后重试',
  "the {1}'s endpoint {2}": '{1}的端点{2}',
  "redacted a key {1} times in what the {2}'s endpoint answered": '{2}端点的答复中有 {1} 处密钥被隐去',
  '{1} answers from {2}, {3} from an earlier try': '{1}个回答来自 {2}，{3} 来自先前的尝试',
  'judge: {1} answers from {2}, {3} from an earlier try': '评判模型：{1}个回答来自 {2}，{3} 来自先前的尝试',
  'teacher: {1}': '教师：{1}',
  'judge: {1}': '评判模型：{1}',
  teacher: '教师',
  judge: '评判模型',
};
