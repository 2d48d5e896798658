// The same question later in a talk: each single task is asked again after exchanges of other held-out tasks, with their right
// answers given. The task is the same, so what is lost from turn to turn is no matter of harder questions.
import { Random } from '../base/random.js';
import type { Conversation } from '../data/types.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Message } from '../tokenizer/message.js';
import { answerCredit } from './checks.js';
import { type Measurements, Tally, unitOf } from './measurements.js';
import { type Answer, type AnswerOptions, answerTasks } from './tasks.js';

/** Of the earlier exchanges: in the language of the task, whatever that is; the others in any. */
const sameLanguageShare = 0.8;
/** Other tasks that are tried for each earlier exchange, where some are too long. */
const maxTries = 32;
/** Room for an answer that is longer than the right one. */
const answerRoom = 16;

interface TalkOptions {
  /** Which questions of a talk the task is to be: 4 is after three exchanges. */
  turns: readonly number[];
  seed: number;
  /** Tokens of an exchange, the task's own included. */
  size(task: Conversation): number;
  /** Tokens of a whole talk, at most. */
  room: number;
}

export interface LaterTasks {
  /** The tasks that are asked at every turn. */
  asked: Conversation[];
  /** Turn → the tasks, in one order: each with exchanges of other tasks before it. */
  byTurn: Map<number, Conversation[]>;
  /** Tasks of one question that are in none: with so many exchanges before them they do not fit. */
  unfit: number;
}

/**
 * The tasks of one question with a check that fit at every turn. Talks are nested: what comes before a task at turn 2 comes
 * right before it at turn 4, too.
 */
export function laterTasks(tasks: readonly Conversation[], { turns, seed, size, room }: TalkOptions): LaterTasks {
  const single = tasks.filter(isSingle);
  const sizes = new Map(single.map((task) => [task, size(task)]));
  const most = Math.max(...turns) - 1;
  const byTurn = new Map(turns.map((turn) => [turn, [] as Conversation[]]));
  const asked: Conversation[] = [];
  let unfit = 0;
  for (const task of single) {
    const random = Random.stream(seed, `earlier exchanges of ${task.id}`);
    const earlier: Conversation[] = [];
    let left = room - answerRoom - (sizes.get(task) ?? 0);
    for (let tries = 0; earlier.length < most && tries < most * maxTries; tries++) {
      const other = random.choose(single);
      const isOwn = [task, ...earlier].some((each) => groupOf(each) === groupOf(other));
      const isOtherLanguage = other.language !== task.language && random.uniform() < sameLanguageShare;
      const needed = sizes.get(other) ?? 0;
      // So that the rest fits as well, none takes more than its part of what is left.
      if (isOwn || isOtherLanguage || needed > left / (most - earlier.length)) continue;
      earlier.push(other);
      left -= needed;
    }
    if (earlier.length < most) {
      unfit++;
      continue;
    }
    asked.push(task);
    for (const [turn, later] of byTurn) later.push(after(earlier.slice(most - turn + 1), task));
  }
  return { asked, byTurn, unfit };
}

/** One question with its right answer, and a check. */
function isSingle({ messages, check, tools }: Conversation): boolean {
  const roles = messages.map(({ role }) => role).join(' ');
  return roles === 'user assistant' && check !== undefined && tools === undefined;
}

function after(earlier: readonly Conversation[], task: Conversation): Conversation {
  const before: Message[] = earlier.flatMap(({ messages }) => messages);
  return { ...task, messages: [...before, ...task.messages] };
}

const groupOf = ({ group, id }: Conversation): string => group ?? id;

/**
 * `correct.turn1`, `correct.turn2`, …: of the same tasks. Nothing where no task fits.
 * @param first the greedy answers to the tasks alone.
 * @param answer who answers; default: `answerTasks`.
 */
export async function measureTurns(
  model: LocalModel,
  first: readonly Answer[],
  {
    turns,
    answer = (tasks) => answerTasks(model, tasks, options),
    ...options
  }: Pick<AnswerOptions, 'maxNewTokens' | 'seed' | 'signal' | 'onProgress'> &
    Pick<TalkOptions, 'turns'> & { answer?(tasks: readonly Conversation[]): Promise<Answer[]> },
): Promise<{ measurements: Measurements; unfit: number }> {
  if (turns.length === 0) return { measurements: new Map(), unfit: 0 };
  const { asked, byTurn, unfit } = laterTasks(
    first.map(({ task }) => task),
    {
      ...{ turns, seed: options.seed, room: model.contextLength },
      size: ({ messages }) => model.template.encode(messages).tokens.length,
    },
  );
  const alone = new Set(asked);
  const answers = await answer([...byTurn.values()].flat());
  const answersAt = (place: number): Answer[] => answers.slice(place * asked.length, (place + 1) * asked.length);
  const all = [
    [1, first.filter(({ task }) => alone.has(task))] as const,
    ...[...byTurn.keys()].map((turn, place) => [turn, answersAt(place)] as const),
  ];
  const tally = new Tally();
  for (const [turn, given] of all) {
    for (const answer of given) {
      tally.add(`correct.turn${turn}`, { ...unitOf(answer.task), value: Number(answerCredit(answer) === 1) });
    }
  }
  return { measurements: tally.finish(), unfit };
}
