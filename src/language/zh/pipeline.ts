// What src/pipeline/ says, in Chinese.
import type { Catalog } from '../messages.js';

export const pipeline: Catalog = {
  'the {1} block (no --config gives one)': '{1} 块（没有 --config 给出它）',
  'there is no packaged pipeline called {1}': '没有叫 {1} 的内置流水线',
  'there is no such pipeline file': '没有这个流水线文件',
  'the packaged ones are: {1}': '内置的有：{1}',
  'Give one of these names, or the path of a YAML file': '请给其中一个名字，或一个 YAML 文件的路径',
  'Did you mean "{1}"?': '是不是“{1}”？',
  'took over a lock that is damaged and names no process': '接管了一个已损坏、没有写明进程的锁',
  'process {1}': '进程 {1}',
  'delete {1} if that process is no mossctl': '若那个进程不是 mossctl，请删除 {1}',
  'took over the lock of an earlier version, whose {1} is gone': '接管了早期版本留下的锁，其{1}已不在',
  'took over the lock of {1}, which gave no sign of life for {2} s': '接管了{1}的锁，它已 {2} 秒没有动静',
  'stopped while {1} held {2}': '停止了，因为{1}占用着 {2}',
  'stop it': '请先停止它',
  'another mossctl is working in this folder': '另一个 mossctl 正在这个目录里工作',
  '{1} holds it': '{1}占用着它',
  'Wait for it, choose another folder with --out, or {1}': '请等它结束，用 --out 另选目录，或{1}',
  'another mossctl has taken this folder over': '另一个 mossctl 接管了这个目录',
  'this one gave no sign of life for too long, as when it is suspended; it stopped without saving, so that the two do not mix':
    '本进程太久没有动静（例如被挂起）；为免两者混在一起，已停止且没有保存',
  'Let the other one finish: it resumes from what was saved here': '请让另一个完成：它会从这里保存的内容继续',
  'pretraining that continues from a checkpoint needs a run folder of its own':
    '从检查点继续的预训练需要自己的运行目录',
  'the checkpoint lies in this one, where the new training would take its place':
    '检查点就在这个目录里，新的训练会占据它的位置',
  '--from names a parent, but this run trains a base model from scratch':
    '--from 指明了父模型，而这次运行从头训练基座模型',
  'Remove the pretrain block (--set pretrain=null), or continue its pretraining: --set pretrain.from=CHECKPOINT in place of --from':
    '请去掉 pretrain 块（--set pretrain=null），或继续它的预训练：用 --set pretrain.from=CHECKPOINT 代替 --from',
  'pretrain.from brings its own tokenizer, but the tokenizer block trains another':
    'pretrain.from 自带分词器，而 tokenizer 块又要训练一个',
  "Remove the block (--set tokenizer=null), or extend the checkpoint's tokenizer: --set tokenizer.extend=CHECKPOINT":
    '请去掉该块（--set tokenizer=null），或扩充检查点的分词器：--set tokenizer.extend=CHECKPOINT',
  'the output of {1}': '{1} 的输出',
  'name a checkpoint with --from CHECKPOINT': '请用 --from CHECKPOINT 指明检查点',
  'give a --config that has all the blocks (--config quickstart)':
    '请给一个含有所有块的 --config（--config quickstart）',
  '{1} needs {2}{3}': '{1} 需要{2}{3}',
  '{1} holds none yet': '{1} 里还没有',
  'Run "{1}" first, or {2}': '请先运行“{1}”，或{2}',
  '{1}.{2} names a file that does not exist: {3}': '{1}.{2} 指的文件不存在：{3}',
  '{1} has no preview': '{1} 没有预览',
  'what it said is lost': '它的内容已丢失',
  'its copy takes its place': '由它的副本代替',
  'was damaged': '已损坏',
  'is of another stage': '属于另一个阶段',
  'it is kept as {1}': '它另存为 {1}',
  'it now points to {1}': '现在指向 {1}',
  '{1} pointed to {2}, which no stage of this run made: {3}': '{1} 曾指向 {2}，那不是本次运行的任何阶段产生的：{3}',
  'this folder is in the way': '这个目录挡住了',
  'the stage works in it, but it holds files that mossctl did not write':
    '该阶段要在其中工作，但里面有不是 mossctl 写的文件',
  'Choose another run folder with --out': '请用 --out 另选运行目录',
  'it was never started in {1}': '它从未在 {1} 中开始',
  'it has already finished with these settings': '它已按这些设置完成',
  'the try that is there had other settings or inputs': '那里的一次尝试用的是其他设置或输入',
  'other tasks': '其他任务',
  'another model': '另一个模型',
  'the weights come from it': '权重来自它',
  'the order of the data and every random draw follow from it': '数据的顺序和每次随机抽取都由它决定',
  'another one': '另一个',
  'the weights belong to its ids': '权重对应它的 id',
  '{1} cannot resume with {2}: {3}': '{1} 不能带着{2}续跑：{3}',
  '{1}, so no --override can change it': '{1}，因此任何 --override 都不能改变它',
  'Run the same command without --resume: it starts afresh, and what is there is kept beside it':
    '请不带 --resume 运行同一命令：它会重新开始，原有的内容保留在旁边',
  '{1} was begun with other settings or data': '{1} 开始时用的是其他设置或数据',
  'To resume with the new ones from the step it is at, add {1}; to start afresh beside it, omit --resume':
    '要从所在的步用新设置续跑，请加上 {1}；要另外重新开始，请去掉 --resume',
  'there is no setting called {1}': '没有叫 {1} 的设置',
  'Name a key as --set does (pretrain.train.batchSize), or data':
    '请像 --set 那样写键（pretrain.train.batchSize），或写 data',
  'not set': '未设',
  'there is no interrupted {1} to resume': '没有中断的 {1} 可续跑',
  'Run the same command without --resume': '请不带 --resume 运行同一命令',
  'this pipeline has no stage to run': '这条流水线没有要运行的阶段',
  'it has none of the blocks {1}': '它没有 {1} 中的任何一块',
  'Start from a packaged one: mossctl run quickstart': '请从内置的开始：mossctl run quickstart',
  'waiting for a sign of life of {1}': '正在等待{1}的动静',
  'stopped before {1}': '在 {1} 之前停止',
  'settings or inputs of {1} changed: it starts afresh, what was there is kept in {2}':
    '{1} 的设置或输入有变：重新开始，原有的保留在 {2}',
  'it was refused before anything came of it': '它在产生任何结果之前就被拒绝了',
  '{1} is no longer the model that {2} started from, so it is not measured beside it':
    '{1} 已不是 {2} 所始于的模型，因此不在它旁边测量',
  '{1}, which {2} started from, is not measured beside it: {3}': '{2} 所始于的 {1} 不在它旁边测量：{3}',
  'unchanged since it finished': '完成之后没有变化',
  'rebuilt because it changed on disk: {1}': '因在磁盘上被改动而重建：{1}',
  '{1} is not the checkpoint that {2} finished with here, so nothing is built on it':
    '{1} 不是 {2} 在这里完成时的检查点，因此不在它之上继续',
  'it has finished, and none of what changed gives it more to do': '它已经完成，改动的设置没有给它更多可做的',
  'Give it more steps: --set {1}.train.steps=N --override {2}.train.steps':
    '多给它一些步数：--set {1}.train.steps=N --override {2}.train.steps',
};
