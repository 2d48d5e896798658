// Who scores the answers that a round samples (align.scorers): programs, reward models with a licence, judges, or a mixture. What decides on
// promotion stays with the rules, whatever is learnt from: a reward that is followed too far is found out there.
import { UserError } from '../../base/errors.js';
import type { AlignConfig } from '../../config/align.js';
import type { ScorerChoice, ScorerName } from '../../config/scorers.js';
import type { Scorer } from '../../evaluation/scorer.js';
import { judgeScorer } from '../../evaluation/scorers/judge.js';
import { type Agreement, mixedScorer, type WeightedScorer } from '../../evaluation/scorers/mixed.js';
import { rewardModelScorer } from '../../evaluation/scorers/reward-model.js';
import { rulePart, rules } from '../../evaluation/scorers/rules.js';
import { type OpenedRewardModel, openRewardModel } from '../../inference/rewards.js';
import type { Metrics } from '../../report/event.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import { type Licence, readLicence, requireGranted } from '../reward-model/licence.js';
import type { Job } from '../stage.js';
import { type OpenJudge, openJudge, reportVerdicts, showJudge } from './judge.js';
import { type GoldInput, goldPairs } from './judge-gold.js';

export interface OpenScorer {
  scorer: Scorer;
  /** Has judges show what they are worth, on pairs whose better answer is known. @throws UserError where one may not steer. */
  prove(input: GoldInput): Promise<Metrics>;
  /** Says how alike several scorers ordered what they have scored since it last did, and how sure judges were. */
  reportAgreement(round: number): void;
  dispose(): Promise<void>;
}

/**
 * @param tokenizer of the policy.
 * @throws UserError for a reward model that is not there, without a licence, or with other tokens than the policy.
 */
export async function openScorer(job: Job<AlignConfig>, tokenizer: Tokenizer): Promise<OpenScorer> {
  const { scorers } = job.config;
  const opened: OpenedRewardModel[] = [];
  const judges: OpenJudge[] = [];
  const dispose = async (): Promise<void> => {
    for (const model of opened) model.dispose();
    const ends = await Promise.allSettled(judges.map((judge) => judge.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
  const none = { reportAgreement: () => undefined, prove: () => Promise.resolve({}), dispose };
  if (scorers === undefined) return { scorer: rules, ...none };
  try {
    const weighted: WeightedScorer[] = [];
    for (const choice of scorers) {
      if (typeof choice === 'object' && 'judge' in choice) {
        const own = await openJudge(job, choice.judge, judges.length);
        judges.push(own);
        const { opponents } = choice.judge;
        weighted.push({ scorer: judgeScorer(own.judge, { opponents, seed: job.seed }), weight: choice.weight });
        continue;
      }
      const { path, name, weight } = chosen(choice, job.inputs.rewardModel);
      if (path === undefined) {
        weighted.push({ scorer: name === 'rules' ? rules : rulePart(name as 'constraints' | 'tools'), weight });
        continue;
      }
      const model = await openRewardModel(path, { verify: job.verify });
      opened.push(model);
      await checkLicence(job, model);
      await checkTokens(model, tokenizer);
      weighted.push({ scorer: rewardModelScorer(model, tokenizer.specialId('turnEnd')), weight });
    }
    const [first] = weighted;
    const isRules = weighted.length === 1 && first.scorer === rules;
    const agreements = new Map<string, Agreement>();
    return {
      scorer: isRules ? rules : mixedScorer(weighted, (all) => add(agreements, all)),
      async prove(input) {
        let metrics: Metrics = {};
        for (const own of judges) {
          const pairs = await goldPairs(job, own.config, input);
          metrics = { ...(await showJudge(job, own, pairs)), ...metrics };
        }
        return metrics;
      },
      reportAgreement(round) {
        report(job, round, agreements);
        for (const own of judges) reportVerdicts(job, own, round);
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function chosen(
  choice: Exclude<ScorerChoice, { judge: unknown }>,
  own?: string,
): { path?: string; name?: ScorerName; weight: number } {
  if (typeof choice === 'object' && 'rewardModel' in choice) return { path: choice.rewardModel, weight: choice.weight };
  const { scorer: name, weight } = typeof choice === 'string' ? { scorer: choice, weight: 1 } : choice;
  return name === 'reward-model' ? { path: own ?? '', weight } : { name, weight };
}

async function checkLicence({ config, reporter }: Job<AlignConfig>, { checkpoint }: OpenedRewardModel): Promise<void> {
  if (config.unlicensed !== true) {
    const licence = await readLicence(checkpoint);
    requireGranted(licence, checkpoint.path);
    reporter.note('info', inWords(licence));
    return;
  }
  const licence = await readLicence(checkpoint).catch((error: unknown) => {
    if (error instanceof UserError) return error.faults[0];
    throw error;
  });
  if ('isGranted' in licence && licence.isGranted) return;
  const why = 'isGranted' in licence ? licence.refusals.join('; ') : licence.what;
  reporter.note('warning', `a reward model without a licence steers alignment (align.unlicensed): ${why}`);
}

function inWords({ bestOfN }: Licence): string {
  const turn = bestOfN?.turnsAt;
  const text = 'the reward model has a licence to steer alignment';
  return turn === undefined
    ? text
    : `${text}; what it makes better is predicted to turn at a KL of ${turn.toFixed(2)} nats from where it began`;
}

/** Tokens of the policy are scored as they are. @throws UserError where the reward model has others. */
export async function checkTokens({ checkpoint }: OpenedRewardModel, tokenizer: Tokenizer): Promise<void> {
  const own = await Tokenizer.open(checkpoint.tokenizerFolder);
  if (own.files()['tokenizer.json'] === tokenizer.files()['tokenizer.json']) return;
  throw new UserError({
    where: checkpoint.path,
    what: 'this reward model has other tokens than the model that is aligned',
    why: 'its tokenizer.json is another one, so the same ids would say other things',
    next: 'Train one from the chat model itself: mossctl align --only reward-model --from MODEL --data PAIRS.jsonl',
  });
}

/** Each by its prompts. */
function add(agreements: Map<string, Agreement>, more: readonly Agreement[]): void {
  for (const { between, correlation, prompts } of more) {
    const key = JSON.stringify(between);
    const known = agreements.get(key) ?? { between, correlation: 0, prompts: 0 };
    const count = known.prompts + prompts;
    const mean = (known.correlation * known.prompts + correlation * prompts) / count;
    agreements.set(key, { between, correlation: mean, prompts: count });
  }
}

function report({ reporter }: Job<AlignConfig>, round: number, agreements: Map<string, Agreement>): void {
  for (const { between, correlation, prompts } of agreements.values()) {
    const text = `round ${round}: ${between[0]} and ${between[1]} order answers alike by ${correlation.toFixed(2)} (rank correlation, ${prompts} prompts that both tell apart)`;
    reporter.note(correlation < 0 ? 'warning' : 'info', text);
  }
  agreements.clear();
}
