// What src/help/ says, in Chinese, part 2.
import type { Catalog } from '../messages.js';

export const help2: Catalog = {
  'give preferences with --data FILE or tasks with --prompts FILE, and conversations for replay and ledger with --set align.replay.data=FILE':
    '请用 --data FILE 给出偏好，或用 --prompts FILE 给出任务，并用 --set align.replay.data=FILE 给出用于重放和台账的对话',
  'rounds are compared by the same held-out tasks and preferences': '各轮用相同的留出任务和偏好比较',
  'what its steps are, and what its checkpoints hold, follow from it': '它的步骤是什么、检查点里有什么，都由它决定',
  'its weights are in the checkpoint by now': '它的权重已在检查点里',
  'all steps of a round learn from one teacher': '一轮的所有步骤都向同一位教师学习',
  'there is no checkpoint to evaluate': '没有可评测的检查点',
  '{1} holds none': '{1} 里没有',
  'Name a checkpoint or a run folder: mossctl eval CHECKPOINT': '请指明检查点或运行目录：mossctl eval CHECKPOINT',
};
