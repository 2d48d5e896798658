// What src/config/ says, in Chinese, part 2.
import type { Catalog } from '../messages.js';

export const config2: Catalog = {
  'must not be above directAbove: a question would be both': '不能大于 directAbove：那样一道题会同属两类',
  'name a built-in tool, with what it reads where it needs that (Search=notes/), or one of your own tools folder: no file says in a pipeline what runs':
    '请写内置工具的名字（需要时附上它读取的内容，如 Search=notes/），或您自己工具目录里的一个：流水线里的文件不能规定运行什么',
  'optimizer steps; without it, `epochs` decides': '优化器步数；不给则由 `epochs` 决定',
  'passes over the data, where `steps` is not given': '没有给 `steps` 时，数据过几遍',
  'micro-batches per optimizer step': '每个优化器步的微批数',
  'share of the steps over which the micro-batches of a step grow from 1 to `accumulation`; 0 = none':
    '在多大比例的步数内，每步的微批数从 1 增长到 `accumulation`；0 = 不增长',
  'what turns gradients into steps; muon: Muon for the matrices of the layers, AdamW for all else':
    '由什么把梯度变成更新；muon：各层矩阵用 Muon，其余用 AdamW',
  'of Muon; default: 0.95': 'Muon 的；默认：0.95',
  'shape after the warm-up': '预热之后的形状',
  'share of the steps spent warming up': '预热占步数的比例',
  'share of the steps spent decaying (wsd)': '衰减占步数的比例（wsd）',
  'last learning rate, as a share of the peak': '最后的学习率，相对峰值的比例',
  'AdamW decay of matrices (never of norms or biases)': '矩阵的 AdamW 权重衰减（归一化和偏置从不衰减）',
  'AdamW first-moment decay': 'AdamW 一阶矩的衰减',
  'AdamW second-moment decay': 'AdamW 二阶矩的衰减',
  'AdamW epsilon': 'AdamW 的 epsilon',
  'global gradient norm above which to scale down; 0 = off': '全局梯度范数超过此值就缩小；0 = 关',
  'weight of (log Z)² in the loss of pretraining and fine-tuning, against drifting logits: 1e-4; 0 = off':
    '(log Z)² 在预训练和微调损失中的权重，防止 logit 漂移：1e-4；0 = 关',
  'standard deviations above the recent steps at which a loss or gradient norm is a spike: back to the last checkpoint, and on with other data; 0 = off':
    '损失或梯度范数高出近期多少个标准差算作尖峰：回到上一个检查点，换其他数据继续；0 = 关',
  'steps between held-out evaluations; 0 = only at the end': '每隔多少步做一次留出评测；0 = 只在最后',
  'steps between printed samples; 0 = only at the end': '每隔多少步打印一次采样；0 = 只在最后',
  'steps between statistics of every layer (states, gradients, updates) for the report; 0 = none':
    '每隔多少步为报告统计每一层（状态、梯度、更新）；0 = 不统计',
  'steps between checkpoints': '每隔多少步存一个检查点',
  'evaluations without a better value of `bestBy` after which the training ends, with the best checkpoint as its result; default: it takes all steps, and ends with the last':
    '连续多少次评测 `bestBy` 没有更好就结束训练，以最好的检查点为结果；默认：走完所有步，以最后一步为准',
  'metric for `patience`; default: the first that an evaluation reports, such as heldOutLoss':
    '`patience` 所看的指标；默认：评测报告的第一个，例如 heldOutLoss',
  'checkpoints kept: last=N newest, every=N steps, best=METRIC':
    '保留的检查点：last=N 最新的，every=N 每隔这么多步，best=METRIC 最好的',
  'save memory: keep the activations of one layer at a time and compute them again in the backward pass, at the cost of one more forward pass (about a third more computation)':
    '节省内存：一次只保留一层的激活，反向时重新计算，代价是多一次前向（计算量多约三分之一）',
  '{1}; default: follows from {2}': '{1}；默认：由 {2} 决定',
  'what is tuned: {1}': '调的是什么：{1}',
  '5e-4 (published models 2e-5), with LoRA 5e-3 (2e-4)': '5e-4（已发布的模型 2e-5），用 LoRA 时 5e-3（2e-4）',
  '3, where an adapter continues 1': '3，续训适配器时 1',
  '0.01, of published models and adapters 0': '0.01，已发布的模型和适配器为 0',
  '1e-4 (published models 1e-6), with LoRA ten times that': '1e-4（已发布的模型 1e-6），用 LoRA 时为其十倍',
  '2 (published models 1)': '2（已发布的模型 1）',
  'optimizer steps; default: as many as `tokens` or `epochs` take': '优化器步数；默认：`tokens` 或 `epochs` 所需的步数',
  'model.size, where a model continues a tenth': 'model.size，继续训练已有模型时取十分之一',
  'tokens to train on, in place of `steps`; default: 20 for each parameter, where a model continues one pass over the text':
    '训练的词元数，代替 `steps`；默认：每个参数 20 个，继续训练已有模型时把文本读一遍',
  'passes over the data, in place of `steps` or `tokens`': '数据过几遍，代替 `steps` 或 `tokens`',
  'decides on the length, and {1} does too ({2}): give one, and null for the other':
    '决定训练多久，而 {1} 也决定（{2}）：请给一个，另一个写 null',
  'ten times the rate of all weights: Schulman et al. 2025, "LoRA Without Regret"':
    '全部权重学习率的十倍：Schulman et al. 2025，《LoRA Without Regret》',
  'half the rate of a new adapter, for it has learnt already': '新适配器学习率的一半，因为它已经学过',
  "the default of TRL's DPOTrainer": 'TRL 的 DPOTrainer 的默认值',
  'a fifth of the rate of fine-tuning': '微调学习率的五分之一',
  "the default of TRL's SFTTrainer": 'TRL 的 SFTTrainer 的默认值',
  'measured on 1 to 30 million parameters': '在 100 万到 3000 万参数的模型上测得',
  'a published model': '已发布的模型',
  'a model made here': '本项目训练的模型',
  'all weights of {1}': '{1}的全部权重',
  'LoRA on {1}': '{1}上的 LoRA',
  'LoRA continued on {1}': '{1}上续训的 LoRA',
  '{1}: {2}; {3}.train sets others': '{1}：{2}；可用 {3}.train 另设',
  'learning rate': '学习率',
  'batch size': '批大小',
  'weight decay': '权重衰减',
  'share of the rows that have several exchanges: chained tasks, follow-ups, corrections, repetitions':
    '含多轮交流的行的比例：连续的任务、追问、更正、重复',
  'exchanges of a row, at most': '一行最多几轮',
  "tokens of a row of several exchanges, at most, as estimated from its words; default: fine-tuning's context, where it is known, or 256":
    '多轮的行最多多少词元，按其词数估计；默认：微调的上下文长度（若已知），否则 256',
};
