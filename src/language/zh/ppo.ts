// What is said of PPO and its critic, in Chinese.
import type { Catalog } from '../messages.js';

export const ppo: Catalog = {
  "reward model that ppo's critic begins as (a checkpoint, a run or a model folder), with the tokenizer of the policy; default: the policy as it is at the round's start, with a score that is new":
    'ppo 的评论者从哪个奖励模型开始（检查点、运行或模型目录），须与策略用同一个分词器；默认：本轮开始时的策略，加上新的打分头',
  'first steps of ppo in which only the critic learns, and the policy stays as it is; default: 8':
    'ppo 最初有多少步只让评论者学习、策略不动；默认：8',
  'what a token counts of the rewards one token later (γ of ppo); default: 1':
    '后一个词元的奖励在前一个词元上算多少（ppo 的 γ）；默认：1',
  'how far an advantage of ppo looks ahead before it trusts the critic (λ of generalised advantage estimation; TRL: lam): 0 one token, 1 to the end; default: 0.95':
    'ppo 的优势往前看多远才采信评论者（广义优势估计的 λ；TRL 的 lam）：0 看一个词元，1 看到结尾；默认：0.95',
  "weight of the critic's loss beside the policy's (TRL: vf_coef); default: 0.1":
    '评论者的损失相对于策略损失的权重（TRL 的 vf_coef）；默认：0.1',
  'how far a value may move from what it was when the answer was sampled, before moving further pays (TRL: cliprange_value); default: 0.2':
    '价值可以离采样时的价值多远，再远就不再有收益（TRL 的 cliprange_value）；默认：0.2',
  'what ppo takes off the reward of each token, times klWeight: log(π / π_ref), or π_ref / π − 1 − log(π_ref / π), which is never negative (TRL: kl_estimator); default: k1':
    'ppo 从每个词元的奖励里扣除什么（乘以 klWeight）：log(π / π_ref)，或从不为负的 π_ref / π − 1 − log(π_ref / π)（TRL 的 kl_estimator）；默认：k1',
  "scale the rewards of ppo's answers by mean and standard deviation of all that this round has given so far; default: true":
    '按本轮至今全部奖励的均值和标准差缩放 ppo 回答的奖励；默认：true',
  'largest reward of an answer of ppo, above and below 0, after scaling; default: 5 where it is scaled, else none':
    'ppo 的回答在缩放之后的最大奖励（正负两侧）；默认：缩放时为 5，否则不限',
  'divide the rewards of all tokens of a sampling by their standard deviation (TRL: whiten_rewards); default: false':
    '一次采样里全部词元的奖励除以它们的标准差（TRL 的 whiten_rewards）；默认：false',
  'is not read where klWeight is 0: remove it, or write null': 'klWeight 为 0 时不读此项：请删去，或写 null',
  'is not read by {1}, which learns from answers that are rewarded alike too: remove it, or write null':
    '{1} 不读此项，奖励相同的回答它也能学：请删去，或写 null',
  "the critic of ppo begins as {1}: {2} of weights are trained beside the policy's":
    'ppo 的评论者从{1}开始：在策略的权重之外再训练 {2} 权重',
  "the critic of ppo began as {1}: {2} of weights are trained beside the policy's":
    'ppo 的评论者当初从{1}开始：在策略的权重之外再训练 {2} 权重',
  "the policy as it is at the round's start, with a score that is new": '本轮开始时的策略（加上新的打分头）',
  'the critic reads {1} tokens, and a prompt with its answer has up to {2}':
    '评论者只能读 {1} 个词元，而提示词加回答可达 {2} 个',
  'it says of every token of an answer how well that will be rewarded': '它要在回答的每个词元上说出奖励会有多好',
  'Set a smaller align.maxNewTokens, give shorter prompts, or name no critic: the policy is one then':
    '请调小 align.maxNewTokens，缩短提示词，或不指定评论者：那时由策略充当',
  'the critic alone would learn in all of the {1} (criticWarmup {2})':
    '全部{1}里都只有评论者在学习（criticWarmup 为 {2}）',
  'the policy stays as it is until the critic has warmed up': '评论者预热完之前，策略不动',
  'Set fewer (--set align.criticWarmup=0), or train for longer: --epochs, or --steps':
    '请调小（--set align.criticWarmup=0），或训练更久：--epochs 或 --steps',
  'it learnt with another critic': '它用的是另一个评论者',
};
