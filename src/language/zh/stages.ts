// What src/stages/ says, in Chinese.
import type { Catalog } from '../messages.js';

export const stages: Catalog = {
  'the chosen answers have become unlikely: their log-probability has fallen by {1} nats a token, more than align.alarms.chosenFall ({2})':
    '被选的回答变得不太可能：其对数概率每词元下降了 {1} nat，超过 align.alarms.chosenFall（{2}）',
  'a preference loss is content when both answers of a pair become unlikely, as long as the rejected one does so faster':
    '一对回答都变得不太可能时，只要被拒的下降得更快，偏好损失仍会满意',
  'Raise align.sftWeight or align.beta, or lower align.train.learningRate. {1}':
    '请调大 align.sftWeight 或 align.beta，或调小 align.train.learningRate。{1}',
  'the policy has gone {1} nats a token from where the round began (KL divergence of its own answers), more than align.alarms.kl ({2})':
    '策略已偏离本轮起点每词元 {1} nat（自身回答的 KL 散度），超过 align.alarms.kl（{2}）',
  'so far away neither the reward nor the pairs say much about its answers':
    '偏离这么远，奖励和偏好对都说明不了它的回答如何',
  'the policy hardly hesitates any more: {1} nats a token, {2} before, a fall of more than align.alarms.entropyFall ({3})':
    '策略几乎不再犹豫：每词元 {1} nat，之前为 {2}，下降超过 align.alarms.entropyFall（{3}）',
  'samples that are all alike leave nothing to prefer': '采样结果都一样，就没有可偏好的了',
  'answers have become {1}: {2} → {3} tokens, more than align.alarms.length ({4} times)':
    '回答变得{1}：{2} → {3} 词元，超过 align.alarms.length（{4} 倍）',
  'a preference for {1} answers is learnt sooner than any other, and pairs that differ in length ask for it':
    '对{1}回答的偏好学得比什么都快，长度不同的偏好对正助长这一点',
  longer: '更长',
  shorter: '更短',
  'Give pairs of like lengths, or a loss by the mean of the tokens (align.loss=sigmoid_norm, align.method=simpo). {1}':
    '请给长度相近的对，或用按词元平均的损失（align.loss=sigmoid_norm，align.method=simpo）。{1}',
  '{1}: {2} → {3}, a rise of more than align.alarms.{4} ({5})': '{1}：{2} → {3}，上升超过 align.alarms.{4}（{5}）',
  'answers repeat themselves': '回答自我重复',
  'Raise align.sftWeight, or lower align.train.learningRate.':
    '请调大 align.sftWeight，或调小 align.train.learningRate。',
  'answers run on without an end': '回答没完没了',
  'Raise align.maxNewTokens where good answers are longer; else give pairs whose chosen answer ends.':
    '如果好的回答本就更长，请调大 align.maxNewTokens；否则请给被选回答会结束的对。',
  'answers to questions in {1} leave the language': '对{1}提问的回答改用了别的语言',
  'Give prompts and pairs in both languages, or replay old instructions (align.replay.instructions).':
    '请给两种语言的提问和偏好对，或重放旧的指令（align.replay.instructions）。',
  'the reward rises ({1} → {2}) while fewer answers are right ({3} → {4} %), both beyond doubt':
    '奖励上升（{1} → {2}），而答对的变少（{3} → {4} %），两者都超出噪声',
  'the policy has found what the reward pays for beside right answers': '策略找到了答对之外也能得奖励的办法',
  'Look at the answers before and after in the report, and correct what scores them. {1}':
    '请查看报告中前后的回答，并修正打分的规则。{1}',
  'Lower align.train.learningRate or align.train.epochs, or raise align.{1}: more small rounds go further than one large.':
    '请调小 align.train.learningRate 或 align.train.epochs，或调大 align.{1}：多走几小轮胜过一大轮。',
  'Lower align.train.learningRate or align.train.epochs.': '请调小 align.train.learningRate 或 align.train.epochs。',
  'To continue without this alarm: the same command with --resume --set {1}={2} --override {3}':
    '要去掉这个警报继续：同一命令加 --resume --set {1}={2} --override {3}',
  '{1} {2} what a held-out task asks, and {3} not learnt: those tasks decide':
    '{1} 问的正是留出任务所问的，不学习它们：由那些任务决定',
  'there is no held-out text in this run, so what alignment forgets of it is not measured':
    '这次运行没有留出文本，因此不测量对齐遗忘了多少',
  'loss {1} (ln 2 = {2}), ': '损失 {1}（ln 2 = {2}），',
  'first step: {1}margin {2}: the policy is its own reference': '第一步：{1}间隔 {2}：策略就是自己的参考',
  '{1} is {2}, not {3}': '{1} 是 {2}，而不是 {3}',
  'at the first step the policy is not its own reference: {1}': '第一步时策略不是自己的参考：{1}',
  "the log-probabilities that were stored at the round's start are of another model, or were computed another way":
    '本轮开始时存下的对数概率属于另一个模型，或以另一种方式算出',
  'Delete the folder of this round and run the same command again. If it happens again, it is a fault of mossctl: please report it with this message':
    '请删除这一轮的目录，再运行同一命令。如果再次发生，就是 mossctl 的故障：请附上这条消息报告',
  'where alignment began': '对齐开始之处',
  'round {1}: held-out, {2}': '第 {1} 轮：留出，{2}',
  'only {1}, and a model learns little in fewer than {2}: set more passes (--epochs, now {3}), or {4}':
    '只有 {1}，而少于 {2} 步模型学不到多少：请增加遍数（--epochs，现为 {3}），或{4}',
  'smaller batches (--batch-size, now {1})': '减小批（--batch-size，现为 {1}）',
  'of this batch size': '批大小不变时',
  'fewer prompts a step (align.promptsPerStep, now {1})': '减少每步的提示词（align.promptsPerStep，现为 {1}）',
  'of so many prompts': '每步提示词数不变时',
  '{1}: none of its {2} is learnt, for all are held out to decide with: what asks the same, or is of one conversation, goes one way':
    '{1}：它的 {2} 一条也不学习，因为全部留出用来决定：问题相同的、或同一对话的，归在同一边',
  'every preference would be held out to decide with': '所有偏好都会被留出用来决定',
  'they ask the same, or are of one group': '它们问的相同，或属于同一组',
  'there is no preference to learn from': '没有可学的偏好',
  '{1} with a label, and no pair of answers': '有 {1} 带标签，没有成对的回答',
  'this method compares two answers to one prompt': '这种方法比较同一提问的两个回答',
  'Learn from labels: --set align.method=kto': '要从标签学习：--set align.method=kto',
  'nothing says what to write instead': '没有说明该写什么来代替',
  'Give good answers, too': '请也给出好的回答',
  'a method that learns from labels compares good answers with bad ones': '从标签学习的方法要比较好的和坏的回答',
  'Give bad answers, too; or learn the good ones alone: --set align.method=best-of-n':
    '请也给出坏的回答；或只学好的：--set align.method=best-of-n',
  'the file is empty': '文件是空的',
  'Give pairs (prompt, chosen, rejected) or answers with a label. mossctl inspect MODEL --row FILE:1 shows what becomes of one':
    '请给成对的行（prompt、chosen、rejected）或带标签的回答。mossctl inspect MODEL --row FILE:1 可看某一行会变成什么',
  '{1} {2} held out, and a promotion takes {3} at least': '留出了 {1}，而晋级至少要 {3} 条',
  'of fewer, all may go the right way by chance': '更少时，可能全凭运气都对',
  'Give more preferences (about 40, of which a quarter is held out), align.validation=0.5, or others to decide with: align.evalData=FILE':
    '请给更多偏好（约 40 条，其中四分之一留出）、align.validation=0.5，或另外用来决定的：align.evalData=FILE',
  '; {1} more held out': '；另留出 {1}',
  '{1}, {2} tokens in a chosen answer and {3} in a rejected one': '{1}，被选回答 {2} 词元，被拒回答 {3} 词元',
  '{1} say the opposite of another pair of the same answers': '{1} 与同样两个回答的另一对结论相反',
  ', and up to a quarter of fewer than {1}': '，不足 {1} 时最多四分之一',
  ': few to decide on a promotion with, so its interval is wide': '：用来决定晋级太少，因此区间很宽',
  '{1}{2} {3} held out to {4} with ({5}){6}': '{1}{2} 留出用来{4}（{5}）{6}',
  'the only answer is called {1}': '唯一的回答被评为{1}',
  'all {1} answers are called {2}': '全部 {1} 个回答都被评为{2}',
  '{1} with a label: {2} good, {3} bad': '{1} 带标签：{2} 好，{3} 坏',
  'neither answer was called better': '两个回答没有分出更好的',
  'its annotator skipped it': '评判者跳过了它',
  'stopped while reading preferences; the next run reads them again': '读取偏好时停止；下次运行会重新读取',
  'there is no preference to decide with': '没有可用来决定的偏好',
  'worth it': '值得',
  'not worth it': '不值得',
  'round {1}: as many operations of fine-tuning': '第 {1} 轮：同样运算量的微调',
  'fine-tuned instead': '改为微调',
  'round {1}: {2} (fine-tuning took {3} here)': '第 {1} 轮：{2}（微调在此用时 {3}）',
  '{1} after {2} of fine-tuning that took as many operations': '{1}，此前是运算量相同的 {2} 微调',
  'the round was worth it': '这一轮值得',
  'the round was not worth it': '这一轮不值得',
  'chance alone may make that difference, so nothing says that the round was worth it':
    '仅凭偶然就可能有这样的差距，因此不能说这一轮值得',
  'there are no conversations that fine-tuning could learn from': '没有微调可以学习的对话',
  'this run has no output of self-instruct': '这次运行没有 self-instruct 的输出',
  'Name them with --set align.replay.data=FILE, or do without the ledger: --set align.ledger=false':
    '请用 --set align.replay.data=FILE 指明，或不要台账：--set align.ledger=false',
  '{1}, so the earlier policy stays': '{1}，因此保留原来的策略',
  'better beyond chance': '更好，超出偶然',
  'better, and a fall of more than {1} is ruled out': '更好，且可以排除下降超过 {1}',
  'not better': '没有更好',
  'better, but that may be chance': '更好，但可能是偶然',
  'better, but all of {1} preferences may gain by chance: at least {2} decide':
    '更好，但 {1} 条偏好可能都是偶然变好：至少要有 {2} 条才能决定',
  ': fewer than {1} promote nothing by themselves. Give more preferences, or others as align.evalData':
    '：少于 {1} 条时，仅凭它们什么都不会晋级。请给出更多偏好，或另用 align.evalData 给出',
  'better, but a fall of more than {1} is not ruled out': '更好，但不能排除下降超过 {1}',
  'held-out {1} {2} → {3}, {4} {5}{6}': '留出的 {1} {2} → {3}，{4} {5}{6}',
  '{1} {2} is over its budget of {3}': '{1} {2} 超出其预算 {3}',
  'skipped {1} without a check: nothing could score answers': '跳过了没有检查的 {1}：无法给回答打分',
  'all {1} tasks ask the same, or are of one group': '全部 {1} 个任务问的相同，或属于同一组',
  'alignment keeps some tasks apart to decide on promotion, and none that it trains on':
    '对齐要留出一些任务来决定晋级，且不用它们训练',
  'Give tasks that ask different things': '请给问法不同的任务',
  '{1} of {2} have no check: answers to them are scored by their form alone (an end, the language of the question, no repetition)':
    '{2} 中有 {1} 没有检查：其回答只按形式打分（会结束、用提问的语言、不重复）',
  '{1} tasks have a check that a reward could come from': '{1} 个任务带有可产生奖励的检查',
  'alignment scores answers by their `check`, and keeps some tasks apart to decide on promotion':
    '对齐按任务的 `check` 给回答打分，并留出一些任务来决定晋级',
  'Give tasks with checks, for example those that `mossctl self-instruct` makes':
    '请给带检查的任务，例如 `mossctl self-instruct` 生成的',
  '{1} is not of this round: {2}. It is kept as {3}': '{1} 不属于这一轮：{2}。它另存为 {3}',
  'it is of round {1}': '它属于第 {1} 轮',
  'it is of model {1}': '它属于模型 {1}',
  'it has seed {1}': '它的种子是 {1}',
  'it is of other tasks': '它用的是其他任务',
  'it is of other preferences': '它用的是其他偏好',
  'its answers had other tools': '它的回答用了其他工具',
  'it learnt from another teacher': '它向另一个教师学习',
  'its answers had another scorer': '它的回答由别的评分者打分',
  'it has other settings: {1}': '它的设置不同：{1}',
  'stopped while the reference scored answers': '参考模型给回答打分时停止',
  'this answer has no log-probability under the reference': '这个回答没有参考模型下的对数概率',
  'it is not among the {1} that were stored in {2}': '它不在 {2} 中存下的 {1} 之内',
  'Delete that file, and run the same command again': '请删除那个文件，再运行同一命令',
  'a log-probability that was stored is no number': '存下的一个对数概率不是数',
  'the log-probability of this answer under the reference is {1}': '这个回答在参考模型下的对数概率是 {1}',
  'weights of the model that alignment begins with are no numbers, or too large': '对齐起始模型的权重不是数，或过大',
  'Align an earlier checkpoint of it (mossctl inspect lists what is in one), or remove this answer':
    '请对齐它较早的检查点（mossctl inspect 会列出内容），或去掉这个回答',
  'round {1}: beside {2} tokens of {3}, each step replays {4}': '第 {1} 轮：除 {2} 词元的{3}外，每步重放 {4}',
  pairs: '偏好对',
  'sampled answers (at half of maxNewTokens each)': '采样的回答（每个按 maxNewTokens 的一半计）',
  'there are no conversations of fine-tuning to replay': '没有可重放的微调对话',
  'Name them: --set align.replay.data=FILE': '请指明：--set align.replay.data=FILE',
  'round {1}: sampling': '第 {1} 轮：采样',
  ', mean reward of the samples {1}': '，采样的平均奖励 {1}',
  "every prompt's answers scored alike, so there is nothing to learn": '每个提问的回答得分都相同，因此没有可学的',
  'round {1}: {2}{3}; {4}': '第 {1} 轮：{2}{3}；{4}',
  'round {1}, {2}': '第 {1} 轮，{2}',
  "the reference of {1} is {2}, as it is at the round's start: what it gives {3} is stored, and stays":
    '{1} 的参考是本轮开始时的 {2}：它给 {3}的值会存下并保持不变',
  '{1} compares the policy with no reference': '{1} 不把策略与参考比较',
  'round {1}: {2}': '第 {1} 轮：{2}',
  'round {1}: reference': '第 {1} 轮：参考',
  '{1} step {2} {3}': '{1} 第 {2} 步 {3}',
  'the policy ({1})': '策略（{1}）',
  'the policy ({1}, adapter and base together)': '策略（{1}，适配器与基座一起）',
  'a reward model cannot be pretrained further': '奖励模型不能继续预训练',
  'it scores sequences and has no output for tokens': '它给序列打分，没有词元的输出',
  'Name the model that it was made from': '请指明它所源自的模型',
  '; vocabulary {1} → {2}: {3} rows from the mean of their old tokens': '；词表 {1} → {2}：{3} 行取其旧词元的均值',
  'continues from {1}{2}': '从 {1} 继续{2}',
  'the tokenizer is neither that of the checkpoint nor one that extends it': '分词器既不是检查点的，也不是由它扩充的',
  "it has {1} tokens, the checkpoint's has {2}": '它有 {1} 个词元，检查点的有 {2} 个',
  'token {1} is {2}, to the checkpoint it is {3}': '词元 {1} 是 {2}，在检查点里是 {3}',
  'Remove the tokenizer block (--set tokenizer=null), or name the checkpoint as tokenizer.extend':
    '请去掉 tokenizer 块（--set tokenizer=null），或把检查点设为 tokenizer.extend',
  'Cool down with the pipeline and corpus of that run, or begin a new training on its weights: --set pretrain.from=CHECKPOINT':
    '请用那次运行的流水线和语料收尾，或在它的权重上另起训练：--set pretrain.from=CHECKPOINT',
  'only a pretraining can be cooled down': '只有预训练可以收尾',
  'this is of {1}': '这是 {1} 的',
  'this training read another corpus': '这次训练读的是另一份语料',
  'its place in the data means nothing here': '它在数据中的位置在这里没有意义',
  'this training began from other weights': '这次训练的起始权重不同',
  'pretrain.from is not what it was there': 'pretrain.from 与当时不同',
  'this training has other settings': '这次训练的设置不同',
  'this training has come to its end': '这次训练已经走完',
  'its {1} steps are done': '它的 {1} 步已经做完',
  'cool-down: {1} steps from step {2} of {3}, planned for {4}': '收尾：从第 {2} 步起 {1} 步（共 {3}，原计划 {4}）',
  '{1}; eval.tools names what is to run': '{1}；eval.tools 可指明要运行什么',
  'skipped {1}: it does not descend from the other checkpoints measured here':
    '跳过 {1}：它与这里测量的其他检查点没有继承关系',
  'eval {1}': '评测 {1}',
  'the first {1} of {2} are asked: eval.maxTasks changes it': '提问 {2} 中的前 {1}：eval.maxTasks 可改',
  'skipped {1}: this model has no chat template to ask with': '跳过 {1}：这个模型没有用来提问的对话模板',
  ' in later turns': '（后面的轮次）',
  '{1}: memory: {2}': '{1}：记忆：{2}',
  'skipped {1} with tools: {2}': '跳过带工具的 {1}：{2}',
  '{1}: answering with tools and without': '{1}：有工具和没有工具各答一遍',
  '{1} {2} not asked at turn {3}: with so many exchanges before, there is no room in the context':
    '第 {3} 轮没有问 {1}：此前的交流太多，上下文放不下',
  'there is nothing to measure': '没有可测量的内容',
  'this run holds no text and no tasks out of its training': '这次运行没有训练之外的文本和任务',
  'Give tasks (mossctl eval {1} --set eval.tasks=FILE), or measure text (mossctl eval {2} --text FILE)':
    '请给任务（mossctl eval {1} --set eval.tasks=FILE），或测量文本（mossctl eval {2} --text FILE）',
  'nothing of this model can be measured': '这个模型没有可测量的',
  'it has no chat template to ask tasks with, and there is no held-out text here':
    '它没有用来提问的对话模板，这里也没有留出文本',
  'Put a chat_template.jinja into its folder, or evaluate it in a run folder that has the text':
    '请在它的目录里放 chat_template.jinja，或在有文本的运行目录里评测',
  '{1} {2} times': '{1} {2} 遍',
  'some text is read more than {1} times, beyond which repeats help less and less (Muennighoff et al. 2023): {2}. pretrain.mixture.epochs sets a limit':
    '有些文本读了超过 {1} 遍，再多重复帮助越来越小（Muennighoff et al. 2023）：{2}。pretrain.mixture.epochs 可设上限',
  '{1}: {2} of the training, {3} passes over {4} documents, {5} tokens':
    '{1}：占训练的 {2}，{4} 篇文档过 {3} 遍，{5} 词元',
  'and {1} smaller ones': '以及 {1} 个较小的',
  'not read: {1}': '没有读：{1}',
  '{1} is used up after {2} passes, at {3} of the training: the others get its share':
    '{1} 在训练的 {3} 处读满 {2} 遍：其份额分给其他来源',
  'mixture: {1}': '混合：{1}',
  '{1} {2} ({3} passes)': '{1} {2}（{3} 遍）',
  'others {1}': '其他 {1}',
  'tokens read: {1}': '读了的词元：{1}',
  'nothing is held out: all of the corpus ({1}) is trained on, so no held-out figures follow. data.validation sets a share of the documents apart':
    '没有留出：全部语料（{1}）都用于训练，因此没有留出指标。data.validation 可留出一部分文档',
  '{1}.train.recompute=true (then about {2})': '{1}.train.recompute=true（则约 {2}）',
  'fewer rows or shorter ones (batchSize, contextLength)': '更少或更短的行（batchSize、contextLength）',
  'adapters (--lora), which need no gradients and moments of all weights': '适配器（--lora），不需要全部权重的梯度和矩',
  'training takes about {1} of memory{2}, and {3} are available: it may become slow, or be ended by the system. It takes less with {4}':
    '训练约需 {1} 内存{2}，现有 {3} 可用：可能变慢，或被系统终止。这样可以少用：{4}',
  ' (on TensorFlow, about {1} times what it takes on native)': '（用 TensorFlow，约为 native 的 {1} 倍）',
  'weights, moments of {1} and the copy of both that is saved{2}': '权重、{1} 的矩，以及两者保存时的副本{2}',
  ', the frozen models beside them': '，以及旁边冻结的模型',
  'fewer answers at once or shorter ones (promptsPerStep, samplesPerPrompt, maxNewTokens)':
    '一次少采样些回答，或回答短些（promptsPerStep、samplesPerPrompt、maxNewTokens）',
  'Use a smaller model; `mossctl plan` says what each part takes, and on which hardware it would fit':
    '请用更小的模型；`mossctl plan` 会说明各部分需要多少、在哪种硬件上装得下',
  'Free some space, choose another folder with --out, or keep fewer (--keep last=1)':
    '请腾出一些空间，用 --out 另选目录，或少留几个（--keep last=1）',
  '{1} will hardly fit on the disk: {2} has {3} left. {4}': '{1} 在磁盘上恐怕放不下：{2} 只剩 {3}。{4}',
  'none of the conversations of sft.first can be learnt: the others begin at once':
    'sft.first 的对话没有一条可学：直接开始学其他的',
  'all conversations take {1} of {2} tokens: a batch has that many, not {3}':
    '全部对话占 {2} 词元的 {1}：一批就是这么多，而不是 {3}',
  'no conversations are held out, so no held-out figures and no sample answers follow':
    '没有留出对话，因此没有留出指标和采样回答',
  'none of the {1} fits {2} tokens, so no held-out figures follow': '{1} 没有一条放得进 {2} 词元，因此没有留出指标',
  'an evaluation takes the loss on {1}{2}': '一次评测计算 {1}{2} 的损失',
  '{1}; none has an answer short enough to ask for': '{1}；没有一条的回答短到可以提问',
  ', {1} of them checked for the right answer': '，其中 {1} 检查是否答对',
  '{1} and asks {2} of them (at most {3} tokens an answer){4}': '{1}，并提问其中 {2}（每个回答最多 {3} 词元）{4}',
  'held-out conversations': '留出对话',
  'the pad token of this model is {1}, which ends a turn': '这个模型的填充词元是 {1}，而它用来结束一轮',
  'trainings elsewhere learn nothing of the pad token, so that a model that has both in one soon writes without end':
    '其他地方的训练不学填充词元，因此两者合一的模型很快会写个不停',
  'Name another special token as pad_token_id in its config.json, such as that of the unknown token':
    '请在它的 config.json 里另指定一个特殊词元作 pad_token_id，例如未知词元',
  'so nothing would end an answer, and the model would not learn to stop': '那样没有什么能结束回答，模型就学不会停下',
  'End an answer with a token that is there{1}: change chat_template.jinja, or add the token to the tokenizer':
    '请用现有的词元结束回答{1}：修改 chat_template.jinja，或把该词元加入分词器',
  'Fix or delete that row. Its tokens and their weights: mossctl inspect MODEL --row FILE:LINE':
    '请修正或删除那一行。它的词元及权重：mossctl inspect MODEL --row FILE:LINE',
  'not one token of this row would be learnt': '这一行没有一个词元会被学习',
  'an answer that is not learnt to its end: {1}': '有一个回答没有学到结尾：{1}',
  'only the native engine computes with matrices of bf16': '只有 native 引擎能用 bf16 矩阵计算',
  'the frozen weights take twice the memory that they were stored in: {1}': '冻结的权重占用存储时两倍的内存：{1}',
  'Use at most {1}, or omit it': '最多用 {1}，或去掉它',
  'conversations are cut at {1} tokens, of the {2} that the model can take: sft.contextLength changes it':
    '对话在 {1} 词元处截断，模型可容纳 {2}：sft.contextLength 可改',
  'it was changed': '它被改动过',
  'stopped while reading conversations; the next run reads them again': '读取对话时停止；下次运行会重新读取',
  'the only one': '唯一一个',
  'all {1}': '全部 {1}',
  '{1} of the conversations to measure with (sft.evalData) {2} learnt too: figures of those tell what is remembered, not what is understood':
    '用来测量的对话（sft.evalData）中有 {1} 也被学习：其指标反映的是记住了什么，而不是理解了什么',
  "{1} of the rows will not be named in the checkpoint's {2}: there is room for {3} of them, with schemas of 1 MiB in all":
    '有 {1} 行不会写进检查点的 {2}：只放得下 {3}，模式总共 1 MiB',
  ', read before all others': '，先于其他读取',
  ', read {1} times an epoch': '，每个 epoch 读 {1} 遍',
  '{1}: {2}, of which {3} are learnt{4}': '{1}：{2}，其中学习 {3}{4}',
  '{1} held out {2} to measure with (sft.validation: {3})': '留出 {1} {2} 用来测量（sft.validation: {3}）',
  'Lower sft.validation, or give conversations to measure with: --eval-data FILE':
    '请调小 sft.validation，或给出用来测量的对话：--eval-data FILE',
  'every conversation would be held out for measuring': '所有对话都会被留出用来测量',
  'they are of one group, or say the same': '它们属于同一组，或内容相同',
  'there is no conversation to train on': '没有可训练的对话',
  'Give conversations with an answer to learn: --data FILE. mossctl inspect MODEL --row FILE:1 shows what becomes of one':
    '请给含有可学回答的对话：--data FILE。mossctl inspect MODEL --row FILE:1 可看某一行会变成什么',
  'stopped while training the tokenizer': '训练分词器时停止',
  'tokenizer.add says how many tokens to add, but not to what': 'tokenizer.add 说明了加多少词元，却没有说加到哪里',
  'Name a tokenizer as tokenizer.extend, or use tokenizer.vocabSize to train one':
    '请把某个分词器设为 tokenizer.extend，或用 tokenizer.vocabSize 训练一个',
  'the text has pairs for only {1} of the {2} tokens asked for': '文本中的词对只够所要 {2} 个词元中的 {1} 个',
  '{1} {2} {3} nearest': '{2}，最接近的是 {1}',
  '{1} epochs come to {2} passes over the data: steps are whole, and {3}':
    '{1} 个 epoch 合数据 {2} 遍：步数是整数，而{3}',
  '{1} contradicts the adapter that is continued, which has {2}': '{1} 与续训的适配器矛盾，它的是 {2}',
  'Omit it (--set {1}.lora.{2}=null), or merge that adapter first and train a new one: mossctl export ADAPTER --merge --format hf --out FOLDER':
    '请去掉它（--set {1}.lora.{2}=null），或先合并那个适配器再训练新的：mossctl export ADAPTER --merge --format hf --out FOLDER',
  '{1} numbers are trained beside {2} that are frozen': '训练 {1} 个数，另有 {2} 个冻结',
  'a new adapter of rank {1} on {2}: {3}': '{2} 上秩 {1} 的新适配器：{3}',
  'continues the adapter of {1} step {2} {3}, of rank {4} on {5}: {6}':
    '续训 {1} 第 {2} 步 {3} 的适配器，秩 {4}，在 {5} 上：{6}',
};
