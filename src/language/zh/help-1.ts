// What src/help/ says, in Chinese, part 1.
import type { Catalog } from '../messages.js';

export const help1: Catalog = {
  'read, clean, deduplicate and split the corpus': '读取、清洗、去重并切分语料',
  'stop at the first row that cannot be read, instead of counting and skipping it':
    '遇到第一行无法读取的数据就停止，而不是计数后跳过',
  'what a built corpus holds, with sample documents': '已构建的语料里有什么，附样例文档',
  'a run folder, or its data folder': '运行目录，或其中的数据目录',
  'documents of each source to show': '每个来源显示几篇文档',
  'instead of documents: what each rule dropped and changed, with examples':
    '不看文档，改看每条规则丢弃和改动了什么，附例子',
  'count documents, characters, tokens, lengths, scripts, duplicates': '统计文档、字符、词元、长度、文字种类和重复',
  'a run folder or built corpus, or files: txt, jsonl, json, csv, tsv, parquet, arrow':
    '运行目录或已构建的语料，或文件：txt、jsonl、json、csv、tsv、parquet、arrow',
  'column of the text, in files of rows': '行式文件中正文所在的列',
  'download the sources of a data-spec into the cache': '把 data-spec 的各个来源下载到缓存',
  'data-spec YAML': 'data-spec YAML',
  'judge answers, two at a time and blind: which is better; of one or two models, or from a file':
    '盲评回答，一次两个：哪个更好；来自一个或两个模型，或来自文件',
  'one model (two answers of it) or two: each {1}': '一个模型（出两个回答）或两个模型，每个都是{1}',
  'what the models are asked: conversations (JSONL, Parquet, …), or feedback: the prompts of the store':
    '向模型提的问题：对话（JSONL、Parquet 等），或 feedback：反馈库里的提问',
  'answers to judge instead: rows of prompt and answers (or chosen and rejected), answers.jsonl of eval, or a feedback store, to judge again what another person judged':
    '改为评判现成的回答：含 prompt 和 answers（或 chosen 与 rejected）的行、eval 的 answers.jsonl，或一个反馈库（把别人评过的再评一遍）',
  'items to judge, at most (default: all)': '最多评判几条（默认：全部）',
  'show what was skipped before as well': '以前跳过的也再显示',
  'which answers are sampled, and which side each is shown on': '决定采样哪些回答，以及各自显示在哪一侧',
  'max length of an answer, in tokens': '回答的最大长度，按词元计',
  'what people said of answers: list it, withdraw, delete or scrub it, see how far they agree':
    '人们对回答的评价：列出、撤回、删除、脱敏，并看彼此有多一致',
  'of a judgement or a conversation, as `feedback list` shows them': '某条评判或某次对话的编号，见 `feedback list`',
  'the judgements of the store, or those named, in full': '完整显示反馈库里的评判，或指定的那几条',
  'those that were withdrawn as well': '连已撤回的也显示',
  'withdraw judgements: nothing is learnt from them': '撤回评判：不会再从中学习',
  'erase the text of conversations for good, and list the checkpoints that learnt from them':
    '永久抹去对话的文字，并列出学过它们的检查点',
  'where to look for checkpoints': '在哪里找检查点',
  'only say what would be erased, and what learnt from it': '只说会抹去什么、谁学过它，不真正执行',
  'replace personal data (addresses, numbers, keys) by placeholders, for good':
    '把个人信息（地址、号码、密钥）永久替换为占位符',
  'only this kind: SECRET, EMAIL, ID_CN, CARD, PHONE, IP; may be repeated':
    '只处理这一类：SECRET、EMAIL、ID_CN、CARD、PHONE、IP；可重复',
  'only say what would be replaced': '只说会替换什么，不真正执行',
  "how far people agree on the same items, beyond chance (Cohen's κ)":
    "大家对同一批条目的评判有多一致，扣除偶然（Cohen's κ）",
  'feedback stores, read as one (default: feedback.jsonl in this folder)':
    '反馈库，合在一起读（默认：当前目录的 feedback.jsonl）',
  'of messages: en or zh (default: MOSSCTL_LANG, else that of the locale, else en)':
    '消息的语言：en 或 zh（默认：MOSSCTL_LANG，否则按系统 locale，再否则 en）',
  '\nKeys of the {1} block, for the YAML file or --set (with their defaults):\n{2}':
    '\n{1} 块的键，可写在 YAML 文件里或用 --set 设定（附默认值）：\n{2}',
  'make a checkpoint of a Llama, Qwen2 or Qwen3 model of Hugging Face':
    '由 Hugging Face 的 Llama、Qwen2 或 Qwen3 模型生成检查点',
  'a folder with config.json, safetensors and tokenizer.json, or hf:ORG/NAME@REVISION':
    '含 config.json、safetensors 和 tokenizer.json 的目录，或 hf:ORG/NAME@REVISION',
  'folder of the checkpoint': '检查点要写到的目录',
  "of an adapter: where its base is, if not where the adapter's file says":
    '用于适配器：基座所在处，如果不在适配器文件所说的位置',
  'write a checkpoint for other tools: transformers and vLLM (hf), llama.cpp and Ollama (gguf)':
    '把检查点导出给其他工具：transformers 和 vLLM（hf），llama.cpp 和 Ollama（gguf）',
  'what to write': '导出成什么格式',
  'folder (hf) or file (gguf) to write; must not exist yet': '要写的目录（hf）或文件（gguf）；不能已经存在',
  'hf: max size of a file of weights, such as 500MB (default: 5GB)':
    'hf：单个权重文件的大小上限，例如 500MB（默认：5GB）',
  'of an adapter: its base with the adapter in it, as one model': '用于适配器：把它合并进基座，成为一个模型',
  'upload a checkpoint or an exported folder to the Hugging Face hub, with a model card':
    '把检查点或导出的目录上传到 Hugging Face hub，附模型卡',
  'a checkpoint, a run folder, an adapter, or a folder that `mossctl export` wrote':
    '检查点、运行目录、适配器，或 `mossctl export` 写出的目录',
  'hf:ORG/NAME; made where it is not there yet, private': 'hf:ORG/NAME；不存在就新建，默认私有',
  'of the model card, such as apache-2.0 or mit; one of your own is other:NAME':
    '模型卡上的许可证，例如 apache-2.0 或 mit；自定义的写 other:NAME',
  'make a new repository public': '新仓库设为公开',
  'replace a model that mossctl did not push, and a card that was edited on the hub':
    '覆盖并非由 mossctl 上传的模型，以及在 hub 上改过的模型卡',
  'list the files and their sizes, and send nothing': '列出文件及其大小，什么都不发送',
  'ORG/NAME of what it was made from, for the card and for adapters': '它源自哪个模型（ORG/NAME），写入模型卡和适配器',
  'of a checkpoint: how numbers are stored (default: as published, else f32)':
    '用于检查点：数值以何种类型存储（默认：与发布时一致，否则 f32）',
  'of a checkpoint: max size of a file of weights (default: 5GB)': '用于检查点：单个权重文件的大小上限（默认：5GB）',
  'a checkpoint, a run folder, a model folder, or a model of a hub: hf:ORG/NAME@REVISION, ms:ORG/NAME':
    '检查点、运行目录、模型目录，或 hub 上的模型：hf:ORG/NAME@REVISION、ms:ORG/NAME',
  'it was given an empty text, as a shell gives for a variable that is not set':
    '给的是空文本，shell 中未设置的变量就会这样',
  '{1} is empty': '{1} 为空',
  'Give it a value, or omit it': '请给它一个值，或去掉它',
  'JSON lines on stdout, and nothing else there': '在标准输出上只写 JSON 行',
  'no progress, only the result and errors': '不显示进度，只有结果和错误',
  'compute backend: auto, tensorflow, native, wasm or cpu (default: auto)':
    '计算后端：auto、tensorflow、native、wasm 或 cpu（默认：auto）',
  'the library of the backend tensorflow, where the install could not download it':
    '后端 tensorflow 的库，供安装时下载不到的人使用',
  'fetch it from npm and PyPI into a folder, and join them (Linux x64)':
    '从 npm 和 PyPI 取到一个文件夹，并连接起来（Linux x64）',
  "the one for NVIDIA cards, with NVIDIA's libraries (gigabytes)": '用于 NVIDIA 显卡的版本，附带 NVIDIA 的库（数 GB）',
  'the folder (default: tensorflow in the folder of downloads)': '文件夹（默认：下载文件夹中的 tensorflow）',
  'build even what is up to date': '即使已是最新也重新构建',
  'threads of the native engine or of TensorFlow (default: all cores)':
    'native 引擎或 TensorFlow 的线程数（默认：所有核）',
  'of matrix products: fp32, or bf16 on the native engine (default: fp32)':
    '矩阵乘法的精度：fp32，或 native 引擎上的 bf16（默认：fp32）',
  'pipeline: a YAML file, or the name of a packaged one (smoke, quickstart, arithmetic, tools, align-demo, grpo-arithmetic)':
    '流水线：YAML 文件，或内置流水线的名字（smoke、quickstart、arithmetic、tools、align-demo、grpo-arithmetic）',
  'set one key of the pipeline; may be repeated': '设定流水线的一个键；可重复',
  'folder of the run (default: runs/<name of the pipeline>)': '运行目录（默认：runs/<流水线的名字>）',
  'every random choice follows from it': '所有随机选择都由它决定',
  'start from this checkpoint, model folder or hf:ORG/NAME@REVISION instead of the one in the run folder':
    '从这个检查点、模型目录或 hf:ORG/NAME@REVISION 开始，而不是运行目录里的那个',
  'open checkpoints without comparing their files with the sha256 they were saved with':
    '打开检查点时不核对文件与保存时的 sha256',
  'do not compare how sample conversations are written and read back with what the training stored of them':
    '不核对样例对话的写法和读法与训练时所存的是否一致',
  "(default: the checkpoint's generation_config.json, else {1})": '（默认：检查点的 generation_config.json，否则 {1}）',
  '0 always takes the likeliest token {1}': '0 表示总取概率最大的词元{1}',
  'draw from the k likeliest tokens; 0 = all {1}': '从概率最大的 k 个词元中采样；0 = 全部{1}',
  'draw from the likeliest tokens that make up this share {1}': '从累计概率达到这一比例的最可能词元中采样{1}',
  'draw from tokens at least this share as likely as the likeliest {1}': '只采样概率不低于最大概率这一比例的词元{1}',
  'above 1 discourages repeats {1}': '大于 1 会抑制重复{1}',
  "round matrices to GGUF's q8_0: faster answers, on the native engine only":
    '把矩阵量化为 GGUF 的 q8_0：回答更快，仅限 native 引擎',
  'the feedback store (default: feedback.jsonl in this folder)': '反馈库（默认：当前目录的 feedback.jsonl）',
  'whose judgements they are (default: your login name)': '评判归谁名下（默认：您的登录名）',
  'what the model may call: Calculate, Search=notes/, a YAML file, a folder of them, all (the built-in ones that need no setting; see `mossctl tools`); several with commas, or repeated (default: what the model learnt to call)':
    '模型可以调用什么：Calculate、Search=notes/、一个 YAML 文件、一个放它们的目录、all（所有无需设置的内置工具；见 `mossctl tools`）；多个用逗号隔开，或重复此选项（默认：模型学过调用的那些）',
  'nothing is called': '什么工具都不调用',
  'ask before each call': '每次调用前先询问',
  '{1} is about --tasks': '{1} 要与 --tasks 一起用',
  'Give a file of questions: --tasks FILE': '请给一个题目文件：--tasks FILE',
  '{1} checkpoints are compared on questions': '{1} 个检查点要在题目上比较',
  'Give a file of them (--tasks FILE), or a set that comes with mossctl (--tasks seed-article)':
    '请给一个题目文件（--tasks FILE），或 mossctl 自带的一套题（--tasks seed-article）',
  'once for each of these seeds (1,2,3), or of so many (3), with a report over all':
    '用每个种子各跑一次（1,2,3），或跑这么多个（3），并给出总报告',
  'It must be two or more different seeds (1,2,3), or how many (2 to {1}).':
    '必须是两个或更多不同的种子（1,2,3），或者个数（2 到 {1}）。',
  'It must be a whole number from {1} to {2}.': '必须是 {1} 到 {2} 的整数。',
  'It must be {1}.': '必须是{1}。',
  'a size such as 5GB, 500MB or 512MiB': '一个大小，例如 5GB、500MB 或 512MiB',
  'a number such as 350M, 20B or 1e22': '一个数，例如 350M、20B 或 1e22',
  'From raw text to an aligned chat model on the machine in front of you.':
    '从原始文本到对齐的对话模型，就在您面前的这台机器上。',
  '\nExample:\n  mossctl run quickstart\n\nEach command explains itself: mossctl COMMAND --help':
    '\n示例：\n  mossctl run quickstart\n\n每个命令都有自己的说明：mossctl COMMAND --help',
  'only show so many {1}, and what the whole would take': '只显示这么多条{1}，以及全部做完需要什么',
  'a YAML file, or the name of a packaged pipeline: smoke, quickstart, arithmetic, tools, align-demo, grpo-arithmetic':
    'YAML 文件，或内置流水线的名字：smoke、quickstart、arithmetic、tools、align-demo、grpo-arithmetic',
  'run a whole pipeline: text → tokenizer → base → instruct → align → evaluate; resumes where it stopped':
    '运行整条流水线：文本 → 分词器 → 基座 → 指令 → 对齐 → 评测；停在哪里就从哪里继续',
  'train a base model, or continue one; builds corpus and tokenizer where needed':
    '训练一个基座模型，或继续训练；需要时先构建语料和分词器',
  'continue from this checkpoint, model folder or hf:ORG/NAME@REVISION, instead of a fresh model':
    '从这个检查点、模型目录或 hf:ORG/NAME@REVISION 继续训练，而不是从头开始',
  'the one dial (7m, 30m, d8): shape, batch, learning rate, decay and steps follow, whatever the file says of them':
    '唯一的旋钮（7m、30m、d8）：形状、批大小、学习率、衰减和步数都由它推出，不管文件里怎么写',
  'end the training of this checkpoint, in a run of its own: its learning rate falls to the last':
    '为这个检查点的训练收尾，另建一个运行目录：学习率降到最后的值',
  'measure checkpoints on held-out text and tasks, or on your own questions, in one table':
    '在留出文本和任务上评测检查点，或用您自己的题目，结果放在一张表里',
  'a checkpoint or a run folder (default: the run folder of --config); several with --tasks':
    '检查点或运行目录（默认：--config 的运行目录）；用 --tasks 时可给多个',
  'ask the questions of this file, or of safety, seed-article or memory, which come with mossctl; may be repeated':
    '提问这个文件里的题目，或 mossctl 自带的 safety、seed-article、memory；可重复',
  'solved examples before each question of --tasks': '--tasks 的每道题前给几个已解的示例',
  'whether answers to --tasks are thought out in steps': '--tasks 的回答是否要分步思考',
  'ask --tasks with these tools as well, side by side: Calculate, Query=sales.csv, a YAML file, …; may be repeated (default: where rows list tools)':
    '给 --tasks 配上这些工具再问一遍，并排比较：Calculate、Query=sales.csv、一个 YAML 文件等；可重复（默认：题目里列出工具时）',
  'ask --tasks without tools, whatever rows list': '不管题目里列了什么工具，--tasks 都不用工具',
  'longest answer to --tasks, in tokens': '--tasks 的回答最多多长，按词元计',
  'the run whose text the memory audit of --tasks safety looks for (default: the run that a checkpoint lies in)':
    '--tasks safety 的记忆审计要在哪次运行的文本里查找（默认：检查点所在的那次）',
  'only bits per byte of these: plain text, or rows with a "text" (JSONL, CSV, Parquet, …); files, folders, patterns':
    '只测这些内容的 bits per byte：纯文本，或含 "text" 的行（JSONL、CSV、Parquet 等）；文件、目录、通配',
  'what a pretraining would take, or with --from a fine-tuning: memory and time, here and elsewhere':
    '一次预训练需要什么，或加 --from 看一次微调：内存和时间，在本机和别处',
  'plan a fine-tuning of this checkpoint, model folder or hf:ORG/NAME@REVISION':
    '规划对这个检查点、模型目录或 hf:ORG/NAME@REVISION 的微调',
  'with --from: of adapters alone': '与 --from 同用：只训练适配器',
  'size preset, as pretrain.model.size': '预设的大小，同 pretrain.model.size',
  'number of parameters, such as 350M or 20B': '参数量，例如 350M 或 20B',
  'the compute-optimal model for this many operations, such as 1e22': '在这么多次运算下计算最优的模型，例如 1e22',
  'tokens to train on, such as 3B (default: 20 a parameter)': '训练多少词元，例如 3B（默认：每个参数 20 个）',
  'ids of the tokenizer': '分词器的词表大小',
  'tokens in a row': '一行有多少词元',
  'such as h100×8,a100×4, or cpu for this machine alone (default: h100×8)':
    '例如 h100×8,a100×4，或只写 cpu 表示仅本机（默认：h100×8）',
  'talk to a checkpoint; each line of piped input that is not blank is one turn':
    '与检查点对话；管道输入中每个非空行算一轮',
  'system message that opens the conversation': '对话开头的系统消息',
  'answer the rows of a file, with the tools that the model learnt: rows that sft and annotate read; resumes':
    '回答文件里的每一行，可用模型学过的工具；行的格式同 sft 和 annotate；可续跑',
  'conversations, prompts, or the requests of a batch file; each is asked its last question':
    '对话、提问，或批处理文件的请求；每行回答其最后一个问题',
  'JSONL to write; must not exist yet': '要写的 JSONL；不能已经存在',
  'answers to each row': '每行回答几次',
  'write answers that did not end, too': '没有结束的回答也写入',
  'log-probability of texts by token and sentence, and bits per byte; without texts, each line of stdin':
    '文本按词元和句子的对数概率，以及 bits per byte；不给文本就逐行读标准输入',
  'each a text of its own': '各自成一篇',
  'shuffled versions of each text to score beside it': '每段文本另评几个打乱的版本，作为对照',
  'seed of the shuffles': '打乱所用的种子',
  'what a checkpoint is and descends from; with --text or --row, its tokens and which carry loss':
    '检查点是什么、从何而来；加 --text 或 --row 可看词元，以及哪些计入损失',
  'the tokens of this text, asked as a user': '把这段文本当作用户提问时的词元',
  'the tokens of that row of conversations, as fine-tuning learns it, or of preferences, as alignment does':
    '那一行的词元：对话按微调学习的样子，偏好按对齐学习的样子',
  'with --row: what is learnt, as sft.loss': '与 --row 同用：学习哪些部分，同 sft.loss',
  'check what this machine has, and what is missing': '检查这台机器有什么、缺什么',
  'the C++ engine of this machine': '这台机器上的 C++ 引擎',
  'compile it, where the install did not or the sources changed': '编译它：安装时没有编译，或源码有改动',
  'compile even what is up to date': '已是最新也重新编译',
  'how fast this machine computes, trains, decodes, saves and reads text, as shares of its peak':
    '这台机器计算、训练、解码、保存和读文本有多快，按其峰值的百分比',
  'some of machine, gemm, ops, train, sft, align, online, decode, rollouts, neighbour, scale, checkpoint, data, filter':
    '从 machine、gemm、ops、train、sft、align、online、decode、rollouts、neighbour、scale、checkpoint、data、filter 中选',
  'some of 1m, 7m, 34m, quickstart, and for sft qwen3-0.5b (default: the first three for train, 34m for checkpoint and scale, quickstart for rollouts, else 7m)':
    '从 1m、7m、34m、quickstart 中选，sft 还可选 qwen3-0.5b（默认：train 取前三个，checkpoint 和 scale 取 34m，rollouts 取 quickstart，其余取 7m）',
  'fp32, bf16 (default: fp32, and bf16 where the processor multiplies it)':
    'fp32、bf16（默认：fp32；处理器支持 bf16 乘法时也测 bf16）',
  'compute backend: auto, tensorflow, native, wasm or cpu': '计算后端：auto、tensorflow、native、wasm 或 cpu',
  "tokens in a row of train (default: the shape's own) and in a row's cache of decode (default: 128)":
    'train 中一行的词元数（默认：形状自带的值），以及 decode 中一行缓存的词元数（默认：128）',
  'rows that decode side by side (default: 1,8,32,64)': '同时解码的行数（默认：1,8,32,64）',
  'whole numbers, of decode; 0 is greedy (default: 0,1)': '整数，用于 decode；0 为贪心（默认：0,1）',
  'timed steps (default: about 20 seconds of them)': '计时的步数（默认：约 20 秒）',
  'serve models to programs that speak to OpenAI, and a page to chat with them, on this machine':
    '在这台机器上，向使用 OpenAI 接口的程序提供模型服务，附一个对话页面',
  '{1}; a run folder serves what each of its stages made': '{1}；给运行目录则提供其中每个阶段的模型',
  'address to listen at; one that others reach needs a key': '监听的地址；别人能访问的地址需要密钥',
  'a file with the key that requests must send (or MOSSCTL_API_KEY)':
    '存放密钥的文件，请求必须带上它（或用 MOSSCTL_API_KEY）',
  'another name that this server is reached under; may be repeated': '访问本服务所用的另一个主机名；可重复',
  'pages of this origin may use /v1, such as http://localhost:3000; may be repeated':
    '这个来源的页面可以使用 /v1，例如 http://localhost:3000；可重复',
  'tokens of an answer where a request names no number (default: 2048)':
    '请求没有指明时，一个回答的词元数（默认：2048）',
  'answers that are written or wait at once; more are refused (default: 512)':
    '同时书写或等待的回答数；超出则拒绝（默认：512）',
  'the runs that the page shows, and where its rounds of alignment go':
    '页面显示的各次运行，也是它发起的对齐轮次存放之处',
  'how long a request may take (default: 600)': '一个请求最多多久，单位秒（默认：600）',
  'It must be an origin, such as http://localhost:3000.': '必须是一个来源，例如 http://localhost:3000。',
  'train a tokenizer, extend one, or use one': '训练、扩充或使用分词器',
  'learn a byte-level BPE vocabulary from the corpus': '从语料学习字节级 BPE 词表',
  'a run folder, a checkpoint, a folder with a tokenizer.json, or such a file':
    '运行目录、检查点、含 tokenizer.json 的目录，或这个文件本身',
  'add tokens learnt from the corpus or files: old ids keep their meaning, no text takes more tokens':
    '加入从语料或文件学到的词元：旧 id 含义不变，任何文本都不会变长',
  'a run folder, a checkpoint, or a tokenizer.json or its folder: ours, GPT-2, Llama 3, Qwen':
    '运行目录、检查点，或 tokenizer.json 及其目录：本项目的、GPT-2、Llama 3、Qwen',
  'max tokens to add': '最多加入多少词元',
  'text → ids; without text, each line of stdin': '文本 → id；不给文本就逐行读标准输入',
  'text to encode': '要编码的文本',
  'ids → text; without ids, each line of stdin': 'id → 文本；不给 id 就逐行读标准输入',
  'ids to decode': '要解码的 id',
  'how well tokenizers compress the same text, by language and domain: held-out documents or files':
    '各分词器对同一文本的压缩率，按语言和领域：用留出文档或文件',
  '{1}; or gpt2, cl100k, o200k': '{1}；也可用 gpt2、cl100k、o200k',
  'plain text, or rows with a "text" (JSONL, CSV, Parquet, …), instead of held-out documents':
    '改用纯文本，或含 "text" 的行（JSONL、CSV、Parquet 等），而不是留出文档',
  'also write charts by language and domain to this page': '另把按语言和领域的图表写到这个网页',
  'pipeline whose held-out documents are read': '读取哪条流水线的留出文档',
  'what a model may call: list the tools, or call one yourself': '模型可以调用什么：列出工具，或自己调用一个',
  'built-in tools and your own, and what is missing for each; those named, in full':
    '内置工具和您自己的工具，以及各自还缺什么；给出名字则完整显示',
  'names, or YAML files': '名字，或 YAML 文件',
  '\nA tool of yours is a YAML file (docs/tools.md):\n  name: Weather\n  description: Tomorrow\'s weather in a city.\n  parameters:\n    { type: object, properties: { city: { type: string } }, required: [city] }\n  run: { command: [python3, weather.py, --, "{city}"] }\n  #    { http: { url: "https://weather.example/?q={city}" } }\n  limits: { seconds: 10, characters: 500 }':
    '\n自己的工具是一个 YAML 文件（docs/tools.md）：\n  name: Weather\n  description: Tomorrow\'s weather in a city.\n  parameters:\n    { type: object, properties: { city: { type: string } }, required: [city] }\n  run: { command: [python3, weather.py, --, "{city}"] }\n  #    { http: { url: "https://weather.example/?q={city}" } }\n  limits: { seconds: 10, characters: 500 }',
  'call one tool, and print what the model would read': '调用一个工具，打印模型会读到的内容',
  'as behind --tools: Calculate, Search=notes/, a YAML file':
    '写法同 --tools：Calculate、Search=notes/、一个 YAML 文件',
  'NAME=VALUE each, or one JSON object, or the value of the only one that it needs':
    '逐个 NAME=VALUE，或一个 JSON 对象，或它唯一需要的那个值',
  'write the curves for another tool, too: tensorboard (RUN/tensorboard)':
    '另为其他工具写一份曲线：tensorboard（RUN/tensorboard）',
  'passes over the data, whatever the file says': '数据过几遍，不管文件里怎么写',
  'optimizer steps, whatever the file says': '优化器步数，不管文件里怎么写',
  'rows per micro-batch': '每个微批的行数',
  'peak learning rate': '学习率的峰值',
  'checkpoints that stay on disk, such as last=3,every=1000,best=bits_per_byte':
    '留在磁盘上的检查点，例如 last=3,every=1000,best=bits_per_byte',
  'only resume an interrupted run; an error where there is none': '只续跑中断的运行；没有就报错',
  'with --resume: accept that this setting (or "data") differs; may be repeated':
    '与 --resume 同用：接受这个设置（或 "data"）有所不同；可重复',
  '--{1} and --set {2} each say how long the training is': '--{1} 和 --set {2} 各自规定了训练多久',
  '"mossctl data build SPEC --out {1}"': '"mossctl data build SPEC --out {1}"',
  'a tokenised corpus': '已分词的语料',
  ' and no ': '，也没有',
  '{1} holds none, and the configuration has no {2} block to make it from':
    '{1} 里没有，配置里也没有可用来生成它的 {2} 块',
  'Name the text with --set data.spec=SPEC (pretrain takes --text FOLDER, too), or run {1} first':
    '请用 --set data.spec=SPEC 指明文本（pretrain 也可以用 --text 文件夹），或先运行 {1}',
  'Give a --config that has them (--config quickstart), or run {1} and "mossctl tokenizer train --out {2}" first':
    '请给一个含有它们的 --config（--config quickstart），或先运行 {1} 和 "mossctl tokenizer train --out {2}"',
  'another corpus': '另一份语料',
  'it gives the weights their shape and first values': '权重的形状和初值由它决定',
  'expand seed tasks into conversations with a teacher': '借助教师模型把种子任务扩写成对话',
  "stop before the teacher's endpoint has cost more, over all tries in this run folder":
    '教师端点在这个运行目录里的各次尝试合计花费将超过这个数时停止',
  "stop before the teacher's endpoint has taken more tokens, over all tries in this run folder":
    '教师端点在这个运行目录里的各次尝试合计用掉的词元将超过这个数时停止',
  'rows, asked of the teacher; their answers are kept for the run': '行，向教师提问；答案留给正式运行',
  'fine-tune a base model on conversations': '在对话上微调基座模型',
  'conversations instead of those of self-instruct: rows (JSONL, Parquet, …), a file, a folder, a pattern or hf:ORG/NAME[:PATH]; may be repeated, with =0.5 to read half of them in an epoch, =2 each twice':
    '用这些对话，而不是 self-instruct 的：行（JSONL、Parquet 等），文件、目录、通配或 hf:ORG/NAME[:PATH]；可重复，加 =0.5 表示每个 epoch 读一半，=2 表示各读两遍',
  'conversations to measure with while training, instead of holding some of --data out':
    '训练时用来测量的对话，而不是从 --data 中留出一部分',
  'train low-rank adapters beside the frozen weights (the block sft.lora), not all weights':
    '冻结权重，只训练旁边的低秩适配器（sft.lora 块），而不是全部权重',
  'give conversations with --data FILE': '请用 --data FILE 给出对话',
  'other conversations or text': '其他对话或文本',
  'it gives the adapter its shape': '适配器的形状由它决定',
  'answers that were sampled are divided over prompts and steps by it': '采样的回答由它分给各个提示和步骤',
  'teach a chat model to call tools where it needs them, and only there': '教对话模型在需要时调用工具，且只在需要时',
  "improve a chat model by people's preferences, by rewards that can be checked, or by both":
    '按人的偏好、可验证的奖励，或两者并用，改进对话模型',
  'preferences: rows (JSONL, Parquet, …) with prompt, chosen and rejected, or with an answer and its label; a file, a folder, a pattern, hf:ORG/NAME[:PATH], or feedback (what chat and annotate collected); may be repeated, with =0.5 to count half as much':
    '偏好：含 prompt、chosen 和 rejected 的行（JSONL、Parquet 等），或回答加标签；文件、目录、通配、hf:ORG/NAME[:PATH]，或 feedback（chat 和 annotate 收集的）；可重复，加 =0.5 表示权重减半',
  'preferences to decide on a promotion with, instead of holding some of --data out':
    '用来决定是否晋级的偏好，而不是从 --data 中留出一部分',
  'tasks with checks to sample answers to, instead of those of self-instruct':
    '带检查的任务，从中采样回答，而不用 self-instruct 的',
  'train low-rank adapters beside the frozen weights (the block align.lora), not all weights':
    '冻结权重，只训练旁边的低秩适配器（align.lora 块），而不是全部权重',
};
