// What src/checkpoint/ says, in Chinese, part 2.
import type { Catalog } from '../messages.js';

export const checkpoint2: Catalog = {
  'Join them: python {1} {2} {3} --safe_serialization. Put config.json and the tokenizer beside them':
    '请合并它们：python {1} {2} {3} --safe_serialization，并把 config.json 和分词器放在旁边',
  'Join them: accelerate merge-weights {1} {2}. Put config.json and the tokenizer beside them':
    '请合并它们：accelerate merge-weights {1} {2}，并把 config.json 和分词器放在旁边',
  'the weights are in several files, but {1} is missing': '权重在几个文件里，而缺少 {1}',
  'it says which tensor is in which; there are {1}': '它说明哪个张量在哪个文件；这里有 {1}',
  'Fetch {1} from where these files come from': '请从这些文件的来处取得 {1}',
  'the weights are not called {1}': '权重不叫 {1}',
  'there is only {1}': '只有 {1}',
  'If these are the weights of the whole model, rename them: mv {1}': '如果这就是整个模型的权重，请改名：mv {1}',
  'it has {1}': '它有 {1}',
  'this model folder has no {1}': '这个模型目录没有{1}',
  weights: '权重',
  ', but no {1}, nor shards with {2}': '，但没有 {1}，也没有带 {2} 的分片',
  'it has {1}{2}': '它有 {1}{2}',
  'Name it as the hub does, and it is fetched whole: hf:ORG/NAME': '请像 hub 那样指明它，就会完整下载：hf:ORG/NAME',
  'these weights are a Python pickle, which is a program and not only numbers':
    '这些权重是 Python pickle，那是程序而不只是数字',
  'only safetensors files are read ({1}, or shards with {2})': '只读 safetensors 文件（{1}，或带 {2} 的分片）',
  "Convert it with Python: transformers' from_pretrained(…) and then save_pretrained(…) write safetensors":
    '请用 Python 转换：transformers 的 from_pretrained(…) 再 save_pretrained(…) 会写出 safetensors',
  'this is a model exported for another library': '这是为别的库导出的模型',
  'Use the model folder that it was made from, with config.json, safetensors and tokenizer.json':
    '请用它所源自的模型目录，含 config.json、safetensors 和 tokenizer.json',
  'this is a GGUF file, which is written here but not read as a model': '这是 GGUF 文件，这里会写它，但不作为模型读取',
  'only its header is read: mossctl inspect {1} shows it': '只读它的文件头：mossctl inspect {1} 可查看',
  'Use the model folder that {1} was made from, with config.json, safetensors and tokenizer.json':
    '请用 {1} 所源自的模型目录，含 config.json、safetensors 和 tokenizer.json',
  'this is an archive': '这是归档文件',
  'Unpack it, and name the folder with config.json in it': '请解开它，再指明其中含 config.json 的目录',
  'this is a file of a model': '这是模型的一个文件',
  'Name its folder: {1}': '请指明它的目录：{1}',
  'a model folder has {1} and {2} beside the weights': '模型目录除权重外还有 {1} 和 {2}',
  'If it is a model of {1}, write {2}': '如果它是 {1} 的模型，请写 {2}',
  '{1}, … ({2} in all)': '{1}、…（共 {2}）',
  'this checkpoint cannot be resumed': '这个检查点不能续训',
  'it was saved without its training state': '它保存时没有训练状态',
  'Start a new stage from it with --from': '请用 --from 由它开始新的阶段',
  'Use --dtype f32': '请用 --dtype f32',
  'Use --dtype bf16 or --dtype f32': '请用 --dtype bf16 或 --dtype f32',
  '{1} does not fit into {2}: {3} of {4} numbers would become infinite':
    '{1} 放不进 {2}：{4} 个数中有 {3} 个会变成无穷',
  'the largest is {1}; {2} ends at {3}': '最大的是 {1}；{2} 到 {3} 为止',
  'this checkpoint was deleted while it was read': '这个检查点在读取时被删除',
  'a training that is running keeps only some of its checkpoints (keep)': '正在进行的训练只保留一部分检查点（keep）',
  'Name the folder of the stage or run instead, for its newest one, or train with --keep last=N':
    '请改为指明阶段或运行的目录，以取其最新的检查点，或训练时用 --keep last=N',
  'tensor name {1} is used twice or reserved': '张量名 {1} 用了两次或是保留名',
  'tensor {1}: shape [{2}] does not hold {3} numbers': '张量 {1}：形状 [{2}] 装不下 {3} 个数',
  'it has {1} bytes, fewer than the 8 that any such file begins with': '它有 {1} 字节，少于这种文件开头必有的 8 个',
  'its header claims {1} bytes; {2} is the limit': '它的文件头声称 {1} 字节；上限是 {2}',
  'its header claims {1} bytes but the file ends after {2}: truncated':
    '它的文件头声称 {1} 字节，而文件在 {2} 之后结束：被截断',
  '__metadata__ is not a map of strings': '__metadata__ 不是字符串的映射',
  'its header does not begin with "{"': '它的文件头不以 "{" 开头',
  'its header is not valid JSON ({1})': '它的文件头不是有效的 JSON（{1}）',
  'its header names {1} twice': '它的文件头把 {1} 写了两次',
  'its header entry for {1} is malformed': '它的文件头中 {1} 的条目格式有误',
  'tensor {1} has dtype {2}; only {3} can be read': '张量 {1} 的 dtype 是 {2}；只能读 {3}',
  'If these are quantized weights, use the unquantized model': '如果这是量化的权重，请用未量化的模型',
  'Save the model again in one of these': '请用其中一种重新保存模型',
  'tensor {1} of shape [{2}] needs {3} bytes, not {4}': '形状 [{2}] 的张量 {1} 需要 {3} 字节，而不是 {4}',
  'overlaps another': '与另一个重叠',
  'leaves a hole before it': '前面留有空洞',
  'tensor {1} {2}': '张量 {1} {2}',
  '{1} bytes of tensors were announced, {2} are there: truncated': '应有 {1} 字节的张量，实际有 {2}：被截断',
  '{1} bytes follow the last tensor': '最后一个张量之后还有 {1} 字节',
  'this safetensors file is damaged': '这个 safetensors 文件已损坏',
  'Use another checkpoint, or fetch or make this file again': '请用另一个检查点，或重新下载或生成这个文件',
  'this is a Git LFS pointer, not the file itself': '这是 Git LFS 的指针，不是文件本身',
  'Fetch the file: git lfs install, then git lfs pull in its folder':
    '请取回文件：在它的目录里 git lfs install，再 git lfs pull',
  'there is not enough memory for these weights': '内存装不下这些权重',
  'one tensor alone takes {1} bytes': '仅一个张量就占 {1} 字节',
  'Use a smaller model': '请用更小的模型',
  'the system could not write it ({1})': '系统无法写入它（{1}）',
  '{1} is not a name for a tokenizer file': '{1} 不能作分词器文件的名字',
  'a checkpoint cannot be written here': '不能在这里写检查点',
  'the folder holds something else': '目录里有别的东西',
  'the folder holds a checkpoint of another stage': '目录里有另一个阶段的检查点',
  'Choose another folder with --out, or move this one away': '请用 --out 另选目录，或把这个移走',
  '{1} has another chat_template than the one beside it, and older tools read that':
    '{1} 的 chat_template 与旁边的不同，而较旧的工具读前者',
  'token {1} is {2}, and was {3} in training': '词元 {1} 是 {2}，训练时是 {3}',
  '{1} would be decoded to nothing: its kind is {2}, not 4': '{1} 会被解码成空：它的类型是 {2}，不是 4',
  'it has no chat template': '它没有对话模板',
  'this model would not be served as it was trained': '这个模型部署后会与训练时不同',
  'Export the checkpoint as its training saved it, or fine-tune it with the template that is to be served; --no-replay exports it as it is':
    '请按训练保存的样子导出检查点，或用要部署的模板微调；--no-replay 按现状导出',
  'it ends after {1} bytes: truncated': '它在 {1} 字节后结束：被截断',
  'not the plain name of a safetensors file': '不是 safetensors 文件的普通名字',
  '{1} of {2} files of weights are missing': '{2} 个权重文件中缺 {1} 个',
  '{1} names {2}{3}': '{1} 写了 {2}{3}',
  'Fetch them from where the others come from, or name the model as the hub does, and it is fetched whole: hf:ORG/NAME':
    '请从其他文件的来处取得，或像 hub 那样指明模型，就会完整下载：hf:ORG/NAME',
  'its weight_map is empty': '它的 weight_map 为空',
  'tensor {1} is not in it, though {2} says so': '其中没有张量 {1}，而 {2} 说有',
  'it holds tensor {1}, which {2} places elsewhere': '它含有张量 {1}，而 {2} 把它放在别处',
  'Use an earlier step, or run the stage again': '请用较早的一步，或重新运行该阶段',
  'its {1} bytes are not the ones that were saved (sha256 differs)': '它的 {1} 字节不是保存时的（sha256 不符）',
  'a licence is missing': '缺少许可证',
  'whoever finds a model has to know what they may do with it, and what it was made from may have decided that':
    '找到模型的人需要知道可以用它做什么，而它所源自的内容可能已有规定',
  'Name it with --license, such as apache-2.0, mit or cc-by-nc-4.0 ({1}); one of your own is other:NAME':
    '请用 --license 写明，例如 apache-2.0、mit 或 cc-by-nc-4.0（{1}）；自定义的写 other:NAME',
  '--license {1} is no licence that the hub knows': '--license {1} 不是 hub 认识的许可证',
  'They are listed at {1}.': '列表见 {1}。',
  '{1} For one of your own write other:NAME': '{1}自定义的请写 other:NAME',
  'plain text, as pretraining reads it: every token but the first is predicted':
    '纯文本，按预训练读取：除第一个外每个词元都要预测',
  "one user's turn, and the opening of the answer that the model continues: a question carries no loss":
    '用户的一轮，以及模型要续写的回答开头：提问不计入损失',
  'training skips this row: {1}': '训练会跳过这一行：{1}',
  'training refuses this row: {1}': '训练会拒绝这一行：{1}',
  'an answer called {1}': '评为{1}的回答',
  'a pair: the answers are compared': '一对：比较两个回答',
  'an answer with a label': '带标签的回答',
  '{1}, {2}, after a prompt of {3}': '{1}，{2}，在 {3} 的提问之后',
  'this row has {1}': '这一行有 {1}',
  'training keeps {1} of {2} tokens': '训练保留 {2} 个词元中的 {1} 个',
  '{1} and loses {2}: the context holds {3}': '{1}，丢失 {2}：上下文只有 {3}',
  'only {1} of {2} answers carry loss': '{2} 个回答中只有 {1} 个计入损失',
  'answers end with {1}, but generation stops at {2} (generation_config.json)':
    '回答以 {1} 结束，而生成在 {2} 停止（generation_config.json）',
  good: '好',
  bad: '坏',
  '{1} is [{2}], config.json asks for [{3}]': '{1} 是 [{2}]，config.json 要 [{3}]',
  '{1} holds {2}': '{1} 含有 {2}',
  'a model with such a number in it computes nothing else; merging and converting to f16 can leave one behind':
    '含有这种数的模型算不出别的；合并和转成 f16 都可能留下一个',
  'Use the weights from before that, or an earlier checkpoint': '请用此前的权重，或较早的检查点',
  'these weights hold an adapter (LoRA) that is not merged': '这些权重含有未合并的适配器（LoRA）',
  'these weights are a mixture of experts, config.json describes a dense model':
    '这些权重是混合专家模型，而 config.json 描述的是稠密模型',
  'Use a dense Llama, Qwen2 or Qwen3 model': '请用稠密的 Llama、Qwen2 或 Qwen3 模型',
  'these weights see or hear, and only texts are read here': '这些权重能看或能听，而这里只读文本',
  'Use a Llama, Qwen2 or Qwen3 text model': '请用 Llama、Qwen2 或 Qwen3 的文本模型',
  "these weights have a value head, as TRL's reinforcement learning adds one":
    '这些权重有价值头，TRL 的强化学习会加上它',
  'Save the model without it: model.pretrained_model.save_pretrained(…)':
    '请保存不带它的模型：model.pretrained_model.save_pretrained(…)',
  'these weights score texts, config.json describes a model that writes them':
    '这些权重给文本打分，而 config.json 描述的是写文本的模型',
  'Set "architectures" in config.json to the name that ends with ForSequenceClassification':
    '请把 config.json 的 "architectures" 设为以 ForSequenceClassification 结尾的名字',
  'these weights normalize queries and keys, which the architecture in config.json does not':
    '这些权重对 query 和 key 做归一化，而 config.json 中的架构不做',
  'Use the config.json that belongs to them: Qwen3 models have such norms':
    '请用属于它们的 config.json：Qwen3 模型有这种归一化',
  'these weights have biases, config.json says that they have none': '这些权重有偏置，而 config.json 说没有',
  'Set "attention_bias": true in config.json': '请在 config.json 中设 "attention_bias": true',
  'these weights have biases that the architecture in config.json does not have':
    '这些权重有 config.json 中的架构所没有的偏置',
  'Use the config.json that belongs to them: Qwen2 models have biases for queries, keys and values':
    '请用属于它们的 config.json：Qwen2 模型的 query、key 和 value 有偏置',
  'these weights have biases in the MLP, which are not supported': '这些权重的 MLP 有偏置，不支持',
  'Use a model without them': '请用没有它们的模型',
  'these weights have layers that draft several tokens at once, which are not supported':
    '这些权重有一次预测多个词元的层，不支持',
  'Save the model without them': '请保存不带它们的模型',
  'the weights have {1} layers, config.json says num_hidden_layers {2}':
    '权重有 {1} 层，config.json 说 num_hidden_layers 是 {2}',
  'Use the config.json that belongs to the weights, or correct the field':
    '请用属于这些权重的 config.json，或改正该字段',
  'the weights do not fit the configuration': '权重与配置不符',
  'Use the config.json and the weights of one checkpoint together': '请使用同一个检查点的 config.json 和权重',
  'the weights have no output projection, and config.json says that the embedding is not used for it':
    '权重没有输出投影，而 config.json 说不用嵌入代替',
  'Set "tie_word_embeddings": true in config.json if the model has one matrix for both; else fetch or save it again':
    '如果模型两者共用一个矩阵，请在 config.json 中设 "tie_word_embeddings": true；否则请重新下载或保存',
  'the weights are incomplete': '权重不完整',
  'Fetch the model again, or save it again as a whole': '请重新下载模型，或重新完整保存',
  'these weights have the names of another architecture than config.json describes':
    '这些权重的名字属于另一种架构，而不是 config.json 所描述的',
  "Save the model again with transformers' save_pretrained(…)": '请用 transformers 的 save_pretrained(…) 重新保存模型',
  'a reward model cannot predict text': '奖励模型不能预测文本',
  '{1} has a score for a sequence in the place of probabilities for the next token':
    '{1} 给序列打分，而不是给下一个词元的概率',
  'Use the model that it was made from, or another …ForCausalLM': '请用它所源自的模型，或另一个 …ForCausalLM',
  'the model has no parameter {1}': '模型没有参数 {1}',
  'it found no GPU': '它没有找到 GPU',
  'no compute backend runs here as asked': '没有计算后端能按要求在这里运行',
  'the backend {1} cannot run here': '后端 {1} 不能在这里运行',
  'Type `mossctl doctor` to see every backend, or use `--backend auto`':
    '请运行 `mossctl doctor` 查看每个后端，或用 `--backend auto`',
  'backend {1}{2}': '后端 {1}{2}',
  'computes in fp32 only': '只能用 fp32 计算',
  'takes no thread count': '不接受线程数',
  'precision bf16': '精度 bf16',
  'the backend {1} ': '后端 {1}',
  'Omit {1}, or use `--backend native`': '请去掉 {1}，或用 `--backend native`',
  'it did not start': '它没有启动',
  'not installed': '未安装',
  'installed without its TensorFlow library': '已安装，但缺少 TensorFlow 库',
  'Type `mossctl native build --force`': '请运行 `mossctl native build --force`',
  'the native engine was built from other sources': 'native 引擎是由其他源码构建的',
  'no faster': '不会更快',
  '{1}, {2}, bf16 {3} than fp32': '{1}，{2}，bf16 比 fp32 {3}',
  'Use `--backend wasm`': '请用 `--backend wasm`',
  'the native engine does not load here': 'native 引擎在这里无法加载',
  'MOSSCTL_NATIVE names {1}, which does not exist': 'MOSSCTL_NATIVE 所指的 {1} 不存在',
  'Correct it or unset it': '请改正或取消设置',
  'the native engine is not made for {1} {2}': 'native 引擎不支持 {1} {2}',
  'It runs on Linux and macOS, x64 and arm64; elsewhere use `--backend wasm`':
    '它支持 Linux 和 macOS，x64 和 arm64；其他平台请用 `--backend wasm`',
  'the native engine is not built': '没有构建 native 引擎',
  'Type `mossctl native build`': '请运行 `mossctl native build`',
  'the native engine is not built: {1}': '没有构建 native 引擎：{1}',
  ': no faster than fp32 on this processor': '：在这个处理器上不比 fp32 快',
};
