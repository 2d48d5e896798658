// What src/self-instruct/ says, in Chinese.
import type { Catalog } from '../messages.js';

export const selfInstruct: Catalog = {
  'thought cut off before an answer': '思考在回答之前被截断',
  'Turn its thoughts off, or raise the limit, with selfInstruct.request, for example {reasoning_effort: low} or {max_tokens: 32768}':
    '请用 selfInstruct.request 关掉思考或调高上限，例如 {reasoning_effort: low} 或 {max_tokens: 32768}',
  'Check selfInstruct.model and OPENAI_BASE_URL (it mostly ends in /v1)':
    '请检查 selfInstruct.model 和 OPENAI_BASE_URL（多以 /v1 结尾）',
  'stopped while asking the teacher': '向教师提问时停止',
  'its thought did not end within the limit': '它的思考没有在上限内结束',
  'the method {1}: {2}': '方法 {1}：{2}',
  'the method {1} got nothing usable from the teacher in {2} of {3} replies':
    '方法 {1} 向教师提问 {3} 次，{2} 次没有得到可用的内容',
  'of one of them: {1}': '其中一个的：{1}',
  '{1}. What was usable is kept': '{1}。可用的会保留',
  ', or take it out of selfInstruct.methods': '，或从 selfInstruct.methods 中去掉',
  'A larger model may follow the format ({1}){2}': '更大的模型也许能按格式回答（{1}）{2}',
  '; programs set tasks of {1}, and keep its right answers': '；由程序出 {1} 的任务，并保留它答对的',
  'teacher: {1}, on this machine{2}; {3} kept as written': '教师：{1}，在本机{2}；{3} 原样保留',
  'kind {1} is your own: the checkpoint sets and answers its tasks, and no rule checks them':
    '种类 {1} 是您自己的：检查点既出题也回答，没有规则检查',
  'task longer than the context': '任务超出上下文',
  'answer cut off': '回答被截断',
  'wrong answer': '答案错误',
  'a base model answers no questions': '基座模型不会回答问题',
  '{1} was not fine-tuned on conversations': '{1} 没有在对话上微调过',
  'Name a checkpoint of sft or align, or an imported chat model': '请指明 sft 或 align 的检查点，或导入的对话模型',
  'Use a checkpoint with a longer context, or only kinds that are built in, by the methods families and cot: their tasks are short':
    '请用上下文更长的检查点，或只用内置的种类，采用 families 和 cot 方法：它们的任务很短',
  'stopped; run the same command again to continue': '已停止；再次运行同一命令可继续',
  'more than its share': '超过其份额',
  'the same question, or its operands, was there before': '此前已有同样的提问或操作数',
  'not new': '不够新',
  'answers contradict each other': '答案互相矛盾',
  'before: {1}': '之前：{1}',
  'again: {1}': '再次：{1}',
  'holds a task of the evaluation': '含有评测的任务',
  'answer nearly said before': '回答与此前几乎相同',
  'near: {1}': '近似：{1}',
  'prompt too short': '提问太短',
  'prompt too long': '提问太长',
  'prompt asks for what text cannot do': '提问要求文本做不到的事',
  'prompt unfinished': '提问不完整',
  'prompt in another language': '提问用了别的语言',
  'answer empty': '回答为空',
  'answer too long': '回答太长',
  'answer echoes the prompt': '回答重复提问',
  'answer unfinished': '回答不完整',
  'answer in another language': '回答用了别的语言',
  'answer is wrong': '回答错误',
  'answer fails its check': '回答没有通过检查',
  'answer repeats itself': '回答自我重复',
  'answer refuses': '回答拒绝了',
  'answer is boilerplate': '回答是套话',
  'student never right': '学生从未答对',
  'student always right': '学生总是答对',
  'right in {1} of {2} answers': '{2} 个回答中答对 {1} 个',
  '; {1} without a check were not asked': '；没有检查的 {1} 没有提问',
  'student: asked {1}, {2} always right, {3} never: {4} of {5} kept for training{6}':
    '学生：提问 {1}，{2} 总是答对，{3} 从未答对：保留 {5} 中的 {4} 用于训练{6}',
  'the method backtranslate has no passages to be answers': '方法 backtranslate 没有可作回答的段落',
  'this run has no corpus': '这次运行没有语料',
  'no paragraph of the corpus is prose of {1} to {2} words or Chinese characters':
    '语料中没有 {1} 到 {2} 个词或汉字的散文段落',
  'Add a data block whose sources hold prose, or leave backtranslate away from selfInstruct.methods':
    '请加上来源含散文的 data 块，或从 selfInstruct.methods 去掉 backtranslate',
  'method {1}: {2}': '方法 {1}：{2}',
  'offline teacher: built-in families only, which it computes or looks up ({1}); {2} kept as written; teacher: openai or checkpoint expands your own':
    '离线教师：只有它能计算或查到的内置族（{1}）；{2} 原样保留；teacher: openai 或 checkpoint 可扩写您自己的种类',
  'no facts to make {1} of: a data block whose sources hold some is missing; only seeds cover them':
    '没有可用来出 {1} 的事实：缺少含事实来源的 data 块；只有种子涵盖它们',
  'no answer': '没有回答',
  'use teacher: checkpoint or offline': '请用 teacher: checkpoint 或 offline',
  'the offline teacher cannot teach by {1}': '离线教师不能用 {1} 来教',
  'it computes and looks up, and these need a model that writes': '它只会计算和查找，而这些需要会写作的模型',
  'Use {1}.teacher: openai or checkpoint, or leave {2}.methods at families':
    '请用 {1}.teacher: openai 或 checkpoint，或让 {2}.methods 保持 families',
  'no checkpoint is named that could teach': '没有指明可作教师的检查点',
  'Name one: --set {1}.checkpoint=runs/quickstart/latest': '请指明：--set {1}.checkpoint=runs/quickstart/latest',
  'a budget in dollars needs the prices of the model': '以美元计的预算需要模型的价格',
  'they change, so mossctl knows none': '价格会变，因此 mossctl 一概不知',
  "Copy them from its price list, in USD per million tokens: --set '{1}.prices={input: 0.15, output: 0.6}'; or give --budget-tokens":
    "请照其价目表填写，单位为每百万词元的美元数：--set '{1}.prices={input: 0.15, output: 0.6}'；或用 --budget-tokens",
  'teacher: {1} answers from {2}, {3} from an earlier try': '教师：{1}个回答来自 {2}，{3} 来自先前的尝试',
  '{1} answered': '{1} 已答',
  '{1} whose answer was lost (counted in full)': '{1} 的答复丢失（按全额计）',
  '{1} that never left': '{1} 没有发出',
  ' ({1} of them now)': '（其中 {1} 在这次）',
  '{1} in the ledger: {2}; {3} tokens{4}{5}': '{2}的台账中有 {1}；{3} 词元{4}{5}',
  'teacher: {1} through an OpenAI-compatible endpoint; its answers are checked where a rule can':
    '教师：通过兼容 OpenAI 的端点使用 {1}；能用规则检查的回答都会检查',
  ' (the built-in one is called {1})': '（内置的叫 {1}）',
  'kind {1} is your own{2}: its tasks follow its seeds, and no rule checks their answers':
    '种类 {1} 是您自己的{2}：它的任务仿照种子，没有规则检查其回答',
  'no tasks in what the teacher said': '教师的话里没有任务',
  'it held no numbered tasks': '它没有编号的任务',
  'no answer in what the teacher said': '教师的话里没有回答',
  'it held no answer': '它没有回答',
  'seed task: {1}': '种子任务：{1}',
  'seed task: {1}: {2}': '种子任务：{1}：{2}',
  'no seed tasks': '没有种子任务',
  'Add rows such as {"id":"1","kind":"chat","language":"en","instruction":"Hello!","output":"Hello."}':
    '请加上 {"id":"1","kind":"chat","language":"en","instruction":"Hello!","output":"Hello."} 这样的行',
  'one question and its answer were expected, these are {1}': '应为一个提问及其回答，这里是 {1}',
  'tool calls': '工具调用',
  'a weight in the loss': '损失中的权重',
  'a seed has no place for {1}': '种子没有放{1}的地方',
  'the output of {1} does not pass its own check': '{1} 的输出没有通过它自己的检查',
  'prompts.jsonl (for align) has only tasks that a rule checks: none of {1}':
    'prompts.jsonl（供 align 用）只有规则能检查的任务：没有 {1} 的',
  'add a kind with a check such as arithmetic': '请加上带检查的种类，例如 arithmetic',
  'add families or cot to selfInstruct.methods': '请在 selfInstruct.methods 中加上 families 或 cot',
  'no rule checks tasks of {1}, so none of the {2} prompts for align is made: {3}, or set selfInstruct.prompts=0':
    '没有规则检查 {1} 的任务，因此供 align 的 {2} 个提问一个也不会生成：{3}，或设 selfInstruct.prompts=0',
  '{1}: {2} of {3} wanted': '{1}：得到 {2}，想要 {3}',
  'only the seeds cover {1}: the {2} teacher cannot make them': '只有种子涵盖 {1}：{2} 教师不能生成',
  'made {1} of {2} tasks: {3}': '生成了 {2} 个任务中的 {1} 个：{3}',
  'nothing more by {1}': '{1} 再没有新的',
  'no new ones found in {1}': '在 {1} 中找不到新的',
  'Add seeds or facts': '请增加种子或事实',
  'Choose other methods, or another teacher': '请另选方法，或另选教师',
  'made {1} of {2} tasks{3}. {4}': '生成了 {2} 个任务中的 {1} 个{3}。{4}',
  'no new tasks found in {1}; the other families made up for it': '在 {1} 中找不到新任务；由其他族补足',
  'Did you mean {1}? ': '是不是 {1}？',
  'the offline teacher makes no tasks of kind {1}': '离线教师不生成 {1} 类的任务',
  'it serves {1}': '它支持 {1}',
  '{1}For kinds of your own use selfInstruct.teacher: openai (any endpoint) or checkpoint (a chat model of yours), or name in selfInstruct.kinds those to use':
    '{1}自己的种类请用 selfInstruct.teacher: openai（任意端点）或 checkpoint（您的对话模型），或在 selfInstruct.kinds 中写明要用的',
  'no seed task of kind {1}': '没有 {1} 类的种子任务',
  'Add at least one seed of that kind, or take it out of selfInstruct.kinds':
    '请至少加一条该类的种子，或从 selfInstruct.kinds 中去掉',
  'the {1} teacher can make none of: {2}': '{1} 教师一个也不能生成：{2}',
  'Add a data block (for facts to look up), choose other kinds, or use teacher: openai or checkpoint':
    '请加上 data 块（提供可查的事实），另选种类，或用 teacher: openai 或 checkpoint',
  'your 1 seed is': '您的 1 条种子',
  'your {1} seeds are': '您的 {1} 条种子',
  '{1} of your {2} seeds (half of selfInstruct.count) are': '您的 {2} 条种子中的 {1} 条（selfInstruct.count 的一半）',
  '{1} of {2} tasks are kept apart for align: it takes only tasks with a check, such as those of kind arithmetic or language':
    '{2} 个任务中留 {1} 个给 align：它只用带检查的任务，例如 arithmetic 或 language 类',
  'dropped: {1}; each with its reason in {2}, beside the rows': '已丢弃：{1}；各自的原因见行文件旁的 {2}',
  'the {1} teacher made no usable task': '{1} 教师没有生成可用的任务',
  'what was dropped: {1}': '丢弃了什么：{1}',
  'Raise selfInstruct.maxSimilarity, add seeds, or use another teacher':
    '请调高 selfInstruct.maxSimilarity，增加种子，或另选教师',
  '{1} to say it in the other language; {2} are in both languages': '{1} 用另一种语言再说一遍；{2} 含两种语言',
  '; {1} more are too long for a second exchange (selfInstruct.turns.maxTokens)':
    '；另有 {1} 太长，放不下第二轮（selfInstruct.turns.maxTokens）',
  '{1} of {2} have {3} exchanges: {4}{5}': '{2}中有 {1} 含 {3} 轮：{4}{5}',
  '2 to {1}': '2 到 {1}',
  'with tools and without': '有工具和没有工具',
  'held out: {1} of its calls are right ones, {2} of the right ones are made, {3} of them with the right arguments':
    '留出：它的调用 {1} 正确，该有的调用做了 {2}，其中 {3} 参数正确',
  'right final answers where a call is right: {1}, without tools {2}; where none is: {3}, without tools {4}':
    '该调用工具时最终答对：{1}，没有工具 {2}；不该调用时：{3}，没有工具 {4}',
  'stopped while making exercises; the next run makes the same ones': '生成练习时停止；下次运行会生成同样的',
  'making exercises': '生成练习',
  'none: {1}': '无：{1}',
  'to learn': '供学习',
  '{1} {2}: a call is right in {3}, none in {4}; of the questions made for tools the student answers {5} alone, and {6} now and then, which are skipped':
    '{1} {2}：{3} 该调用，{4} 不该；为工具出的题目中，学生自己答对 {5}，时对时错 {6}（跳过）',
  'there is no question to teach a call for ({1})': '没有可用来教调用的题目（{1}）',
  'of {1} exercises, the tools gave no answer to {2}, the student answers {3} alone and {4} now and then':
    '{1} 个练习中，工具没有给出 {2} 个的答案，学生自己答对 {3} 个，时对时错 {4} 个',
  'Raise toolUse.count or toolUse.callBelow, or name other toolUse.tools':
    '请调大 toolUse.count 或 toolUse.callBelow，或另选 toolUse.tools',
  'asking the student': '正在提问学生',
  'the corpus has {1} couplets to search, and {2} are needed': '语料中有 {1} 联可供搜索，需要 {2} 联',
  'poems are taken from sources with facts: poem-line': '诗取自含事实的来源：poem-line',
  'Add such a source to the data-spec, or set toolUse.search=notes':
    '请在 data-spec 中加上这样的来源，或设 toolUse.search=notes',
};
