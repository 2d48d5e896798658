// The Chinese catalog, one file for each part of the source.
import type { Catalog } from '../messages.js';
import { base } from './base.js';
import { checkpoint1 } from './checkpoint-1.js';
import { checkpoint2 } from './checkpoint-2.js';
import { cli1 } from './cli-1.js';
import { cli2 } from './cli-2.js';
import { config1 } from './config-1.js';
import { config2 } from './config-2.js';
import { data1 } from './data-1.js';
import { data2 } from './data-2.js';
import { evaluation } from './evaluation.js';
import { help1 } from './help-1.js';
import { help2 } from './help-2.js';
import { judge } from './judge.js';
import { network } from './network.js';
import { online } from './online.js';
import { others } from './others.js';
import { pipeline } from './pipeline.js';
import { policy } from './policy.js';
import { ppo } from './ppo.js';
import { programs } from './programs.js';
import { ranks } from './ranks.js';
import { report } from './report.js';
import { reward } from './reward.js';
import { selfInstruct } from './self-instruct.js';
import { serve } from './serve.js';
import { stages } from './stages.js';
import { tokenizer } from './tokenizer.js';
import { training } from './training.js';

export { nouns } from './nouns.js';

export const catalogs: readonly Catalog[] = [
  base,
  checkpoint1,
  checkpoint2,
  cli1,
  cli2,
  config1,
  config2,
  data1,
  data2,
  evaluation,
  help1,
  help2,
  judge,
  network,
  online,
  pipeline,
  policy,
  ppo,
  programs,
  ranks,
  report,
  reward,
  selfInstruct,
  serve,
  stages,
  tokenizer,
  training,
  others,
];
