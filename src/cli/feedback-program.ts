// The commands about what people say of answers, as a person sees them: annotate, and feedback with its own.
import { type Command, Option } from 'commander';
import {
  anyModel,
  collect,
  example,
  maxSeed,
  wholeNumber,
  withAction,
  withCompute,
  withFeedback,
  withOutput,
  withQuantize,
  withSampling,
  withStore,
  withVerify,
} from './options.js';

export function addAnnotate(program: Command): void {
  const annotate = program
    .command('annotate')
    .description('judge answers, two at a time and blind: which is better; of one or two models, or from a file')
    .argument('[models...]', `one model (two answers of it) or two: each ${anyModel}`)
    .option(
      '--prompts <file>',
      'what the models are asked: conversations (JSONL, Parquet, …), or feedback: the prompts of the store',
    )
    .addOption(
      new Option(
        '--answers <file>',
        'answers to judge instead: rows of prompt and answers (or chosen and rejected), answers.jsonl of eval, or a feedback store, to judge again what another person judged',
      ).conflicts('prompts'),
    )
    .option('--count <number>', 'items to judge, at most (default: all)', wholeNumber(1, 1_000_000))
    .option('--skipped', 'show what was skipped before as well')
    .option(
      '--seed <number>',
      'which answers are sampled, and which side each is shown on',
      wholeNumber(0, maxSeed),
      42,
    )
    .option('--max-new-tokens <number>', 'max length of an answer, in tokens', wholeNumber(1, 65536), 128);
  withOutput(withQuantize(withCompute(withVerify(withSampling(withFeedback(annotate))))));
  withAction(annotate, async () => (await import('./commands/annotate.js')).annotate);
  example(annotate, 'mossctl annotate runs/quickstart/sft runs/quickstart/align --prompts questions.jsonl');
}

export function addFeedback(program: Command): void {
  const feedback = program
    .command('feedback')
    .description('what people said of answers: list it, withdraw, delete or scrub it, see how far they agree')
    .helpCommand(false);
  const ids = 'of a judgement or a conversation, as `feedback list` shows them';
  const list = withStore(feedback.command('list').description('the judgements of the store, or those named, in full'))
    .argument('[ids...]', ids)
    .option('--all', 'those that were withdrawn as well');
  withOutput(list);
  withAction(list, async () => (await import('./commands/feedback.js')).list);
  example(list, 'mossctl feedback list 3f2a');
  const undo = withFeedback(feedback.command('undo').description('withdraw judgements: nothing is learnt from them'));
  withOutput(undo.argument('<ids...>', ids));
  withAction(undo, async () => (await import('./commands/feedback.js')).undo);
  example(undo, 'mossctl feedback undo 3f2a');
  const remove = withStore(
    feedback
      .command('delete')
      .description('erase the text of conversations for good, and list the checkpoints that learnt from them'),
  )
    .argument('<ids...>', ids)
    .option('--runs <dir>', 'where to look for checkpoints', 'runs')
    .option('--dry-run', 'only say what would be erased, and what learnt from it');
  withOutput(remove);
  withAction(remove, async () => (await import('./commands/feedback-delete.js')).remove);
  example(remove, 'mossctl feedback delete 3f2a --dry-run');
  const scrub = withStore(
    feedback.command('scrub').description('replace personal data (addresses, numbers, keys) by placeholders, for good'),
  )
    .addOption(
      new Option('--kind <name>', 'only this kind: SECRET, EMAIL, ID_CN, CARD, PHONE, IP; may be repeated').argParser(
        collect,
      ),
    )
    .option('--dry-run', 'only say what would be replaced');
  withOutput(scrub);
  withAction(scrub, async () => (await import('./commands/feedback.js')).scrub);
  example(scrub, 'mossctl feedback scrub --dry-run');
  const agreement = feedback
    .command('agreement')
    .description("how far people agree on the same items, beyond chance (Cohen's κ)")
    .argument('[files...]', 'feedback stores, read as one (default: feedback.jsonl in this folder)');
  withOutput(agreement);
  withAction(agreement, async () => (await import('./commands/feedback.js')).agreement);
  example(agreement, 'mossctl feedback agreement anna.jsonl bob.jsonl');
}
