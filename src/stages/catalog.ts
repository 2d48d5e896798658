// The stages, one row each, in the order they run: all that the pipeline and the command line know of a stage. Its own
// file is imported only when it runs: --help loads none, and a run that needs no model loads no tensor library.
import { feedbackName } from '../base/layout.js';
import { mossctlCommand, shellQuoted } from '../base/shell.js';
import { usesOwnRewardModel } from '../config/own-scorers.js';
import type { StageName } from '../config/pipeline.js';
import { methods } from '../train/objectives/methods.js';
import type { StageConfigs, StageTable } from './stage-row.js';

export const stageTable: StageTable = {
  data: {
    command: 'data build',
    commandArgument: 'SPEC',
    output: 'folder',
    load: async () => (await import('./data.js')).dataStage,
  },
  tokenizer: {
    command: 'tokenizer train',
    output: 'folder',
    requires: () => [['data']],
    textsAlternative: 'Name texts with --text FOLDER, or a pipeline with --config (quickstart)',
    load: async () => (await import('./tokenizer.js')).tokenizerStage,
  },
  /** No command makes tokens alone: they come with pretrain, from the blocks data and tokenizer. */
  tokens: {
    command: 'pretrain',
    output: 'folder',
    requires: () => [['data'], ['tokenizer']],
    /** A checkpoint whose training resumes brings its tokenizer along. */
    isConfigured: ({ data, tokenizer, pretrain }) =>
      data !== undefined && pretrain !== undefined && (tokenizer !== undefined || pretrain.from !== undefined),
    missingOutputAdvice: (runDirectory, config) => {
      const isContinued = config.pretrain?.from !== undefined;
      const blocks = isContinued ? (['data'] as const) : (['data', 'tokenizer'] as const);
      const missing = blocks.filter((block) => config[block] === undefined);
      const out = shellQuoted(runDirectory);
      const build = `"mossctl data build SPEC --out ${out}"`;
      return {
        product: 'a tokenised corpus',
        why: `${runDirectory} holds none, and the configuration has no ${missing.join(' and no ')} block to make it from`,
        next: isContinued
          ? `Name the text with --set data.spec=SPEC (pretrain takes --text FOLDER, too), or run ${build} first`
          : `Give a --config that has them (--config quickstart), or run ${build} and "mossctl tokenizer train --out ${out}" first`,
      };
    },
    load: async () => (await import('./tokens.js')).tokensStage,
  },
  pretrain: {
    command: 'pretrain',
    output: 'checkpoint',
    needsBackend: true,
    onRanks: 'whole',
    requires: () => [['tokens'], ['tokenizer']],
    textsAlternative: 'Name texts with --text FOLDER, or a pipeline with --config (quickstart)',
    otherData: 'another corpus',
    fixed: { 'pretrain.model': 'it gives the weights their shape and first values' },
    load: async () => (await import('./pretrain.js')).pretrainStage,
  },
  selfInstruct: {
    command: 'self-instruct',
    help: {
      description: 'expand seed tasks into conversations with a teacher',
      example: 'mossctl self-instruct --config quickstart --set selfInstruct.count=500',
      flags: {
        budgetUsd: {
          value: '<dollars>',
          description: "stop before the teacher's endpoint has cost more, over all tries in this run folder",
        },
        budgetTokens: {
          value: '<number>',
          description: "stop before the teacher's endpoint has taken more tokens, over all tries in this run folder",
        },
      },
      preview: 'rows, asked of the teacher; their answers are kept for the run',
      next: (runDirectory) => mossctlCommand('sft', '--out', runDirectory),
    },
    output: 'folder',
    uses: ['data'],
    evaluationSet: ({ selfInstruct }) => selfInstruct?.seeds,
    load: async () => (await import('./self-instruct/stage.js')).selfInstructStage,
  },
  sft: {
    command: 'sft',
    help: {
      description: 'fine-tune a base model on conversations',
      example: 'mossctl sft --from runs/quickstart/latest --data conversations.jsonl --out runs/mine',
      flags: {
        data: {
          value: '<file[=weight]>',
          description:
            'conversations instead of those of self-instruct: rows (JSONL, Parquet, …), a file, a folder, a pattern or hf:ORG/NAME[:PATH]; may be repeated, with =0.5 to read half of them in an epoch, =2 each twice',
          weighed: true,
        },
        evalData: {
          value: '<file>',
          description: 'conversations to measure with while training, instead of holding some of --data out',
        },
        lora: {
          description: 'train low-rank adapters beside the frozen weights (the block sft.lora), not all weights',
        },
      },
      next: (runDirectory) => mossctlCommand('chat', `${runDirectory}/latest`),
    },
    output: 'checkpoint',
    needsBackend: true,
    onRanks: 'whole',
    hasStart: true,
    requires: ({ sft }) => [
      ['pretrain'],
      ...(sft?.data === undefined ? [['selfInstruct' as const]] : []),
      ...((sft?.textShare ?? 0) > 0 ? [['tokens' as const]] : []),
    ],
    uses: ['selfInstruct'],
    requiredBySetting: { tokens: 'sft.textShare' },
    alternatives: { selfInstruct: 'give conversations with --data FILE' },
    otherData: 'other conversations or text',
    fixed: adapterShape('sft'),
    load: async () => (await import('./sft/stage.js')).sftStage,
  },
  toolUse: {
    command: 'tool-use',
    help: {
      description: 'teach a chat model to call tools where it needs them, and only there',
      example: 'mossctl tool-use --config tools --from runs/tools/sft --out runs/mine',
      next: (runDirectory) => mossctlCommand('chat', `${runDirectory}/latest`),
    },
    output: 'checkpoint',
    needsBackend: true,
    onRanks: 'parts',
    hasStart: true,
    requires: ({ toolUse }) => [['sft'], ['data'], ...((toolUse?.textShare ?? 0) > 0 ? [['tokens' as const]] : [])],
    uses: ['selfInstruct'],
    requiredBySetting: { tokens: 'toolUse.textShare' },
    load: async () => (await import('./tool-use/stage.js')).toolUseStage,
  },
  rewardModel: {
    command: 'align --only reward-model',
    output: 'reward',
    needsBackend: true,
    onRanks: 'whole',
    hasStart: true,
    requires: ({ toolUse }) => [[toolUse === undefined ? 'sft' : 'toolUse']],
    uses: ['selfInstruct'],
    otherData: 'other preferences or tasks',
    fixed: adapterShape('rewardModel'),
    measuredBy: ['licence'],
    load: async () => (await import('./reward-model/stage.js')).rewardModelStage,
  },
  align: {
    command: 'align',
    help: {
      only: {
        rewardModel: {
          keys: { prompts: 'licence.prompts' },
          refused: { unlicensed: 'it is align that is steered by a reward model: say it there' },
          next: async (made) => (await import('./reward-model/next.js')).nextOfRewardModel(made),
        },
      },
      description: "improve a chat model by people's preferences, by rewards that can be checked, or by both",
      example: 'mossctl align --from runs/mine/latest --data pairs.jsonl --out runs/aligned',
      flags: {
        data: {
          value: '<file[=weight]>',
          description:
            'preferences: rows (JSONL, Parquet, …) with prompt, chosen and rejected, or with an answer and its label; a file, a folder, a pattern, hf:ORG/NAME[:PATH], or feedback (what chat and annotate collected); may be repeated, with =0.5 to count half as much',
          weighed: true,
        },
        evalData: {
          value: '<file>',
          description: 'preferences to decide on a promotion with, instead of holding some of --data out',
        },
        prompts: {
          value: '<file>',
          description: 'tasks with checks to sample answers to, instead of those of self-instruct',
        },
        lora: {
          description: 'train low-rank adapters beside the frozen weights (the block align.lora), not all weights',
        },
        unlicensed: {
          isSwitch: true,
          description: 'let a reward model score that has no licence; it is recorded with what it makes',
        },
      },
      next: (runDirectory) => mossctlCommand('chat', `${runDirectory}/latest`),
    },
    output: 'checkpoint',
    needsBackend: true,
    onRanks: 'parts',
    aloneBecause: ({ align }) =>
      align !== undefined && methods[align.method].rows === 'samples'
        ? `align.method=${align.method} samples answers while it learns, which is not divided over processes`
        : undefined,
    hasStart: true,
    requires: ({ align, toolUse }) => [
      [toolUse === undefined ? 'sft' : 'toolUse'],
      ...(align !== undefined && needsSelfInstruct(align) ? [['selfInstruct' as const]] : []),
      ...((align?.replay.text ?? 0) > 0 ? [['tokens' as const]] : []),
      ...(usesOwnRewardModel(align?.scorers) ? [['rewardModel' as const]] : []),
    ],
    uses: ['selfInstruct', 'tokens'],
    requiredBySetting: { tokens: 'align.replay.text', rewardModel: 'align.scorers' },
    evaluationSet: ({ align }) => (align?.prompts === feedbackName ? undefined : align?.prompts),
    alternatives: {
      rewardModel: 'name one with --set align.scorers=[{rewardModel: PATH}]',
      selfInstruct:
        'give preferences with --data FILE or tasks with --prompts FILE, and conversations for replay and ledger with --set align.replay.data=FILE',
    },
    fixed: {
      data: 'rounds are compared by the same held-out tasks and preferences',
      'align.method': 'what its steps are, and what its checkpoints hold, follow from it',
      'align.critic': 'its weights are in the checkpoint by now',
      'align.teacher': 'all steps of a round learn from one teacher',
      ...adapterShape('align'),
      ...Object.fromEntries(
        ['samplesPerPrompt', 'promptsPerStep', 'stepsPerSampling', 'iterations'].map((key) => [
          `align.${key}`,
          'answers that were sampled are divided over prompts and steps by it',
        ]),
      ),
    },
    load: async () => (await import('./align/stage.js')).alignStage,
  },
  eval: {
    command: 'eval',
    output: 'folder',
    needsBackend: true,
    onRanks: 'parts',
    onlyMeasures: true,
    requires: () => [modelStagesOf(stageTable).reverse()],
    uses: ['tokens', 'selfInstruct'],
    evaluationSet: ({ eval: measured }) => measured?.tasks,
    missingInputFault: (runDirectory) => ({
      what: 'there is no checkpoint to evaluate',
      why: `${runDirectory} holds none`,
      next: 'Name a checkpoint or a run folder: mossctl eval CHECKPOINT',
    }),
    load: async () => (await import('./eval.js')).evalStage,
  },
};

/** Settings that no --override can change, and why. */
function adapterShape(stage: StageName): Record<string, string> {
  const keys = ['rank', 'targets', 'rankPattern'].map((key) => `${stage}.lora.${key}`);
  return Object.fromEntries(keys.map((key) => [key, 'it gives the adapter its shape']));
}

function needsSelfInstruct({ data, prompts, replay, ledger }: StageConfigs['align']): boolean {
  return (
    (prompts === undefined && data === undefined) || ((replay.instructions > 0 || ledger) && replay.data === undefined)
  );
}

export function namesOf(stages: StageTable): StageName[] {
  return Object.keys(stages) as StageName[];
}

/** What a plan trains first that may start from a checkpoint: a model that others are made from, else a reward model. */
export function firstModelOf(plan: readonly StageName[], stages: StageTable): StageName | undefined {
  return (
    plan.find((name) => stages[name].output === 'checkpoint') ?? plan.find((name) => stages[name].output === 'reward')
  );
}

/** The stages whose output is a checkpoint; `latest` points to the newest of them. */
export function modelStagesOf(stages: StageTable): StageName[] {
  return namesOf(stages).filter((name) => stages[name].output === 'checkpoint');
}
