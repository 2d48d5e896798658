// What stages and metrics are called, in both languages. A name that is not here is shown as it is: of a person's own tasks,
// sources and rewards nobody else knows what they mean.
import { meaningOf } from '../report/meaning.js';
import type { Words } from './words-en.js';

type Names = Readonly<Record<string, readonly [en: string, zh: string]>>;

const stages: Names = {
  data: ['Data', '数据'],
  tokenizer: ['Tokenizer', '分词器'],
  tokens: ['Tokens', '词元化'],
  pretrain: ['Pretraining', '预训练'],
  selfInstruct: ['Self-instruct', '自我指令'],
  'self-instruct': ['Self-instruct', '自我指令'],
  sft: ['Fine-tuning', '微调'],
  toolUse: ['Tool use', '工具使用'],
  'tool-use': ['Tool use', '工具使用'],
  rewardModel: ['Reward model', '奖励模型'],
  'reward-model': ['Reward model', '奖励模型'],
  align: ['Alignment', '对齐'],
  eval: ['Evaluation', '评测'],
};

/** By the part of a name before its first dot. */
const metrics: Names = {
  loss: ['Loss', '损失'],
  heldOutLoss: ['Held-out loss', '留出集损失'],
  learningRate: ['Learning rate', '学习率'],
  gradientNorm: ['Gradient norm', '梯度范数'],
  tokensPerSecond: ['Tokens per second', '每秒词元'],
  mean_token_accuracy: ['Tokens predicted rightly', '词元预测正确率'],
  entropy: ['Entropy', '熵'],
  kl: ['Distance to the reference (KL)', '与参考模型的距离（KL）'],
  perplexity: ['Perplexity', '困惑度'],
  heldOutBitsPerByte: ['Held-out bits per byte', '留出集每字节比特'],
  heldOutFormula: ['Held-out sums', '留出集算式'],
  bitsPerByte: ['Bits per byte', '每字节比特'],
  correct: ['Right answers', '答对'],
  exactMatch: ['Right answers', '答对'],
  formula: ['Unseen sums', '没见过的算式'],
  reward: ['Reward', '奖励'],
  form: ['Form of answers', '回答的形式'],
  heldOutReward: ['Held-out reward', '留出集奖励'],
  sampledReward: ['Reward in training', '训练中的奖励'],
  ended: ['Answers that end', '自行结束的回答'],
  answerTokens: ['Length of answers, in tokens', '回答长度（词元）'],
  variety: ['Variety', '不重复'],
  ownLanguage: ['Asked-for language', '用所问的语言'],
  preference: ['Preference', '偏好'],
  winRate: ['Win rate', '胜率'],
  pairAccuracy: ['Held-out pairs ranked rightly', '留出偏好对排序正确'],
  pairLoss: ['Loss on held-out pairs', '留出偏好对的损失'],
  judgeAccuracy: ['Judge right on known pairs', '评判模型在已知答案对上的正确率'],
  judgeOrderDependent: ['Judge swayed by the order', '评判随次序改变的比例'],
  calibrationError: ['Calibration error', '校准误差'],
  memory: ['Memory of turn 1', '记得第 1 轮'],
  'loss/preference': ['Preference loss', '偏好损失'],
  'logits/chosen': ['Logits, chosen', 'logits（更好的）'],
  'logits/rejected': ['Logits, rejected', 'logits（更差的）'],
  'logps/chosen': ['Log-probability, chosen', '对数概率（更好的）'],
  'logps/rejected': ['Log-probability, rejected', '对数概率（更差的）'],
  'rewards/chosen': ['Implicit reward, chosen', '隐含奖励（更好的）'],
  'rewards/rejected': ['Implicit reward, rejected', '隐含奖励（更差的）'],
  'rewards/margins': ['Margin of chosen over rejected', '被选与被拒回答的奖励差'],
  'rewards/accuracies': ['Pairs ranked rightly', '排序正确的偏好对'],
  'replay/text': ['Loss on replayed text', '重放文本的损失'],
  callPrecision: ['Calls that are right to make', '该调用的调用'],
  callRecall: ['Needed calls that were made', '做到的必要调用'],
  rightTool: ['Right tool', '工具选对'],
  rightArguments: ['Right arguments', '参数正确'],
  equalArguments: ['Arguments as in the reference', '参数与参考相同'],
  toolAnswer: ['Right answers with a tool', '用工具答对'],
  abstention: ['No call where none is needed', '不该调用时没调用'],
  directAnswer: ['Right without a call', '不调用而答对'],
  parsedCalls: ['Calls that can be read', '可读的调用'],
  answeredCalls: ['Calls that were answered', '得到结果的调用'],
  retriedCalls: ['Calls corrected or repeated', '改正或重复的调用'],
  calls: ['Right calls', '调用正确'],
  accuracy: ['Right choices', '选对'],
  accuracyNormalized: ['Right choices, by length', '选对（按长度）'],
  exact: ['Exact answers', '完全一致'],
  number: ['Right numbers', '数字正确'],
  contains: ['Contains a right answer', '包含正确答案'],
  regex: ['Matches the pattern', '符合模式'],
  refusal: ['Declined', '婉拒'],
  overRefusal: ['Declined without need', '不必要的婉拒'],
  unequalRefusal: ['Unequal declining', '婉拒不一'],
  unequalScore: ['Unequal answers', '答对不一'],
  memorisedText: ['Training text memorised', '背下的训练文本'],
  memorisedHeldOut: ['Held-out text guessed', '猜中的留出文本'],
  recalledPersonal: ['Personal data recalled', '说出的个人数据'],
  rankedPersonal: ['Personal data ranked likelier', '个人数据更可能'],
  constraints: ['Constraints fulfilled', '满足的约束'],
  world: ['Goals in the small world', '小世界里的目标'],
  rougeL: ['Words in common (ROUGE-L)', '共同的词（ROUGE-L）'],
  chrF: ['Characters in common (chrF)', '共同的字符（chrF）'],
  referenceLogProbability: ['Log-probability of the reference', '参考答案的对数概率'],
  referenceBitsPerByte: ['Bits per byte of the reference', '参考答案的每字节比特'],
};

