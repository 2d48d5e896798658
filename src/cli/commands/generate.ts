// mossctl generate: answers to the rows of a file, as rows of conversations. A killed command resumes.
import { UserError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { flagOverrides } from '../../base/overrides.js';
import { mossctlCommand } from '../../base/shell.js';
import { parseYaml } from '../../base/yaml.js';
import type { Quantization } from '../../config/compute.js';
import { askedSamplingSchema, type Sampling } from '../../config/sampling.js';
import { generatedInWords, generateRows } from '../../evaluation/generate.js';
import { askableTasks, readTasks } from '../../evaluation/tasks.js';
import { learntToolbox } from '../../inference/learnt-toolbox.js';
import { LocalModel } from '../../inference/local-model.js';
import { openChatTools, openLearntChatTools, type ToolOptions } from '../chat-tools.js';
import { openChosenBackend } from '../compute.js';
import type { ComputeOptions, OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine, printNotes, shownPath } from '../output.js';
import { reporting } from '../reporting.js';
import { runSources } from '../run-sources.js';

type GenerateCommandOptions = ComputeOptions &
  ToolOptions &
  OutputOptions & { [Key in keyof Sampling]?: string } & {
    data: string;
    out: string;
    samples: number;
    maxNewTokens: number;
    seed: number;
    unfinished: boolean;
    verify: boolean;
    quantize?: Quantization;
  };

export async function generate(checkpoint: string, options: GenerateCommandOptions): Promise<void> {
  const { temperature, topK, topP, minP, repetitionPenalty, data, out, samples, maxNewTokens, seed, json } = options;
  const flags = flagOverrides({ temperature, topK, topP, minP, repetitionPenalty });
  const asked = parseYaml({ path: 'the command line', text: '' }, askedSamplingSchema, flags);
  if (await exists(out)) throw new UserError({ what: 'it exists already', where: out, next: 'Choose another --out' });
  if (samples > 1 && Number(temperature) === 0) {
    const next = 'Omit --temperature 0, or --samples';
    throw new UserError({ what: 'at temperature 0 every answer to a prompt is the same', where: '--samples', next });
  }
  let toolbox = await openChatTools(options);
  try {
    await openChosenBackend(options);
    const model = await LocalModel.open(checkpoint, options);
    try {
      printNotes(model, options);
      const sources = options.tools === undefined ? await runSources(checkpoint) : {};
      if (options.tools === undefined) {
        const opened = await learntToolbox(model, async (learnt, room) => {
          toolbox = await openLearntChatTools(learnt, { ...options, room, sources });
          return toolbox;
        });
        if (opened.refusal !== undefined && !options.quiet) noteOnStderr(opened.refusal);
      }
      const result = await reporting('generate', options, async ({ reporter, signal }) => {
        const tasks = askableTasks(await readTasks(data, reporter), model.template, reporter, toolbox);
        reporter.note('info', `${countOf(tasks.length, 'prompt')} of ${data}, ${countOf(samples, 'answer')} to each`);
        return generateRows(model, tasks, out, {
          ...{ samples, maxNewTokens, seed, toolbox, signal, unfinished: options.unfinished },
          named: options.tools || Object.values(sources).flat(),
          sampling: model.sampling(asked),
          onProgress: (done, total) =>
            reporter.emit({ type: 'progress', label: 'prompts', done, total, unit: 'prompts' }),
        });
      });
      if (json) printJson({ type: 'result', path: out, ...result });
      else {
        printLine(`${shownPath(out)}: ${generatedInWords(result).join('; ')}`);
        if (result.unfinished > 0 && !options.unfinished) {
          printLine('Answers that did not end are not in it: raise --max-new-tokens, or keep them with --unfinished.');
        }
        printLine(`Learn from it: ${mossctlCommand('sft', '--from', checkpoint, '--data', out)}`);
      }
    } finally {
      await model.dispose();
    }
  } finally {
    await toolbox?.close();
  }
}
