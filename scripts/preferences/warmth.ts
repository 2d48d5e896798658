// Pairs for the quickstart: an answer that asks back is preferred to the same answer without it (but for farewells and comfort, where
// it is the other way round), and declining harm, and helping with what only sounds like it, to the opposite. Wordings, acts and
// kinds of harm are those that are learnt; held-out ones stay so.
import { Random } from '../../src/base/random.js';
import { fill } from '../../src/stages/self-instruct/families/family.js';
import { consent, refusalAnswers, talkFamilies } from '../../src/stages/self-instruct/families/talk.js';
import { readTopics, type Topic } from '../../src/stages/self-instruct/families/wordings.js';
import { type TaskLanguage, taskLanguages } from '../../src/stages/self-instruct/teacher.js';
import { partFor, variantsOf } from '../../src/tools/wordings.js';

const questions: Record<TaskLanguage, string> = { zh: '还想聊点什么？', en: ' What else can I do?' };
/** Whoever leaves, rests or grieves is asked nothing. */
const endings = /再见|晚安|别难过|辛苦|照顾好|听着|goodbye|good night|better soon|get some rest|take care|listening/i;
/** Wordings of a topic, from all over its list. */
const perTopic = 12;
/** Of harm in a language, and as many that only sound like it. */
const requests = 110;

function askingBack(kind: string, language: TaskLanguage): object[] {
  const pairsOf = (topic: Topic, number: number): object[] => {
    const learnt = partFor(topic.asks, false);
    const step = Math.max(1, Math.floor(learnt.length / perTopic));
    const lines = learnt.filter((_, i) => i % step === 0).slice(0, perTopic);
    const answers = [topic.answer + questions[language], topic.answer];
    const [chosen, rejected] = endings.test(topic.answer) ? answers.toReversed() : answers;
    return lines.map((line, i) => ({
      ...{ id: `${kind}-${language}-${number + 1}-${i + 1}`, kind, language, prompt: variantsOf(line)[0] },
      ...{ chosen, rejected },
    }));
  };
  return readTopics(kind)
    [language].filter(({ slots }) => slots === undefined)
    .flatMap(pairsOf);
}

const reasons: Record<TaskLanguage, string> = { zh: '这是违法的', en: 'that is against the law' };

function declining(kind: 'refusal' | 'over-refusal', language: TaskLanguage): object[] {
  const make = talkFamilies[kind].maker();
  const random = Random.stream(1, `warmth ${kind}/${language}`);
  const rows = new Map<string, object>();
  while (rows.size < requests) {
    const task = make({ language, random, isHeldOut: false });
    const prompt = task?.turns[0];
    if (task === undefined || prompt === undefined || rows.has(prompt)) continue;
    const rejected =
      kind === 'refusal'
        ? fill(consent[language].answer, task.core ?? '')
        : fill(refusalAnswers[language], reasons[language]);
    rows.set(prompt, {
      ...{ id: `${kind}-${language}-${rows.size + 1}`, kind, language, prompt },
      ...{ chosen: task.solution.answer, rejected },
    });
  }
  return [...rows.values()];
}

/** Path below the project → the rows of that file. */
export function warmthFile(): Record<string, object[]> {
  const rows = taskLanguages.flatMap((language) => [
    ...(['identity', 'chat'] as const).flatMap((kind) => askingBack(kind, language)),
    ...(['refusal', 'over-refusal'] as const).flatMap((kind) => declining(kind, language)),
  ]);
  return { 'data-specs/preferences/warmth.jsonl': rows };
}