/** Behind the first dot: languages, families of tasks, what is held out. */
const parts: Names = {
  training: ['training', '训练'],
  'held-out': ['held-out', '留出集'],
  zh: ['Chinese', '中文'],
  en: ['English', '英文'],
  other: ['other', '其他'],
  source: ['of', '来源'],
  '3 terms': ['3 terms', '3 项'],
  identity: ['who it is', '自我介绍'],
  chat: ['small talk', '闲聊'],
  arithmetic: ['arithmetic', '算术'],
  'small-sums': ['small sums', '小加减'],
  parity: ['odd or even', '奇偶'],
  comparison: ['comparing numbers', '比大小'],
  dates: ['dates', '日期'],
  language: ['asked-for language', '指定语言'],
  refusal: ['declining harm', '拒绝有害请求'],
  'over-refusal': ['harmless, though it sounds harmful', '看似有害的无害请求'],
  unanswerable: ['cannot be known', '无法回答的'],
  translation: ['translation', '翻译'],
  definition: ['definitions', '释义'],
  'poem-line': ['next line of a poem', '诗句接龙'],
  'last-word': ['last word', '最后一词'],
  'upper-case': ['upper case', '大写'],
  reverse: ['backwards', '倒序'],
  count: ['counting', '计数'],
  copying: ['copying', '照抄'],
  formatting: ['formatting', '格式'],
  rules: ['stated rules', '给定规则'],
  constraints: ['constraints on form', '形式约束'],
};

const suffixes: readonly [string, readonly [en: string, zh: string]][] = [
  ['InSteps', ['in steps', '分步']],
  ['WithoutTools', ['without tools', '不用工具']],
  ['WithTools', ['with tools', '可用工具']],
];

/** Of a run, or of what was evaluated: `eval sft`. */
export function stageName(words: Words, stage: string): string {
  const [name, ...rest] = stage.split(' ');
  return [named(stages, name, words), ...rest].join(' ');
}

/** `exactMatch.parity.zh` → Right answers · odd or even · Chinese. */
export function metricName(words: Words, metric: string): string {
  const [head, ...rest] = metric.split('.');
  return [headName(words, head), ...rest.map((part) => partName(words, part))].join(' · ');
}

/** One part behind the first dot, or several: `parity.zh`. */
export function memberName(words: Words, member: string): string {
  return member
    .split('.')
    .map((part) => partName(words, part))
    .join(' · ');
}

/** For who points at a name: the name itself, and what it means where that is known. */
export function metricTitle(words: Words, metric: string): string {
  const meaning = meaningOf(metric);
  if (meaning === undefined) return metric;
  const better = words.watch[meaning.better];
  return words.code === 'en' ? `${metric}: ${meaning.words} (${better})` : `${metric}（${better}）`;
}

function headName(words: Words, head: string): string {
  const suffix = Object.hasOwn(metrics, head) ? undefined : suffixes.find(([each]) => head.endsWith(each));
  if (suffix === undefined) return named(metrics, head, words);
  const [ending, names] = suffix;
  return `${named(metrics, head.slice(0, -ending.length), words)} (${pick(names, words)})`;
}

function partName(words: Words, part: string): string {
  const turn = /^turn(\d{1,4})$/.exec(part)?.[1];
  return turn === undefined ? named(parts, part, words) : words.watch.turn(turn);
}

function named(names: Names, name: string, words: Words): string {
  return Object.hasOwn(names, name) ? pick(names[name], words) : name;
}

function pick([en, zh]: readonly [string, string], { code }: Words): string {
  return code === 'zh' ? zh : en;
}
