// Raw text → a clean, split corpus with its licences.
import type { DataConfig } from '../config/pipeline.js';
import { buildData } from '../data/build.js';
import { dataInputDigest } from '../data/spec.js';
import type { Stage } from './stage.js';

export const dataStage: Stage<DataConfig> = {
  inputDigest: ({ config, evaluationSets }) => dataInputDigest(config.spec, config.stdin, evaluationSets),
  run: ({ config, directory, seed, evaluationSets, reporter, signal }) =>
    buildData({
      specPath: config.spec,
      validation: config.validation,
      strict: config.strict ?? false,
      stdin: config.stdin,
      evaluationSets,
      directory,
      seed,
      reporter,
      signal,
    }),
};
