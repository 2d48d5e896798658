// What came after the first catalog: texts, init, pack, a run with its page, in Chinese.
import type { Catalog } from '../messages.js';

export const programs: Catalog = {
  'q4_K_M cannot store this model: {1} of its matrices have rows of {2} numbers':
    'q4_K_M 存不下这个模型：它有 {1} 个矩阵的行是 {2} 个数',
  'it stores {1} numbers together, and rows in whole blocks': '它把 {1} 个数存在一起，行必须是整块',
  'Use --dtype q8_0; or train a model whose hiddenSize, intermediateSize and heads × headDim are multiples of 256':
    '请用 --dtype q8_0；或训练一个 hiddenSize、intermediateSize 和 heads × headDim 都是 256 倍数的模型',
  'its chat template is none that could be written for Ollama, which takes the one in the file where it knows it: compare an answer with `mossctl chat`':
    '它的对话模板不能写成 Ollama 的，而 Ollama 认得文件里的模板时会用它：请与 `mossctl chat` 的回答比较',
  'Too few to learn from yet: {1}.': '还不够学习：{1}。',
  'wrote  {1}, what Ollama makes a model of it by': '已写出  {1}，供 Ollama 建立模型',
  '--dtype {1} is for a whole model': '--dtype {1} 用于完整的模型',
  'Hugging Face directories hold no {1}': 'Hugging Face 目录不能存 {1}',
  'Put your .txt and .md files into texts/': '请把 .txt 和 .md 文件放进 texts/',
  'Put your conversations into conversations.jsonl': '请把对话放进 conversations.jsonl',
  'Put your preferences into preferences.jsonl': '请把偏好放进 preferences.jsonl',
  'Omit it: texts.yaml says how to continue a model; or: {1}':
    '请去掉它：texts.yaml 说明了怎样继续训练一个模型；或：{1}',
  '--from is for conversations, model and preferences': '--from 用于 conversations、model 和 preferences',
  '{1} is there already': '{1} 已经存在',
  'next   {1}, then: {2}{3}': '下一步  {1}，然后：{2}{3}',
  'there is nothing to begin with called {1}': '没有叫 {1} 的起点',
  'Name one of them: {1}': '请指明其中一个：{1}',
  'it was not said what to begin with': '没有说明从什么开始',
  'What do you have?\n{1}1 to {2}: ': '您有什么？\n{1}1 到 {2}：',
  'this is there already': '它已经存在',
  'Move it away, or name another folder': '请把它移走，或另指定目录',
  '        with the samples and examples that its report shows; no optimizer states, no feedback, no keys, no paths of this machine':
    '        含报告中显示的样例和行；不含优化器状态、反馈、密钥和本机路径',
  '        no optimizer states, no samples and no examples of rows (--with-samples adds them), no feedback, no keys, no paths of this machine':
    '        不含优化器状态、样例和行的例子（--with-samples 加上它们）、反馈、密钥和本机路径',
  '        with the held-out tasks that it was measured on': '        含测量时所用的留出任务',
  'share the samples and examples of rows that the report shows, too': '也分享报告中显示的样例和行的例子',
  'this is no plain file, and only those are packed': '这不是普通文件，而只打包普通文件',
  'it is a link: what it leads to may lie outside the run': '它是链接：所指的内容可能在运行目录之外',
  'Put the file itself in its place': '请把文件本身放到它的位置',
  'a URL with a key would be shared: {1}': '会分享带密钥的 URL：{1}',
  'this is no run folder': '这不是运行目录',
  'it holds no {1}': '其中没有 {1}',
  'Name the folder of a run (runs/quickstart); to share one checkpoint, use mossctl export or push':
    '请指明运行目录（runs/quickstart）；只分享一个检查点请用 mossctl export 或 push',
  'of these in the embedding of the vocabulary': '其中词表嵌入',
  'this machine: too slow for it: {1} is more than a week. In a day it trains a model of about {2} parameters on 20 tokens for each (--params {3})':
    '本机：太慢：{1} 超过一周。一天可训练约 {2} 参数的模型，每个参数 20 词元（--params {3}）',
  'Further models': '更多模型',
  '{1} are served as the run saves them.': '{1}随运行的保存而提供。',
  'none of {1} is a run with a corpus of its own': '{1} 中没有一个是自带语料的运行',
  'Name files with --text FILE, or a run with --out RUN': '请用 --text FILE 指明文件，或用 --out RUN 指明运行',
  'build a corpus from texts or a data-spec, look into it, count what is in it, fetch its sources':
    '由文本或 data-spec 构建语料，查看、统计它的内容，下载它的来源',
  'a data-spec (YAML), or texts: folders, files and patterns of .txt, .md, .jsonl, .parquet, … (default: the spec that the pipeline names)':
    'data-spec（YAML），或文本：.txt、.md、.jsonl、.parquet 等的目录、文件和通配（默认：流水线中指定的那一份）',
  'my texts: a tokenizer and a base model from them': '我的文本：由它们训练分词器和基座模型',
  'my conversations: a model of mine learns to answer': '我的对话：让自己的模型学会回答',
  'a published model: it learns from my conversations, by LoRA': '已发布的模型：用 LoRA 从我的对话学习',
  'preferences: which of two answers is better': '偏好：两个回答哪个更好',
  'write a pipeline to begin with, each key explained; nothing is ever overwritten':
    '写一条可作起点的流水线，每个键都有说明；从不覆盖任何内容',
  '{1}; asked for in a terminal': '{1}；不给则在终端里询问',
  'folder to write to (default: this one)': '写到哪个目录（默认：当前目录）',
  'the model to start from: {1}': '从哪个模型开始：{1}',
  '{1} tokens, pre-tokenizer {2}': '{1} 个词元，预分词器 {2}',
  'how numbers are stored; q8_0 and q4_K_M only as gguf (default: as the published model came, else f32)':
    '数值以何种类型存储；q8_0 和 q4_K_M 只用于 gguf（默认：与已发布的模型一致，否则 f32）',
  'a run to share: its models, report, settings and a model card; no optimizer states, rows, feedback, keys or paths':
    '打包一次运行供分享：模型、报告、设置和模型卡；不含优化器状态、行、反馈、密钥和路径',
  'a run folder': '运行目录',
  'FILE.tar.gz, or a folder, to write; must not exist yet': '要写的 FILE.tar.gz 或目录；不能已经存在',
  'of the model card, such as apache-2.0 or mit; one of your own is other:NAME (default: unknown)':
    '模型卡上的许可证，例如 apache-2.0 或 mit；自定义的写 other:NAME（默认：unknown）',
  '(default: 8080, else the next that is not taken)': '（默认：8080，否则下一个空闲的）',
  'learn from these, without a data-spec: folders, files and patterns of .txt, .md, .jsonl, .csv, .parquet, …':
    '直接从这些学习，不需要 data-spec：.txt、.md、.jsonl、.csv、.parquet 等的目录、文件和通配',
  'this file changed since the stage finished': '这个文件在阶段完成后被改过',
  'Run {1} again': '请再次运行 {1}',
  'there is no finished model here': '这里没有完成的模型',
  'no round promoted a model, so this run has none of its own to share':
    '没有一轮选用了新模型，因此这次运行没有自己的模型可以分享',
  'it kept the model that it began with, {1}': '它保留了开始时的模型 {1}',
  'Export that model: {1}. Or align with more preferences, until a round is promoted':
    '请导出那个模型：{1}。或用更多偏好数据再对齐，直到有一轮被选用',
  'Pack the run of that model: {1}': '请打包那个模型所在的运行：{1}',
  'only what a stage finished with is packed': '只打包阶段完成时的结果',
  'Finish the run: {1}': '请完成这次运行：{1}',
  'the base of this adapter is outside the run, where others would not find it':
    '这个适配器的基座在运行目录之外，别人找不到',
  'Export the merged model: {1}': '请导出合并后的模型：{1}',
  'a path of this machine would be shared: {1}': '会泄露本机的路径：{1}',
  'this file is sealed, so that nothing in it can be changed': '这个文件已封存，其中内容不能改动',
  'Export the model alone: {1}': '请只导出模型：{1}',
  'it did not start within {1} s': '它没有在 {1} 秒内启动',
  'Choose another --port, or omit it for one that is not taken': '请另选 --port，或去掉它以用空闲端口',
  'the page cannot be shown there': '那里无法显示页面',
  'the page cannot be shown ({1}); the run continues without it': '无法显示页面（{1}）；运行继续，不带页面',
  'the page has ended ({1}); the run continues. To see it again: {2}': '页面已结束（{1}）；运行继续。要再看：{2}',
  'page    {1}  stays until Ctrl-C': '页面    {1}  保持到 Ctrl-C',
  'it ended with {1}': '它以 {1} 结束',
  'no text was named': '没有指明文本',
  'Name folders, files, or a data-spec: {1}': '请指明目录、文件或 data-spec：{1}',
  'no seed tasks were named': '没有指明种子任务',
  'Give a pipeline that has some (--config quickstart), or a file of them: --set selfInstruct.seeds=FILE':
    '请给一条带种子的流水线（--config quickstart），或一个种子文件：--set selfInstruct.seeds=FILE',
  'of a run that trains: serve what it saves as it saves it; it needs no model yet, and weights wait until one is asked':
    '用于正在训练的运行：随保存随提供；可以还没有模型，有人提问时才载入权重',
  'port to listen at; 0: any that is not taken {1}': '监听的端口；0 表示任意空闲端口{1}',
  '{1}mossctl: finishing the step and saving; press Ctrl-C again to stop at once':
    '{1}mossctl: 正在完成这一步并保存；再按 Ctrl-C 立即停止',
  '--text and --set {1} both say what to read': '--text 和 --set {1} 都规定了读什么',
  '{1} of text, as {2} says, which can be edited': '{1} 文本，按 {2} 所写，可以编辑',
  '--text would replace a data-spec that was edited': '--text 会取代一份改过的 data-spec',
  'Build from it without --text ({1}), move it away, or choose another --out':
    '请不带 --text 由它构建（{1}），或把它移走，或另选 --out',
  'folders, files or patterns of plain text, or of rows with a "text" (JSONL, CSV, Parquet, …), instead of the corpus; --out is then the folder to write':
    '改用纯文本，或含 "text" 的行（JSONL、CSV、Parquet 等）的目录、文件或通配，而不是语料；此时 --out 是要写的目录',
  'folder of that run (default: the first run that is compared)': '那次运行的目录（默认：参与比较的第一个运行）',
  'a page of the run while it trains: curves, samples, a chat with what it has saved; its address is printed':
    '训练期间的页面：曲线、采样、与已保存模型的对话；会打印其地址',
  'of that page; 0: any that is not taken {1}': '该页面的端口；0 表示任意空闲端口{1}',
  "tokenised text, such as runs/mine/tokens/corpus, whose held-out part is taken; default: this run's, where it has a corpus":
    '已分词的文本，例如 runs/mine/tokens/corpus，取其留出部分；默认：本次运行的（若有语料）',
  'checkpoint, run or model folder, or hf:ORG/NAME@REVISION to start from, in place of the {1} that this run makes':
    '从哪个检查点、运行或模型目录或 hf:ORG/NAME@REVISION 开始，代替本次运行产生的{1}',
  'last: a word is split the same way with and without a space before it, which makes it easy to copy; default early':
    'last：一个词前面有没有空格都切得一样，便于抄写；默认 early',
  'replies as JSON (openai), constrained to a schema or to any object (response_format); default: text':
    '以 JSON 回复（openai），按模式约束或任意对象（response_format）；默认：文本',
  'chat model': '对话模型',
  'base model': '基座模型',
  'subsampled (weight, limit)': '抽样（权重、上限）',
  ', {1} subsampled by its weight or limit': '，按权重或上限抽样 {1}',
  '{1}, median {2} characters': '{1}，中位数 {2} 个字符',
  '{1} sources are too many for --text': '{1} 个来源对 --text 来说太多',
  'Put the files into a folder, and name that': '请把文件放进一个目录，再指明它',
  'none of the {1} here is text by its name': '这里的 {1} 从名字看都不是文本',
  'Name files ending in .txt, .md, .jsonl, .csv or .parquet, or one file by itself':
    '请指明以 .txt、.md、.jsonl、.csv 或 .parquet 结尾的文件，或单独一个文件',
  '{1}: {2} not taken ({3})': '{1}：没有采用 {2}（{3}）',
  'it has the fields {1}': '它的字段有 {1}',
  'Conversations are for `mossctl sft --data`; for rows of text, write a data-spec with columns: { text: NAME }':
    '对话请用 `mossctl sft --data`；文本行请写 data-spec，用 columns: { text: NAME }',
  'constrained to a schema': '按模式约束',
  'the pipeline': '流水线',
  'align.{1} of the file: not read by {2}, and set aside': '文件里的 align.{1}：{2} 不读，已搁在一旁',
  'pretrain.model.size gives the rest of the shape only: {1} of the file stay{2}. To have the shape of the size alone: {3}':
    'pretrain.model.size 只决定形状的其余部分：文件中的 {1} 保留。只要该大小的形状：{3}',
  '{1} is not run: {2}.from names the model that {3} starts from': '不运行 {1}：{2}.from 指明了 {3} 的起始模型',
  'no run was named that has it': '没有指明有它的运行',
  '{1}; or name the run with --out RUN': '{1}；或用 --out RUN 指明运行',
  'bits per byte of given answers': '所给回答每字节比特',
  'words in common with them': '与其共有的词',
  'form of sampled answers': '采样回答的形式',
  'the answers that its tasks give cost it {1} bits per byte (a guess needs 8)':
    '写出任务所给的回答，每字节需 {1} 比特（瞎猜需要 8）',
  'mean reward of answers sampled for tasks with a check: above all whether they are right, and a little their form':
    '对带检查的任务采样的回答的平均奖励：主要看是否答对，也略看形式',
  'how sampled answers to tasks without a check look: they end, keep to the language, do not repeat themselves; nothing of whether they are right':
    '对没有检查的任务采样的回答看上去如何：会结束、用提问的语言、不重复；不涉及是否答对',
  'bits per byte of less held-out text than the table is measured on: to watch a training by':
    '每字节比特，用比结果表少的留出文本：用来观察训练',
  'share of right results of fewer held-out formulas than the table is measured on: to watch a training by':
    '算式结果正确的比例，用比结果表少的留出算式：用来观察训练',
  ', loss {1}{2}': '，损失 {1}{2}',
  ' (last {1} steps)': '（最近 {1} 步）',
  '{1} is there no longer: the run has saved newer checkpoints': '{1} 已不在：运行保存了更新的检查点',
  'Ask again: the newest answers': '请再问一次：由最新的回答',
  'there is no model yet: the run has not saved its first checkpoint': '还没有模型：运行还没有保存第一个检查点',
  'Watch it, and ask again once it has': '请先观察，保存之后再问',
  'it is a text, or a list of parts {1}': '它是文本，或由 {1} 组成的列表',
  '{1} is not read here: the models that are served read text alone': '这里不读 {1}：所提供的模型只读文本',
  'it began with a model that is not served here': '它起始的模型没有在这里提供',
  '{1}, which was promoted, cannot be served: {2}': '已晋级的 {1} 无法提供：{2}',
  'another process works on {1}: what it says goes there': '另一个进程正在处理 {1}：消息输出在那里',
  'GET /api/rounds says what became of it': 'GET /api/rounds 可查看结果',
  'Choose another --port, or 0 for any that is not taken': '请另选 --port，或用 0 表示任意空闲端口',
  'Serve it as it trains: {1}; or name another folder': '请边训练边提供：{1}；或另指定目录',
  'this folder holds runs, and is none': '这个目录里有若干运行，本身不是运行',
  'Train one, and see it while it trains: {1}; or name a checkpoint, or a model of a hub (hf:ORG/NAME)':
    '请训练一个并边训练边看：{1}；或指明检查点，或 hub 上的模型（hf:ORG/NAME）',
  'Name texts with --text FOLDER, or a pipeline with --config (quickstart)':
    '请用 --text FOLDER 指明文本，或用 --config 指明流水线（quickstart）',
  '{1} give an answer: how likely it is, and what the model says has in common with it, is measured':
    '{1} 给出了回答：测量它的可能性，以及模型所说与它的共同之处',
  'answers that tasks give: {1}': '任务所给的回答：{1}',
  '{1} of {2} of {3}, {4} tokens: {5} passes over the corpus; learning rate {6}, weight decay {7}':
    '{1}，每步 {2}，每行 {3}，{4} 词元：语料过 {5} 遍；学习率 {6}，权重衰减 {7}',
};
