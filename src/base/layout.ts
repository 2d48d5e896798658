// The run folder on one page: what mossctl writes there under which name, and finds there again.

// The working folder: what settings call the feedback store in it, where rows could be named.
export const feedbackName = 'feedback';

// <run>/
/** Every setting of the run, resolved: `--config` with it repeats the run. */
export const settingsName = 'pipeline.yaml';
/** The data-spec that --text writes: what was named there, to be edited. */
export const dataSpecName = 'data-spec.yaml';
/** Every event that is kept, one line each. */
export const metricsName = 'metrics.jsonl';
export const reportName = 'report.html';
/** What TensorBoard reads, one folder a stage and round: `--log tensorboard`. */
export const tensorBoardFolder = 'tensorboard';
/** A link to the newest checkpoint. */
export const latestName = 'latest';
/** Says which process works in the folder, on which machine, and that it lives. */
export const lockName = '.lock';
/** What the teacher's endpoint answered. Every record is keyed by what was asked, so that no settings make it wrong. */
export const responsesName = 'self-instruct-responses.jsonl';
/** What the judges of alignment said, likewise. */
export const judgementsName = 'judge-responses.jsonl';

/** Of a round of alignment from the page: what it promoted was taken back. */
export const undoneName = 'undone.json';

// <run>/<stage>/
/** What the folder was made from and what came out, and its copy. */
export const recordName = 'stage.json';
export const recordCopyName = '.stage.json';

// data/, tokens/
/** The folder of a corpus: documents in Arrow files, or shards of tokens. */
export const corpusFolder = 'corpus';
/** Beside them: what there is and its digests. */
export const corpusManifestName = 'manifest.json';
/** What the documents state. */
export const factsName = 'facts.jsonl';

// tokenizer/, and every checkpoint
export const tokenizerJsonName = 'tokenizer.json';
export const tokenizerConfigName = 'tokenizer_config.json';
export const specialTokensMapName = 'special_tokens_map.json';
export const chatTemplateName = 'chat_template.jinja';
/** What older transformers wrote beside tokenizer.json: content → id. */
export const addedTokensName = 'added_tokens.json';
/** Further templates by name, and the one that older processors of transformers kept. */
export const chatTemplatesFolder = 'additional_chat_templates';
export const processorTemplateName = 'chat_template.json';
/** What the rows of a training offered to be called: names and schemas, as transformers takes them, and nothing that runs. */
export const offeredToolsName = 'tools.json';
/** Of an export: whom the licences of the corpus ask to be named. */
export const noticeName = 'NOTICE';
/** Conversations with their ids and how answers are read back: what an export must write and read alike. */
export const chatSamplesName = 'chat_samples.json';

// self-instruct/
/** Conversations for fine-tuning. */
/** Of teaching tools: whether a tool is there. */
export const listRowsName = 'lists.jsonl';
export const trainRowsName = 'train.jsonl';
/** Tasks for alignment to sample: fine-tuning does not see them. */
export const promptRowsName = 'prompts.jsonl';
/** Tasks for evaluation: no training sees them. */
export const heldOutRowsName = 'heldout.jsonl';
/** What the filters dropped, each with its reason. */
export const rejectedRowsName = 'rejected.jsonl';
export const selfInstructReportName = 'report.json';

// tool-use/
/** What the student answered without tools. */
export const studentAnswersName = 'student.jsonl';
/** How many rows there are, by kind and language, and what was left out. */
export const reportRowsName = 'report.json';
/** What Search searches and Query queries in exercises. */
export const notesName = 'notes.jsonl';
export const poemsName = 'poems.jsonl';
export const tablesFolder = 'tables';

// sft/, and align/ where it replays conversations
/** The conversations that it learns from, as tokens, and what it holds out of them. */
export const rowsFolder = 'rows';
export const storedRowsName = 'rows.json';

// align/
/** Right and wrong answers of the policy, that a judge was shown. */
export const judgeGoldName = 'judge-gold.json';

// align/round-<n>/
/** Whether a folder is that of a round, or of a point on the way to what it trained. */
export function isRound(name: string): boolean {
  return /^round-\d+(?:-alpha-[\d.e-]+)?$/.test(name);
}
/** Between a round's folder and α, in the name of a folder beside it: a point on the way to what the round trained. */
export const pointLabel = '-alpha-';
/** How the round ended, which finishes it. */
export const roundName = 'round.json';
/** What the policy answered, prompt by prompt. */
export const sampledAnswersName = 'answers.jsonl';
/** What it answered while it learnt, and the rewards (grpo, rloo, online-dpo, distill): sampled.json says beside it what it was made from. */
export const rolloutsName = 'rollouts.jsonl';
/** What the round learns from, of those and of what people gave; and, in sampled.json, what it was made from. */
export const pairsName = 'pairs.jsonl';
export const sampledName = 'sampled.json';
/** log π of those answers under the policy at the round's start. */
export const referencesName = 'references.jsonl';
/** What the gate measured, unit by unit. */
export const gateName = 'gate.json';
/** The fine-tuning that the round is compared with, while it is. */
export const ledgerFolder = 'ledger';

// pretrain/, sft/, align/round-<n>/: step-<n>/
/** Where a checkpoint comes from, and the sha256 of its other files. */
export const manifestName = 'mossctl.json';
export const configName = 'config.json';
export const generationConfigName = 'generation_config.json';
export const weightsName = 'model.safetensors';
/** In its place, where the weights are in several files: which tensor is in which. */
export const weightsIndexName = 'model.safetensors.index.json';
/** In the place of config and weights, where only an adapter was trained: PEFT's two files. */
export const adapterConfigName = 'adapter_config.json';
export const adapterWeightsName = 'adapter_model.safetensors';
/** What only resuming needs. */
export const trainingFolder = 'training';
export const optimizerName = `${trainingFolder}/optimizer.safetensors`;
export const stateName = `${trainingFolder}/state.json`;

// reward-model/
export const rewardModelFolder = 'reward-model';
/** The records of a feedback store that it learnt from. */
export const learntFromName = 'learnt-from.json';
/** Answers of the chat model that its licence is measured on. */
export const licenceAnswersName = 'licence-answers.jsonl';

// reward-model/step-<n>/
/** What a reward model has shown, and whether it may steer alignment. */
export const licenceName = 'licence.json';

// eval/
export const resultsName = 'results.json';
/** What each checkpoint answered to each question (eval --tasks). */
export const answersName = 'answers.jsonl';
