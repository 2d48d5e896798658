// What src/config/ says, in Chinese, part 1.
import type { Catalog } from '../messages.js';

export const config1: Catalog = {
  'nats a token that the log-probability of the chosen answers may fall in a round':
    '一轮中被选回答的对数概率每词元允许下降多少 nat',
  'share of its entropy that the policy may lose in a round': '策略允许损失的熵的比例',
  'KL divergence of a round from the policy that it began with, in nats a token of its own answers':
    '一轮相对其起始策略的 KL 散度，按自身回答每词元的 nat 计',
  'how many times as long, or as short, as before answers may become': '回答的长度允许变为之前的多少倍，或多少分之一',
  'share of the word sequences of an answer that may become repetitions, more than before':
    '回答的词序列中允许比之前多出多大比例的重复',
  'share of answers that may run into maxNewTokens without an end, more than before':
    '允许比之前多大比例的回答用满 maxNewTokens 仍未结束',
  'share of answers to questions in a language that may leave it, more than before':
    '对某种语言提问的回答，允许比之前多大比例改用别的语言',
  'whether a reward that rises while fewer answers are right (both beyond doubt) is an alarm':
    '奖励上升而答对的却变少（两者都超出噪声）时是否报警',
  'tasks with checks (rows of JSONL, …)': '带检查的任务（JSONL 等的行）',
  'tasks with checks to sample answers to (a file, a folder or a pattern), beside `data` or without it; or feedback: what people asked, of which answers are scored by form alone; default: what self-instruct made':
    '带检查的任务，从中采样回答（文件、目录或通配），与 `data` 同用或单独用；或 feedback：人们问过的话，其回答只按形式打分；默认：self-instruct 生成的',
  'tools that run while answers are sampled and judged ([Calculate, Search=notes/], one of your own folder): what they say is forced, and not learnt':
    '采样和评判回答时运行的工具（[Calculate, Search=notes/]，或您自己的一个目录）：它们说的话是强制写入的，不会被学习',
  'sampling temperature': '采样温度',
  'longest answer, in tokens': '回答的最大长度，按词元计',
  'answers sampled for each held-out prompt: their mean reward decides on promotion':
    '每个留出提问采样的回答数：其平均奖励决定是否晋级',
  'smallest reward gap between chosen and rejected; methods that sample as they learn read none of it':
    '被选与被拒回答之间的最小奖励差；边学边采样的方法不读此项',
  'pairs made from one prompt, at most; methods that sample as they learn read none of it':
    '一个提问最多产生几对；边学边采样的方法不读此项',
  'what is read again beside the pairs, against forgetting': '与偏好对一起重读的内容，用来防止遗忘',
  'compare each round with further fine-tuning that takes as many operations: about twice the time':
    '把每一轮与同样运算量的继续微调作比较：时间约为两倍',
  'fall of held-out reward that must be ruled out (95 % interval) before a better mean is promoted':
    '晋级一个均值更高的模型之前，必须排除的留出奖励降幅（95 % 区间）',
  'how much of what a round has learnt is promoted, and what that may cost':
    '一轮所学的有多少得以晋级，允许付出多少代价',
  'when alignment stops by itself, because the policy falls apart': '策略崩坏时，对齐在什么情况下自行停止',
  'train low-rank adapters beside the frozen weights, new ones or those that the policy has':
    '训练低秩适配器，而冻结其余权重；新建的，或策略已有的',
  'compute backend': '计算后端',
  'threads of the native engine or of TensorFlow; default: all cores':
    'native 引擎或 TensorFlow 的线程数；默认：所有核',
  'bf16 (native engine only): matrix products of operands rounded to bf16; sums, weights and moments stay fp32':
    'bf16（仅限 native 引擎）：矩阵乘法的操作数舍入为 bf16；累加、权重和矩仍为 fp32',
  'bits per byte that held-out text of each language may cost more': '每种语言的留出文本，每字节允许多用多少比特',
  'share of right answers that each family of tasks may lose': '每个任务族的答对比例允许下降多少',
  'reward that the questions of each language may lose': '每种语言的提问的奖励允许下降多少',
  'what has to become better: the reward of held-out tasks (default, where there are some), or what people prefer; the other one has its budget':
    '什么必须变好：留出任务的奖励（有任务时默认），或人们的偏好；另一个受预算约束',
  'what people prefer may become so much less probable, where tasks decide':
    '由任务决定时，人们偏好的回答的概率允许下降多少',
  'one of them has to be above 0: 0 is the policy as it is': '其中必须有一个大于 0：0 就是原来的策略',
  'shares of the way from the old weights to the new ones that are measured; [1]: the new ones alone':
    '在旧权重到新权重的连线上测量哪些位置；[1]：只测新权重',
  'what a promotion may cost, counted from where alignment began': '一次晋级允许付出的代价，从对齐开始时算起',
  'tokens of held-out text of each language that forgetting is measured on; 0: none':
    '用每种语言多少词元的留出文本测量遗忘；0：不测',
  'write it as last=3,every=1000,best=bits_per_byte, each part at most once':
    '请写成 last=3,every=1000,best=bits_per_byte，每部分至多一次',
  '{1} says nothing: {2}': '{1} 没有说明什么：{2}',
  '{1} is said twice: {2}': '{1} 写了两次：{2}',
  '{1} must be a whole number of at least 1, got {2}': '{1} 必须是至少为 1 的整数，实际是 {2}',
  '{1} is not one of last, every, best: {2}': '{1} 不是 last、every、best 之一：{2}',
  'rank of the two matrices beside each target: what an adapter can learn, and its size':
    '每个目标旁两个矩阵的秩：决定适配器能学多少，以及它的大小',
  'what they add is multiplied by alpha / rank': '它们的增量乘以 alpha / 秩',
  'by alpha / √rank instead, so that a higher rank does not learn more slowly':
    '改为乘以 alpha / √秩，这样秩较高时不会学得更慢',
  "share of an adapter's inputs that is set to zero in training": '训练时把适配器输入的多大比例置零',
  'modules beside which adapters stand: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; all-linear is all seven':
    '在哪些模块旁加适配器：q_proj、k_proj、v_proj、o_proj、gate_proj、up_proj、down_proj；all-linear 为全部七个',
  'module, or regular expression that matches its end → a rank of its own': '模块，或匹配其末尾的正则表达式 → 单独的秩',
  'module, or regular expression that matches its end → an alpha of its own':
    '模块，或匹配其末尾的正则表达式 → 单独的 alpha',
  'name at least one method': '请至少指明一种方法',
  'how the teacher is asked: one, a list, or names with shares ({families: 2, alpaca: 1}); default: families. Of {1}':
    '怎样向教师提问：一种、一个列表，或带份额的名字（{families: 2, alpaca: 1}）；默认：families。可选 {1}',
  'proportion of {1}; a language without one is not read': '{1} 的比例；没有比例的语言不读',
  'all else': '其余所有',
  'proportions of the sources, NAME: NUMBER (within each language where those are weighed too)':
    '各来源的比例，NAME: NUMBER（若语言也有权重，则在每种语言之内）',
  'languages in proportion to tokens^(1/temperature); 1: by size, large: equal':
    '各语言按 词元数^(1/温度) 的比例；1：按大小，很大：均等',
  'the same for sources': '来源同理',
  'give the {1} proportions or a temperature, not both': '请给{1}的比例或温度，不要两者都给',
  'share of the steps at which the phase ends': '该阶段在总步数的多大比例处结束',
  'passes over a source at most, one number or one by source: then the others get its share':
    '每个来源最多读几遍，一个数或按来源分别给：超出的份额分给其他来源',
  'what holds first, phase after phase; after the last one, what is said above':
    '先后依次适用的设置；最后一个之后，按上面所写的',
  'it ends at {1}, before the phase above it ends': '它在 {1} 结束，早于上一阶段的结束',
  'must be one of {1}, or a number of parameters such as 30m or 1.5b, or a depth such as d10':
    '必须是 {1} 之一，或参数量如 30m、1.5b，或深度如 d10',
  'the one dial: {1}, or parameters (30m, 1.5b), or depth (d10); gives the shape, and how it is trained':
    '唯一的旋钮：{1}，或参数量（30m、1.5b），或深度（d10）；决定形状和训练方式',
  'width of the residual stream': '残差流的宽度',
  'decoder layers': '解码器层数',
  'attention heads': '注意力头数',
  'key/value heads (grouped-query attention)': '键/值头数（分组查询注意力）',
  'numbers of a head, which need not add up to the width; default: hiddenSize / heads':
    '每个头的维度，各头相加不必等于宽度；默认：hiddenSize / heads',
  'width of the SwiGLU layer': 'SwiGLU 层的宽度',
  'induction: two heads of each of the first two layers begin as heads that copy, embeddings larger, and what layers add smaller; default: all values at random':
    'induction：前两层各有两个头一开始就会照抄，嵌入更大，各层所加的更小；默认：所有值随机',
  'longest sequence, in tokens': '最长序列，按词元计',
  'base of the rotary frequencies': '旋转位置编码的频率基数',
  'share the embedding with the output projection': '嵌入与输出投影共享权重',
  '{1}; a file, a folder or a pattern': '{1}；文件、目录或通配',
  'a kind is 1 to 40 letters, digits, dashes or underscores': '种类名是 1 到 40 个字母、数字、短横或下划线',
  'data-spec YAML: sources, licences, filters': 'data-spec YAML：来源、许可证、过滤器',
  'share of the documents held out': '留出的文档比例',
  'a row that cannot be read ends the build; else it is counted and skipped':
    '遇到无法读取的行就结束构建；否则计数并跳过',
  'data.stdin is the sha256 of a spooled standard input': 'data.stdin 是已存入缓存的标准输入的 sha256',
  'sha256 of what `from: stdin` reads, in the cache; `data build` sets it from its own standard input':
    '`from: stdin` 所读内容的 sha256，在缓存中；`data build` 会由自己的标准输入设定它',
  'weight of the language': '该语言的权重',
  'ids in all: 10 of the chat format, 256 bytes, merges': 'id 总数：对话格式 10 个，字节 256 个，以及合并',
  'bytes of text the merges are learnt from, at most': '最多从多少字节的文本学习合并',
  'count languages in these proportions of bytes, whatever their shares of the text':
    '不管文本中各语言的份额，按这些字节比例计数',
  'share of the characters beyond ASCII whose most frequent ones are whole tokens before anything else; default 0':
    'ASCII 之外的字符中，最常见的多大比例先整个成为词元；默认 0',
  'control tokens without a use yet: <|reserved_0|> and on': '预留尚无用途的控制词元：从 <|reserved_0|> 起',
  'how conversations are written: chatml (default), or moss, whose end markers become tokens':
    '对话怎样书写：chatml（默认），或 moss（其结束标记成为词元）',
  'tokenizer to add tokens to, in place of training one: its tokenizer.json, or the folder, checkpoint or model that has it; vocabSize and reserved are then ignored':
    '在这个分词器上添加词元，而不是训练一个：写它的 tokenizer.json，或含有它的目录、检查点或模型；此时忽略 vocabSize 和 reserved',
  'tokens that `extend` adds, at most; 0: that tokenizer as it is; default: 8192':
    '`extend` 最多添加多少词元；0：原样使用那个分词器；默认：8192',
  'checkpoint or model folder to continue training on this text, in place of a fresh model: it gives the shape, and the tokenizer unless one extends it; model.contextLength is then the tokens of a row':
    '在这份文本上继续训练的检查点或模型目录，而不是从头开始：形状由它决定，分词器也是（除非另行扩充）；此时 model.contextLength 是每行的词元数',
  'shape of the model': '模型的形状',
  'the checkpoint to start from': '从哪个检查点开始',
  'steps of the decay; default: as large a share as `train.decay`': '衰减的步数；默认：与 `train.decay` 相同的比例',
  'end a training early: continue from its checkpoint, the learning rate falling to its last':
    '提前收尾一次训练：从它的检查点继续，学习率降到最后的值',
  'how much is read of each language and source, and when; default: all text alike':
    '每种语言和来源读多少、何时读；默认：所有文本一视同仁',
  'an address must hold no user and no password: set OPENAI_API_KEY': '地址里不能有用户名和密码：请设 OPENAI_API_KEY',
  'its query was redacted when these settings were kept: write it again, or set OPENAI_BASE_URL':
    '保存这些设置时，它的查询串已被隐去：请重新写上，或设 OPENAI_BASE_URL',
  'more than 10,000 characters are no settings': '超过 10,000 个字符的不是设置',
  'USD per million tokens {1}': '每百万词元的美元数，{1}',
  'seed tasks (rows of JSONL, CSV, Parquet, …)': '种子任务（JSONL、CSV、Parquet 等的行）',
  'offline: only answers that can be computed or looked up; openai: any OpenAI-compatible endpoint; checkpoint: a chat model on this machine':
    'offline：只给可以算出或查到的答案；openai：任何兼容 OpenAI 的端点；checkpoint：本机上的对话模型',
  'checkpoint, run or model folder of a chat model (teacher: checkpoint)':
    '对话模型的检查点、运行目录或模型目录（teacher: checkpoint）',
  'model name at the endpoint (openai)': '端点上的模型名（openai）',
  'endpoint (openai); default: OPENAI_BASE_URL': '端点（openai）；默认：OPENAI_BASE_URL',
  'what the endpoint offers (openai): chat (default), or the legacy completions of a model that continues text':
    '端点提供什么（openai）：chat（默认），或续写文本模型的旧式 completions',
  'fields of every request, as the endpoint calls them; null omits one (openai)':
    '每个请求都带的字段，按端点的叫法；null 表示去掉一个（openai）',
  'longest wait for one answer of the endpoint': '等端点一个回答最多多久',
  'tries again after 408, 409, 429, 5xx or a dropped connection': '遇到 408、409、429、5xx 或断开的连接后重试几次',
  'requests to the endpoint at a time, at most: fewer where its headers or a 429 ask for fewer':
    '同时向端点发多少请求，上限：响应头或 429 要求更少时会减少',
  'of what it reads': '它读入的',
  'of what it writes, thoughts included': '它写出的，包括思考',
  'what the endpoint costs, by its price list (openai); needed for budgetUsd':
    '端点的费用，按其价目表（openai）；设 budgetUsd 时需要',
  'USD that the endpoint may cost in all: a hard stop': '端点总共可花多少美元：硬性上限',
  'tokens that the endpoint may take in all: a hard stop': '端点总共可用多少词元：硬性上限',
  'task families to expand; names with shares ({chat: 3, parity: 1}) say how much of each is made (of what programs hold out all have as much); default: all in the seeds. Built in: {1}; openai and checkpoint: any':
    '要扩写的任务族；带份额的名称（{chat: 3, parity: 1}）表示各造多少（程序出的留出题各族一样多）；默认：种子里的全部。内置：{1}；openai 和 checkpoint：任意',
  'name at least one kind': '至少写一个种类',
  'what the method `tools` calls: built in, with what they read ([Calculate, Search=notes/]), or of your own folder; default: Calculate, Solve, Now':
    '`tools` 方法调用什么：内置工具及其读取的内容（[Calculate, Search=notes/]），或您自己的目录；默认：Calculate、Solve、Now',
  'conversations to make for training': '生成多少段用于训练的对话',
  'tasks kept apart for align to sample: fine-tuning never sees their answers':
    '留给 align 采样的任务数：微调不会看到它们的答案',
  'tasks kept apart for evaluation': '留给评测的任务数',
  'ROUGE-L above which a task is not new': 'ROUGE-L 超过此值的任务不算新',
  'keep for training what this model answers right sometimes, neither always nor never':
    '只保留这个模型时对时错的任务用于训练，总是对或总是错的不要',
  'conversations of several exchanges, made of tasks of one': '多轮对话，由单轮任务组成',
  'offline: the result alone, or what decides it first (the last digit, both numbers), for small models':
    'offline：只写结果，或先写决定结果的东西（末位数字、两个数），供小模型用',
  'held-out tasks with checks (rows of JSONL, …); default: what self-instruct kept apart':
    '带检查的留出任务（JSONL 等的行）；默认：self-instruct 留出的',
  'tools that run where tasks list them ([Calculate, Search=notes/], one of your own folder); any other is answered with the results that the row has':
    '任务列出工具时运行的工具（[Calculate, Search=notes/]，或您自己的一个目录）；其他工具用该行自带的结果回答',
  'tasks answered per checkpoint, at most': '每个检查点最多回答多少任务',
  'answers sampled for each task; their mean is the reward': '每个任务采样的回答数；其均值为奖励',
  'sampling temperature of those answers': '这些回答的采样温度',
  'turns at which single tasks are asked again, after exchanges of other tasks; []: none':
    '在哪些轮次把单轮任务放在其他任务的交流之后再问一次；[]：不问',
  'held-out tokens per language for bits per byte, at most': '每种语言用于 bits per byte 的留出词元数，上限',
  "measure the models with their matrices rounded to GGUF's q8_0 (native engine only)":
    '测量时把模型的矩阵量化为 GGUF 的 q8_0（仅限 native 引擎）',
  'a name is 1 to 64 letters, digits, dots, dashes or underscores': '名字是 1 到 64 个字母、数字、点、短横或下划线',
  'name of the run: its folder under runs/': '运行的名字：即它在 runs/ 下的目录',
  'raw text → clean documents': '原始文本 → 干净的文档',
  'documents → base model': '文档 → 基座模型',
  'seed tasks → conversations': '种子任务 → 对话',
  'base model + conversations → chat model': '基座模型 + 对话 → 对话模型',
  'chat model + exercises with tools → a model that calls them where it needs them':
    '对话模型 + 工具练习 → 在需要时调用工具的模型',
  'chat model + checkable rewards → better chat model': '对话模型 + 可验证的奖励 → 更好的对话模型',
  'the table across base → sft → align': 'base → sft → align 的对比表',
  'how long stages take, for the time that is left where they never ran on this machine':
    '各阶段要多久：从未在本机运行过时，用它估计剩余时间',
  'preferences (rows of JSONL, Parquet, …), hf:ORG/NAME, or feedback':
    '偏好（JSONL、Parquet 等的行）、hf:ORG/NAME，或 feedback',
  'how much a preference of these counts in the loss': '其中一条偏好在损失里占多大权重',
  'preferences of people: rows with prompt, chosen and rejected, or with an answer and its label (a file, a folder, a pattern, hf:ORG/NAME), feedback (what chat and annotate collected), or a list of those or of {path, weight}':
    '人的偏好：含 prompt、chosen 和 rejected 的行，或回答加标签（文件、目录、通配、hf:ORG/NAME），feedback（chat 和 annotate 收集的），或由它们或 {path, weight} 组成的列表',
  'how rows of `data` say a preference; default: recognised by the fields that each row has':
    '`data` 的行怎样表示偏好；默认：按每行的字段识别',
  'preferences to decide on a promotion with; default: a share of `data`; methods that sample as they learn read none of it':
    '用来决定晋级的偏好；默认：`data` 的一部分；边学边采样的方法不读此项',
  'share of the preferences that is held out to decide on a promotion with, where no others are given for that (1000 at most, by hash); methods that sample as they learn read none of it':
    '没有另外给出时，留出多大比例的偏好来决定晋级（最多 1000 条，按哈希）；边学边采样的方法不读此项',
  'one for each loss; default: 1': '每种损失一个；默认：1',
  'how dear each step away from the reference is (β); default: 0.1; simpo and alphapo, which have none: 2':
    '偏离参考模型一步有多贵（β）；默认：0.1；没有参考的 simpo 和 alphapo：2',
  'weight of the NLL of the chosen answer beside the loss; default: dpo 0.1 (0 where `loss` names sft), orpo and cpo 1, others 0':
    '被选回答的 NLL 在损失中的权重；默认：dpo 0.1（`loss` 含 sft 时为 0），orpo 和 cpo 1，其他 0',
  'share of labels that are taken to be wrong (ε): cdpo and robust (default 0.1), exo_pair (0.001), aot, aot_unpaired, sigmoid of cpo, simpo, alphapo (0)':
    '假定有多大比例的标签是错的（ε）：cdpo 和 robust（默认 0.1）、exo_pair（0.001）、aot、aot_unpaired、cpo 的 sigmoid、simpo、alphapo（0）',
  'distance that keeps the policy by its reference, of the losses by a difference of rewards':
    '把策略约束在参考附近的距离，用于以奖励差为基础的损失',
  'α of alpha_divergence; default: 0.5': 'alpha_divergence 的 α；默认：0.5',
  'τ of discopop; default: 0.05': 'discopop 的 τ；默认：0.05',
  'margin that simpo and alphapo ask for (γ); default: 1': 'simpo 和 alphapo 要求的间隔（γ）；默认：1',
  "α of alphapo's reward (1 − p^−α) / α, where 0 is simpo; default: 0.25":
    'alphapo 的奖励 (1 − p^−α) / α 中的 α，0 即 simpo；默认：0.25',
  'weight of good answers (kto); default: 1': '好回答的权重（kto）；默认：1',
  'weight of bad answers (kto); default: 1': '坏回答的权重（kto）；默认：1',
  'it has none to choose from: write null': '它没有可选的：请写 null',
  '{1} is no loss of {2}: {3}': '{1} 不是 {2} 的损失：{3}',
  'names {1} twice: give it a weight in lossWeights instead': '{1} 写了两次：请改用 lossWeights 给它权重',
  '{1} for {2} losses ({3}): give one for each': '{1} 个权重对 {2} 种损失（{3}）：请各给一个',
  '{1} goes with {2} of dpo': '{1} 与 dpo 的 {2} 同用',
  '{1} is defined for reverse_kl alone: {2}': '{1} 只为 reverse_kl 定义：{2}',
  'exo_pair takes the logarithm of it: give more than 0, for example 0.001':
    'exo_pair 要取它的对数：请给大于 0 的值，例如 0.001',
  '{1} with {2}': '{1} 与 {2}',
  'is not read by {1}: remove it, or write null': '{1} 不读它：请删掉，或写 null',
  "share of a step's tokens that are {1}: longer steps for less forgetting": '一步的词元中{1}的比例：步更长，遗忘更少',
  'plain text of pretraining': '预训练的纯文本',
  'conversations of fine-tuning': '微调的对话',
  'those conversations (rows of JSONL, …); default: what self-instruct made for fine-tuning':
    '那些对话（JSONL 等的行）；默认：self-instruct 为微调生成的',
  'of the mean loss of a replayed token beside the mean loss of a pair; less holds on to less':
    '重放词元的平均损失相对偏好对平均损失的权重；越小，保留得越少',
  'with instructions ({1}) it is more than 0.9 of a step: what is to be learnt needs a part':
    '与 instructions（{1}）相加超过一步的 0.9：要学的内容也需要一部分',
  '0 always takes the likeliest token': '0 表示总取概率最大的词元',
  'draw from the k likeliest tokens; 0 = all': '从概率最大的 k 个词元中采样；0 = 全部',
  'draw from the fewest likeliest tokens that make up this share (nucleus sampling, Holtzman et al. 2020)':
    '从累计概率达到这一比例的最少几个词元中采样（nucleus sampling，Holtzman et al. 2020）',
  'draw from the tokens at least this share as likely as the likeliest (Nguyen et al. 2024); 0 = all':
    '只采样概率不低于最大概率这一比例的词元（Nguyen et al. 2024）；0 = 全部',
  'divides positive and multiplies negative logits of tokens already seen (CTRL, Keskar et al. 2019)':
    '已出现词元的 logit，正的除以它，负的乘以它（CTRL，Keskar et al. 2019）',
  'steps that learn nothing but copying, before all others: a small model that read little text needs some hundreds before it can copy what a question or a result says':
    '在其他一切之前只学抄写的步数：读过文本不多的小模型，要几百步才学会抄写提问或结果里的内容',
  'share of the rows after them that are copying': '之后的行中，抄写所占的比例',
  'saying random pieces of the vocabulary after somebody': '跟着别人重复词表中随机的片段',
  'conversations (rows of JSONL, Parquet, …), or hf:ORG/NAME[:PATH], a data set of a hub':
    '对话（JSONL、Parquet 等的行），或 hf:ORG/NAME[:PATH]（hub 上的数据集）',
  'how often a conversation is read in one epoch: 2 = twice, 0.5 = every second one':
    '一个 epoch 中一段对话读几遍：2 = 两遍，0.5 = 隔一条读一条',
  'conversations: rows (a file, a folder, a pattern, hf:ORG/NAME), or a list of those or of {path, weight}; default: what self-instruct made':
    '对话：行（文件、目录、通配、hf:ORG/NAME），或由它们或 {path, weight} 组成的列表；默认：self-instruct 生成的',
  'how rows of `data` say a conversation; default: recognised by the fields that each row has':
    '`data` 的行怎样表示对话；默认：按每行的字段识别',
  'conversations to measure with while training; default: those that self-instruct kept apart':
    '训练时用来测量的对话；默认：self-instruct 留出的',
  'share of the conversations that is held out to measure with, where there are no others for that (1000 at most, by hash)':
    '没有另外给出时，留出多大比例的对话来测量（最多 1000 条，按哈希）',
  "tokens per packed row; default: the model's context, 2048 at most":
    '每个打包行的词元数；默认：模型的上下文长度，最多 2048',
  "what is learnt: assistant = every answer, its end included; last = the last answer alone; all = the person's turns and system messages too, as many tools do by default":
    '学习哪些部分：assistant = 每个回答，含其结束符；last = 只学最后一个回答；all = 连用户的话和系统消息也学，许多工具默认如此',
  'share of the rows that stay plain text of pretraining, against forgetting it':
    '行中保留为预训练纯文本的比例，用来防止遗忘',
  'read as often as the others': '与其他的读同样多遍',
  'steps that learn nothing else, after those of copying': '在抄写的步之后，只学这些的步数',
  'conversations that are learnt alone, before the others: a small model learns one thing soon that it learns late among many':
    '先于其他、单独学习的对话：小模型单独学一件事很快，混在许多事里则很慢',
  'special tokens that answers write: where a row spells one in an answer, it is that token, not text':
    '回答会写的特殊词元：某行的回答里拼出它时，就是那个词元，而不是文本',
  "how conversations are written, in place of the model's own template; default for a base model of ours: chatml, with JSON schemas of tools (chatml-schema) where rows are longer than 1024 tokens":
    '对话怎样书写，取代模型自己的模板；本项目的基座模型默认：chatml，行长超过 1024 词元时带工具的 JSON schema（chatml-schema）',
  'α of noise on the embeddings in training, so that answers are learnt less by heart (NEFTune): 5; 0 = none':
    '训练时嵌入上噪声的 α，使回答不易被死记硬背（NEFTune）：5；0 = 无',
  'train low-rank adapters beside the frozen weights, instead of all weights': '训练低秩适配器，而不是全部权重',
  'the checkpoint that is to learn: it answers each training task that has a check':
    '要学习的检查点：它先回答每个带检查的训练任务',
  'its answers to each task': '它对每个任务的回答数',
  'sampling temperature of these answers': '这些回答的采样温度',
  'longest of these answers, in tokens': '这些回答的最大长度，按词元计',
  'share of right answers below which a task is dropped: beyond it for now':
    '答对比例低于此值的任务被丢弃：目前还学不会',
  'share of right answers above which a task is dropped: nothing new to it':
    '答对比例高于此值的任务被丢弃：对它没有新东西',
  'must not be above `to`: nothing would be kept': '不能大于 `to`：那样什么都不会保留',
  'what is taught: some of {1}': '教什么：从 {1} 中选',
  "what Search is taught on: made-up notes of a person, or the poems of the run's corpus":
    'Search 在什么上面教：编造的个人笔记，或本次运行语料里的诗',
  'questions with checks that the student may answer without a tool; default: those that self-instruct keeps for alignment':
    '带检查、学生不用工具也可能答对的题目；默认：self-instruct 留给对齐的',
  'conversations of other wordings, words and numbers': '用其他措辞、词语和数字的对话',
  'share of the conversations where no call is right': '对话中不该调用工具的比例',
  'share of what is learnt that begins with a call that fails for what it says (a misspelt word or place, half an expression): what the tool says of it, then the right call; the failing one is not learnt':
    '所学内容中以失败的调用开头的比例（词或地名拼错、式子不完整）：先是工具对此的说明，再是正确的调用；失败的调用不会被学习',
  'answers of the student to each question, without tools': '学生对每道题不用工具的回答数',
  'longest of those answers, in tokens': '这些回答的最大长度，按词元计',
  'share of right answers below which a call is taught': '答对比例低于此值时教它调用',
  "share above which the student's own answer is; between them nothing is":
    '答对比例高于此值时教它自己的回答；介于两者之间的不教',
  'how often a conversation of fine-tuning is read again in an epoch, so that it is kept':
    '一个 epoch 中微调的对话重读几遍，使其得以保持',
  'steps that learn nothing but whether the tool that a question needs is on the list, after those of copying: small models need some hundreds':
    '在抄写的步之后，只学所需工具是否在列表里的步数：小模型需要几百步',
};
