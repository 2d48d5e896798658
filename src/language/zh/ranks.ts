// What is said of several processes that train together, in Chinese.
import type { Catalog } from '../messages.js';

export const ranks: Catalog = {
  '{1} processes were started together, and the MPI library sees {2}': '一同启动了 {1} 个进程，而 MPI 库只看到 {2} 个',
  'the launcher is of another MPI than the library, which is {1}': '启动器与库不属于同一种 MPI，库是 {1}',
  'Start it with the mpirun of that library (mpirun.openmpi, mpirun.mpich), or with srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)':
    '请用该库自己的 mpirun（mpirun.openmpi、mpirun.mpich）启动，或用 srun --mpi=pmix（Open MPI）、--mpi=pmi2（MPICH）',
  'several processes train together through koffi, which is not installed': '多个进程一同训练需要 koffi，它没有安装',
  'it is optional: nothing else needs it': '它是可选的：别的都不需要它',
  'Run `npm install koffi@3.3.4` beside mossctl (with -g where mossctl is installed so)':
    '请在 mossctl 旁运行 `npm install koffi@3.3.4`（若 mossctl 用 -g 安装，也加 -g）',
  'this MPI library is of a kind that is not known here': '这里不认识这种 MPI 库',
  'it says that it is {1}': '它自称是 {1}',
  'Use Open MPI, MPICH, or one that follows the ABI of MPICH (Intel MPI, MVAPICH)':
    '请用 Open MPI、MPICH，或与 MPICH 二进制兼容的库（Intel MPI、MVAPICH）',
  'no MPI library was found': '没有找到 MPI 库',
  'none of {1} can be loaded': '{1} 都无法加载',
  'Install one (apt install openmpi-bin, or mpich), or name its folder in LD_LIBRARY_PATH':
    '请安装一个（apt install openmpi-bin 或 mpich），或在 LD_LIBRARY_PATH 中写明它的文件夹',
  'rank {1} of {2} failed': '{2} 个进程中的第 {1} 号失败了',
  'the ranks are no longer at the same point of the work': '各进程已不在工作的同一处',
  'one does what the others do not': '其中一个在做别的进程不做的事',
  'several processes cannot train {1} together yet': '还不能由多个进程一同训练 {1}',
  'it was started as {1} processes': '它以 {1} 个进程启动',
  'Run it without mpirun: one process uses all cores of a machine':
    '请不用 mpirun 运行：一个进程会用满一台机器的所有核',
  'Run {1} with mpirun, and then the whole pipeline without it: it continues from there':
    '请用 mpirun 运行 {1}，再不用它运行整个流程：会从那里继续',
  'this machine has mossctl {1}, and that of the first rank {2}': '这台机器的 mossctl 是 {1}，第一个进程的是 {2}',
  'Install the same version on all machines': '请在所有机器上安装同一版本',
  'the ranks differ in {1}, so they cannot train together': '各进程的 {1} 不同，无法一同训练',
  'rank {1} has {2}, rank 0 has {3}': '第 {1} 号是 {2}，第 0 号是 {3}',
  'rank {1} was given other settings than rank 0': '第 {1} 号得到的设置与第 0 号不同',
  'Install the same mossctl on all machines, share the run folder between them, and name the backend (--backend)':
    '请在所有机器上安装同样的 mossctl，共享运行文件夹，并写明后端（--backend）',
  'this training cannot be divided over several processes yet': '这种训练还不能分到多个进程',
  'its steps sample answers, or compare more than one micro-batch': '它的步骤要采样回答，或比较不止一个微批',
  'Give a run folder (--out) on a file system that all machines share':
    '请给出所有机器共享的文件系统上的运行文件夹（--out）',
  'The same command resumes from what was saved last': '同一命令会从最后保存的地方继续',
  '{1} was started as {2} processes, and it is the work of one': '{1} 以 {2} 个进程启动，而它是一个进程的工作',
  'only {1} train on several': '只有 {1} 在多个进程上训练',
  'mpirun binds these processes to {1} of {2} cores of {3}: add --bind-to none':
    'mpirun 把这些进程绑定在 {3} 的 {2} 个核中的 {1} 个上：请加 --bind-to none',
  'statistics of a step are not collected from several processes yet': '还不能从多个进程收集一步的统计',
  'they would be those of the rows of the first one': '否则只是第一个进程那些行的统计',
  'Set {1}.train.statisticsEvery=0, or run it without mpirun': '请设 {1}.train.statisticsEvery=0，或不用 mpirun 运行',
  'only {1} of {2} processes have something to compute in a step: set {3}.train.accumulation to {4}, or start fewer':
    '一步中 {2} 个进程里只有 {1} 个有活可算：请把 {3}.train.accumulation 设为 {4}，或启动更少的进程',
  '{1} ({2}), without mpirun on PATH: only srun starts several processes':
    '{1}（{2}），PATH 中没有 mpirun：只有 srun 能启动多个进程',
  'Type it without mpirun': '请不用 mpirun 输入',
  'mpirun of Open MPI kills its processes a second after Ctrl-C or SIGTERM, before they have saved: start it with --mca odls_base_sigkill_timeout 60, or stop it by sending SIGUSR2 to mpirun':
    'Open MPI 的 mpirun 在 Ctrl-C 或 SIGTERM 之后一秒就杀死进程，来不及保存：请加 --mca odls_base_sigkill_timeout 60 启动，或向 mpirun 发送 SIGUSR2 来停止',
  '{1} ({2}): `mpirun -n 2 mossctl pretrain` trains on several processes':
    '{1}（{2}）：`mpirun -n 2 mossctl pretrain` 用多个进程训练',
  '{1} processes over {2}': '{2} 上的 {1} 个进程',
  '{1}, {2} each': '{1}，每个{2}',
  'sums may be rounded otherwise there, so machines of one kind would not give the same bits, and all wait for the slowest':
    '那里求和的舍入可能不同，所以与同一种机器的结果不会逐位相同，而且大家都要等最慢的',
  'rank {1} computes with {2}, rank 0 with {3}: {4}. Give all of them the same --threads':
    '第 {1} 号用 {2} 计算，第 0 号用 {3}：{4}。请给所有进程同样的 --threads',
  'rank {1} computes with the instructions {2}, rank 0 with {3}: {4}. Start them on processors of one kind':
    '第 {1} 号用 {2} 指令计算，第 0 号用 {3}：{4}。请在同一种处理器上启动',
  'of its backend': '其后端的',
  'those of its backend': '其后端的',
  'threads of its own choice': '自选的线程数',
  'begins again': '会从头开始',
  'resumes from step {1}, which all of them read ({2})': '会从第 {1} 步继续，所有进程都读它（{2}）',
  'the weights of the processes are no longer the same, so they cannot train together any further':
    '各进程的权重已不相同，不能继续一同训练',
  'rank {1} has others than rank 0 in {2} of {3} tensors, {4} first':
    '第 {1} 号的 {3} 个张量中有 {2} 个与第 0 号不同，首先是 {4}',
  'rank {1} has read other weights than rank 0 from {2}, so they cannot train together':
    '第 {1} 号从 {2} 读到的权重与第 0 号不同，无法一同训练',
  '{1} of {2} tensors are not the same, {3} first': '{2} 个张量中有 {1} 个不同，首先是 {3}',
  'Compare the files of that folder on both machines (sha256sum); where they are the same, a machine reads or computes wrongly: start without it':
    '请在两台机器上比较该文件夹中的文件（sha256sum）；若相同，就有机器读错或算错了：请不用它',
  'The same command {1}. Start the processes on machines of one kind, with the same --threads; where it happens there too, a machine computes wrongly':
    '同一命令{1}。请在同一种机器上、用同样的 --threads 启动各进程；若仍然发生，就有机器算错了',
  'rank {1} does not see this checkpoint, which rank 0 has found': '第 {1} 号看不到第 0 号找到的这个检查点',
  'the ranks would not answer alike': '各进程给出的回答会不一样',
  'rank {1} computes with {2}, rank 0 with {3}': '第 {1} 号用 {2} 计算，第 0 号用 {3}',
  'Install the same mossctl on all machines, and name the backend (--backend)':
    '请在所有机器上安装同一版 mossctl，并指明后端（--backend）',
  'it has looked for {1} s': '它找了 {1} 秒',
  'this process does not see the conversations that the first one has stored': '这个进程看不到第一个进程存下的对话',
  'Give a run folder (--out) on a file system that all machines share; where it is on one, the same command finds them now':
    '请给出所有机器共享的文件系统上的运行文件夹（--out）；若已经是，同一命令现在就能找到',
  'srun started {1} processes, and each takes itself for the only one: they do not train together. Start them with srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH), or one alone with srun -n 1':
    'srun 启动了 {1} 个进程，每个都以为只有自己：它们不会一同训练。请用 srun --mpi=pmix（Open MPI）或 --mpi=pmi2（MPICH）启动，或用 srun -n 1 只启动一个',
  'align.method={1} samples answers while it learns, which is not divided over processes':
    'align.method={1} 边学边采样回答，这不能分到多个进程',
  '{1} processes': '{1} 个进程',
  'memory of one of {1} processes, {2} × {3} tokens at a time': '{1} 个进程中一个的内存，每次 {2} × {3} 个 token',
  'buffers that gradients are summed through': '梯度求和经过的缓冲区',
  'weights: its share, a layer, and what is in none': '权重：自己的一份、一层，以及层外的',
  'gradients of the same': '同样这些的梯度',
  'weights of the others that it gathers to evaluate': '为评估而收集的其他进程的权重',
  'each of {1} processes holds its share of the weights of {2}, gathers one layer at a time, and computes each again in the backward pass (recompute)':
    '{1} 个进程各持有 {2} 权重的一份，每次收集一层，并在反向传播时重新计算它（recompute）',
  'train.shard=weights is for several processes (mpirun): this one is alone and holds all weights':
    'train.shard=weights 用于多个进程（mpirun）：这个进程是单独的，持有全部权重',
  'what processes that train together (mpirun) share out: moments, each having all weights (ZeRO-1); weights: those of the layers and their gradients too, gathered a layer at a time, with `recompute` (ZeRO-3); default: moments':
    '一同训练的进程（mpirun）分担什么：moments，矩，每个进程有全部权重（ZeRO-1）；weights，还有各层的权重及其梯度，每次收集一层，并且重算激活，如 `recompute`（ZeRO-3）；默认：moments',
  'only weights that are trained can be shared out, and with lora most are frozen: use moments, or no lora':
    '只有被训练的权重才能分担，而用 lora 时大多数是冻结的：请用 moments，或不用 lora',
  'the first one, while it saves': '第一个进程，在保存时',
  'all {1} on this machine take {2}: {3}': '{1} 个都在这台机器上要 {2}：{3}',
  'does not fit': '装不下',
  'each computes {1} operations of a step, sends {2} and receives as many':
    '每个进程每步计算 {1} 次运算，发送 {2}，接收同样多',
  '{1}; on a machine like this one for each, computing takes {2}, and a network that moves {3} a second takes as long again':
    '{1}；若每个都有这样一台机器，计算要 {2}，而每秒传 {3} 的网络还要同样久',
  'processes that train together (mpirun -n): what each of them takes': '一同训练的进程数（mpirun -n）：每个要用多少',
  'several processes: not measured, because {1}': '多个进程：未测量，因为{1}',
  'several processes': '多个进程',
  '1 process, tokens/s': '1 个进程，词元/秒',
  together: '一同',
  efficiency: '效率',
  'of it, exchange': '其中交换',
  '{1}, {2} of {3}': '{1}，{2} 个，每个 {3}',
  '{1}, {2} processes': '{1}，{2} 个进程',
  '{1} of a rank a step, at least {2}': '每个进程每步 {1}，至少 {2}',
  '{1}: {2}; {3}; peak RSS {4} MiB, alone {5} MiB': '{1}：{2}；{3}；峰值内存 {4} MiB，单独 {5} MiB',
  '--threads has no effect on {1}': '--threads 对 {1} 不起作用',
  'Omit it: {1}': '请去掉它：{1}',
  'it compares two threads with one': '它比较两个线程与一个线程',
  'each of its processes takes one thread': '它的每个进程只用一个线程',
  'there is no {1} here': '这里没有 {1}',
  'the {1} processes that trained {2} ended {3}': '训练 {2} 的 {1} 个进程已结束（{3}）',
  'with code {1}': '代码 {1}',
  'before they began: {1}': '尚未开始：{1}',
  'Type `{1} -n {2} hostname` to see whether it starts any': '键入 `{1} -n {2} hostname`，看看它能否启动进程',
};
