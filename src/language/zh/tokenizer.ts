// What src/tokenizer/ says, in Chinese.
import type { Catalog } from '../messages.js';

export const tokenizer: Catalog = {
  '{1} gives {2} the id {3}, by tokenizer.json it is {4}{5}: the latter counts, as in transformers':
    '{1} 给 {2} 的 id 是 {3}，而 tokenizer.json 里是 {4}{5}：以后者为准，与 transformers 相同',
  'the files beside tokenizer.json add {1} as token {2}{3}, but the model has {4} rows: it stays ordinary text':
    'tokenizer.json 旁的文件把 {1} 加为词元 {2}{3}，但模型只有 {4} 行：它仍是普通文本',
  'this table of added tokens cannot be read': '这张附加词元表无法读取',
  'Correct it, or save the tokenizer again with transformers': '请改正它，或用 transformers 重新保存分词器',
  'no token ends the answer': '没有词元结束回答',
  '{1} after an answer carries no loss': '回答之后的 {1} 不计损失',
  '{1}: the model does not learn to stop': '{1}：模型学不会停下',
  'the tokenizer puts {1} around a text, and in training {2}': '分词器在文本两边放 {1}，训练时是 {2}',
  '{1} ends the answer, and generation does not stop there (eos_token_id {2})':
    '{1} 结束回答，但生成不在那里停下（eos_token_id {2}）',
  'these are no sample conversations of mossctl': '这些不是 mossctl 的样例对话',
  'Make or fetch the checkpoint again; without the file its template is not checked':
    '请重新制作或获取检查点；没有这个文件就不核对它的模板',
  'they have more than {1} MiB': '它们超过 {1} MiB',
  'it changes what comes before a call once its result is there': '有了结果以后，它会改动调用之前的内容',
  'it writes no {1} after a call': '它在调用之后不写 {1}',
  'the chat template writes no token after an answer': '对话模板在回答之后不写任何词元',
  'no token of this tokenizer': '不是这个分词器的词元',
  'not what ends a turn': '不是结束一轮的词元',
  'the chat template ends an answer with {1}, which is {2}': '对话模板用 {1} 结束回答，它{2}',
  'the chat template changes what comes before an answer once it is there': '有了回答以后，对话模板会改动它之前的内容',
  'the chat template writes no {1} after this answer': '对话模板在这个回答之后不写 {1}',
  'the chat template writes earlier turns otherwise once others follow, so weights of messages have no place':
    '后面有别的轮次时，对话模板会改写较早的轮次，因此消息的权重无处可放',
  'it contains a private-use character that we need ourselves': '它含有我们自己要用的私用区字符',
  'it is longer than {1} characters': '它超过 {1} 个字符',
  'the tokenizer to extend': '要扩充的分词器',
  '{1} tokens cannot be added to {2}': '无法给 {2} 添加 {1} 个词元',
  'Choose a whole number from 1 to {1}': '请选 1 到 {1} 的整数',
  'Name special tokens of the tokenizer that answers are to write, such as <|sep|>':
    '请指明回答要写出的分词器特殊词元，例如 <|sep|>',
  '{1} is no token of this tokenizer': '{1} 不是这个分词器的词元',
  'it begins or ends turns or texts: an answer that holds it would be two':
    '它是轮次或文本的开头或结尾：含有它的回答就成了两个',
  '{1} cannot be kept inside answers': '{1} 不能留在回答里',
  'this names no token': '它没有指明词元',
  'a text was expected, or an object with content and flags, as transformers writes them':
    '应为文本，或像 transformers 那样带有内容和标志的对象',
  'Correct or remove that entry': '请改正或去掉那一项',
  'this is no list of tools': '这不是工具列表',
  'Write [{"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}, …], or delete it':
    '请写成 [{"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}, …]，或删除它',
  'it has more than {1} MiB': '它超过 {1} MiB',
  'the schema of {1} is nested deeper than {2}': '{1} 的模式嵌套超过 {2} 层',
  'the vocabulary of {1} is not here': '这里没有 {1} 的词表',
  'it comes with the package gpt-tokenizer, which is only needed to compare':
    '它随 gpt-tokenizer 包提供，只在比较时需要',
  'Install it: npm install --no-save gpt-tokenizer@4.0.0': '请安装：npm install --no-save gpt-tokenizer@4.0.0',
  '{1} is not used: {2}': '没有使用 {1}：{2}',
  'Change the conversation: templates mostly refuse system messages, tools or an order of roles':
    '请修改对话：模板多半拒绝系统消息、工具或某种角色顺序',
  "Fix chat_template.jinja, or chat_template in tokenizer_config.json, of the model's folder":
    '请修正模型目录里的 chat_template.jinja，或 tokenizer_config.json 里的 chat_template',
  'the chat template refuses this conversation': '对话模板拒绝这段对话',
  'the chat template does not work': '对话模板不能用',
  'this model has no chat template': '这个模型没有对话模板',
  'it is a base model, or the file was left behind: how turns are written cannot be guessed':
    '它是基座模型，或文件没有一起带来：轮次怎样书写无法猜测',
  'Put one into its folder as chat_template.jinja': '请在它的目录里放一个 chat_template.jinja',
  "this model's chat template cannot be used with tools": '这个模型的对话模板不能用于工具',
  'Go without them (--no-tools), or use a model whose template has tools, such as one that mossctl sft has made':
    '请不用工具（--no-tools），或用模板支持工具的模型，例如 mossctl sft 做出的模型',
  'this chat template is not used': '没有使用这个对话模板',
  'Put a template that works into the folder as chat_template.jinja': '请在目录里放一个可用的模板 chat_template.jinja',
  'it refuses a conversation of one user and one assistant': '它拒绝一个用户和一个助手的对话',
  'it omits what the assistant said': '它略去了助手说的话',
  'it takes more than {1} seconds': '它用时超过 {1} 秒',
  'it failed: {1}': '它失败了：{1}',
  'it ended its worker': '它使工作线程结束',
  '{1} names Python code for its tokenizer (auto_map): it is not run, ids are those of {2}':
    '{1} 为分词器指明了 Python 代码（auto_map）：不会运行，id 以 {2} 为准',
  '{1} has split_special_tokens: transformers reads special tokens as text there, here they stay tokens':
    '{1} 有 split_special_tokens：transformers 在那里把特殊词元当文本读，这里仍是词元',
  '{1} has fast_tokenizer_files: transformers may read another file than {2}':
    '{1} 有 fast_tokenizer_files：transformers 读的可能不是 {2}',
  'this folder has a chat template tool_use, which transformers takes for conversations with tools: the default one is used for all':
    '这个目录有名为 tool_use 的对话模板，transformers 用它处理带工具的对话：这里一律用默认的',
  'the chat template is {1}/default.jinja, which is not copied: name it {2}':
    '对话模板是 {1}/default.jinja，它不会被复制：请改名为 {2}',
  'the chat template is that of {1}, which transformers reads for processors alone: save it as {2}':
    '对话模板是 {1} 的，transformers 只为处理器读它：请存为 {2}',
  'chat_template is neither a string nor a list with one that is named default':
    'chat_template 既不是字符串，也不是含有名为 default 一项的列表',
  'Keep one template, as a string': '请只留一个模板，写成字符串',
  'larger than {1} MiB': '大于 {1} MiB',
  '{1} is not supported; only null is': '不支持 {1}；只支持 null',
  'an object from tokens to ids was expected': '应为从词元到 id 的对象',
  'a list of at most {1} merges was expected': '应为至多 {1} 条合并的列表',
  'this decoder is not supported; only ByteLevel is (SentencePiece models, as Llama 2 and TinyLlama, have another)':
    '不支持这种解码器；只支持 ByteLevel（SentencePiece 模型，如 Llama 2 和 TinyLlama，用的是另一种）',
  'only BPE models are supported': '只支持 BPE 模型',
  'BPE dropout is not supported': '不支持 BPE dropout',
  'continuing_subword_prefix is not supported': '不支持 continuing_subword_prefix',
  'end_of_word_suffix is not supported': '不支持 end_of_word_suffix',
  'this {1} is not supported': '不支持这个 {1}',
  'supported are: {1}; another would give other ids': '支持的有：{1}；换成别的会得到别的 id',
  'Use a model with one of these, or train a tokenizer with mossctl tokenizer train':
    '请用有其中之一的模型，或用 mossctl tokenizer train 训练分词器',
  'the added tokens {1} and {2} are one text once normalized': '附加词元 {1} 和 {2} 规范化后是同一段文本',
  'this tokenizer.json contradicts itself': '这个 tokenizer.json 自相矛盾',
  'Get or train it again': '请重新获取或训练',
  'an id from 0 to {1} was expected': '应为 0 到 {1} 的 id',
  'more than {1} tokens': '超过 {1} 个词元',
  'two added tokens have the same content': '两个附加词元内容相同',
  'token {1} has the ids {2} and {3}': '词元 {1} 有 {2} 和 {3} 两个 id',
  'added_tokens are not in the order of their ids: {1} comes late': 'added_tokens 没有按 id 排列：{1} 来得晚了',
  'token {1} is {2} characters long': '词元 {1} 长达 {2} 个字符',
  'two tokens have the id {1}': '有两个词元的 id 都是 {1}',
  'it has {1} tokens, but none with the id {2}': '它有 {1} 个词元，但没有 id 为 {2} 的',
  'its tokens have more than {1} bytes': '它的词元超过 {1} 个字节',
  'token {1} has characters outside the byte alphabet': '词元 {1} 含有字节字母表以外的字符',
  'token {1} is empty': '词元 {1} 是空的',
  'it has no token for byte {1}, so text would be lost': '它没有表示字节 {1} 的词元，因此会丢失文本',
  'merge {1} needs token {2}, which is not there': '合并 {1} 需要词元 {2}，但没有它',
  'merge {1} is no pair of tokens': '合并 {1} 不是一对词元',
  'merge {1}, {2}, comes twice': '合并 {1}（{2}）出现了两次',
  'the chat template {1} needs the tokens {2}': '对话模板 {1} 需要词元 {2}',
  'this tokenizer has none of that name, and a model without them cannot end a turn':
    '这个分词器没有这样的词元，而没有它们的模型无法结束一轮',
  'Train a tokenizer with tokenizer.template={1}, or leave the template as it is':
    '请用 tokenizer.template={1} 训练分词器，或不改模板',
  'there is no token {1}': '没有词元 {1}',
  'there is no text to train a tokenizer on': '没有可用来训练分词器的文本',
  'every document was empty': '每份文档都是空的',
  'Check the paths and filters of the data-spec': '请检查 data-spec 的路径和过滤器',
  '{1} reserved tokens are not possible': '不可能有 {1} 个预留词元',
  'Choose a whole number from 0 to {1}': '请选 0 到 {1} 的整数',
  '{1} control tokens and marks and 256 bytes': '{1} 个控制词元和标记，以及 256 个字节',
  'a vocabulary of {1} tokens is not possible': '不可能有 {1} 个词元的词表',
  'it holds {1} before anything is learnt': '什么都还没学，它就已含有 {1}',
  'Choose a whole number from {1} to {2}': '请选 {1} 到 {2} 的整数',
  '{1} whole characters do not fit a vocabulary of {2} tokens': '{1} 个完整字符放不进 {2} 个词元的词表',
  'with the beginnings that they share they take {1}': '连同它们共有的开头，共占 {1} 个',
  'Raise tokenizer.vocabSize or lower tokenizer.characterCoverage':
    '请增大 tokenizer.vocabSize，或减小 tokenizer.characterCoverage',
  "transformers 5.24 opens this folder with {1} ({2}), which has rules of its own in the place of tokenizer.json's":
    'transformers 5.24 用 {1}（{2}）打开这个目录，它用自己的规则代替 tokenizer.json 的',
  'ids are those of tokenizer.json here': '这里的 id 以 tokenizer.json 为准',
  'no setting changes that: compare before the model is served with transformers or vLLM':
    '没有设置能改变这一点：用 transformers 或 vLLM 提供服务之前请先比较',
  '"tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json makes both the same':
    '在 tokenizer_config.json 里写 "tokenizer_class": "PreTrainedTokenizerFast" 可使两者相同',
  '{1}, perhaps with other ids for the same text; {2}; {3}': '{1}，同一段文本的 id 可能不同；{2}；{3}',
  '{1}: {2} of {3} texts tried get other ids there, {4} for one; {5}; {6}':
    '{1}：试了 {3} 段文本，其中 {2} 段在那里得到不同的 id，例如 {4}；{5}；{6}',
  '{1} says {2} {3}, {4} {5}{6}: the latter counts, as in transformers, because it has added_tokens_decoder':
    '{1} 说 {2} {3}，{4} {5}{6}：以后者为准，与 transformers 相同，因为它有 added_tokens_decoder',
  'this tokenizer has {1}, from 0': '这个分词器有 {1} 个，从 0 起',
};
