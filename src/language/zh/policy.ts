// What the knobs of losses of sampled answers say, in Chinese.
import type { Catalog } from '../messages.js';

export const policy: Catalog = {
  'loss of sampled answers (TRL: loss_type): of grpo {1}; of rloo rloo; of ppo ppo; default: the first of its method':
    '采样回答的损失（TRL 的 loss_type）：grpo 有 {1}；rloo 有 rloo；ppo 有 ppo；默认：该方法的第一个',
  'what is compared with how likely it was when it was sampled: each token, or all of an answer, by the mean over its tokens (TRL: importance_sampling_level; sequence with policyLoss grpo is GSPO); default: token, luspo sequence':
    '与采样时的概率比较的是什么：每个词元，或整个回答（按词元取平均；TRL 的 importance_sampling_level；sequence 加 policyLoss grpo 即 GSPO）；默认：token，luspo 为 sequence',
  'a ratio below 1 − clipLow is not pushed further down (TRL: epsilon); default: 0.2':
    '比率低于 1 − clipLow 时不再往下推（TRL 的 epsilon）；默认：0.2',
  'a ratio above 1 + clipHigh is not pushed further up (TRL: epsilon_high; DAPO 0.28); of cispo the cap of the ratio itself; default: clipLow, cispo 5':
    '比率高于 1 + clipHigh 时不再往上推（TRL 的 epsilon_high；DAPO 为 0.28）；cispo 里是比率本身的上限；默认：clipLow，cispo 为 5',
  'cap of the ratio of answers that are worse than their group, more than 1 + clipHigh (TRL: delta)':
    '比同组差的回答，其比率的上限，须大于 1 + clipHigh（TRL 的 delta）',
  'how dear each step away from the reference is (β; TRL: beta); default: grpo 0, rloo and ppo 0.05':
    '每偏离参考模型一步的代价（β；TRL 的 beta）；默认：grpo 为 0，rloo 和 ppo 为 0.05',
  'where that is paid: in the loss of each token (k3 × ratio, whose gradient is that of the KL divergence; TRL: use_bias_correction_kl), or off the reward of the answer (k1); ppo takes it off the reward of each token; default: grpo loss, rloo reward':
    '这一代价记在哪里：每个词元的损失里（k3 × 比率，其梯度就是 KL 散度的梯度；TRL 的 use_bias_correction_kl），或从回答的奖励里扣除（k1）；ppo 从每个词元的奖励里扣除；默认：grpo 为 loss，rloo 为 reward',
  'whose standard deviation the advantages are divided by: of the answers to one prompt, of all answers that are sampled at once, or none at all (TRL: scale_rewards); default: group':
    '优势除以谁的标准差：同一提示词的回答、一次采样的全部回答，或不除（TRL 的 scale_rewards）；默认：group',
  'weight of the mean entropy of the next token, which is made larger (TRL: entropy_coef); default: 0':
    '下一词元平均熵的权重，熵会被推高（TRL 的 entropy_coef）；默认：0',
  'τ of sapo for answers that are better than their group (TRL: sapo_temperature_pos); default: 1':
    'sapo 对优于同组的回答所用的 τ（TRL 的 sapo_temperature_pos）；默认：1',
  'τ of sapo for all others (TRL: sapo_temperature_neg); default: 1.05':
    'sapo 对其余回答所用的 τ（TRL 的 sapo_temperature_neg）；默认：1.05',
  'k of vespo, the power of the ratio, for answers no worse than their group (TRL: vespo_k_pos); default: 2':
    'vespo 的 k，即比率的幂，用于不差于同组的回答（TRL 的 vespo_k_pos）；默认：2',
  'λ of vespo, its exponential decay, for answers no worse than their group (TRL: vespo_lambda_pos); default: 3':
    'vespo 的 λ，即指数衰减，用于不差于同组的回答（TRL 的 vespo_lambda_pos）；默认：3',
  'k of vespo for all others (TRL: vespo_k_neg); default: 3': 'vespo 对其余回答所用的 k（TRL 的 vespo_k_neg）；默认：3',
  'λ of vespo for all others (TRL: vespo_lambda_neg); default: 2':
    'vespo 对其余回答所用的 λ（TRL 的 vespo_lambda_neg）；默认：2',
  'checkpoint, run or model folder whose predictions distill learns, at every token of its own answers: one with the tokenizer of the policy':
    'distill 在自己回答的每个词元上学习其预测的检查点、运行或模型目录：须与策略用同一个分词器',
  'what distill makes small: 0 KL(teacher ‖ policy), 1 KL(policy ‖ teacher), between them the Jensen–Shannon divergence (TRL: beta); default: 1':
    'distill 缩小什么：0 为 KL(教师 ‖ 策略)，1 为 KL(策略 ‖ 教师)，两者之间为 Jensen–Shannon 散度（TRL 的 beta）；默认：1',
  'distill learns from a teacher: name its folder': 'distill 向教师学习：请给出它的目录',
  'is not read by distill: remove it, or write null': 'distill 不读此项：请删去，或写 null',
  'round {1}: the teacher, {2}, takes {3} of memory at most': '第 {1} 轮：教师 {2} 至多占 {3} 内存',
  'the teacher has another tokenizer ({1} tokens; the policy {2})':
    '教师用的是另一个分词器（{1} 个词元；策略为 {2} 个）',
  'what it holds likely is compared token by token, over the whole vocabulary': '它的预测要在整个词表上逐词元比较',
  'Name a teacher that was trained with the same tokenizer, or learn from its answers instead: mossctl self-instruct':
    '请用同一个分词器训练出来的教师，或改为向它的回答学习：mossctl self-instruct',
  'the teacher reads {1} tokens, and a prompt with its answer has up to {2}':
    '教师只能读 {1} 个词元，而提示词加回答可达 {2} 个',
  'it must predict every token of an answer after all that comes before': '它要在前文之后预测回答的每个词元',
  'Set a smaller align.maxNewTokens, give shorter prompts, or name another teacher':
    '请调小 align.maxNewTokens，缩短提示词，或换一个教师',
  '{1} is no loss of {2}: it has {3}': '{1} 不是 {2} 的损失：它有 {3}',
  'is not read by {1} with {2}: remove it, or write null': '{1} 加 {2} 时不读此项：请删去，或写 null',
  'luspo is defined for the ratio of a whole answer: write sequence, or null':
    'luspo 是按整个回答的比率定义的：请写 sequence，或 null',
  '{1} is within the clipped range: give more than 1 + clipHigh': '{1} 在截断范围之内：请给大于 1 + clipHigh 的数',
};
