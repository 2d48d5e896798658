// Who asks, of what, in which form: a program combines the three, so that no model's taste decides what there is to ask; the
// teacher only writes the question that this person would ask, and then its answer.
import { Random } from '../../../base/random.js';
import { languageNames } from '../asked-model.js';
import { parseTasks } from '../openai-teacher.js';
import { type Method, type MethodContext, proposalRule, writtenAnswer } from './method.js';
import { asks, listOf } from './prompts.js';

export function personas({ asked, prompts, seed }: MethodContext): Method {
  return {
    async propose(request) {
      const { index, language, wanted } = request;
      const random = Random.stream(seed, `personas/${language}/${index}`);
      const drawn = (list: string): string[] => random.shuffle([...listOf(prompts, list, language)]).slice(0, wanted);
      const [people, topics, forms] = ['people', 'topics', 'forms'].map(drawn);
      const list = people.map((person, i) => `${i + 1}. ${person} — ${topics[i]} — ${forms[i % forms.length]}`);
      const asking = asks(prompts, 'questions', {
        ...{ index, count: list.length, language: languageNames[language] },
        list: list.join('\n'),
      });
      const { items, dropped } = await asked.read(asking, proposalRule('personas'), (reply) =>
        parseTasks(reply, request),
      );
      return { tasks: items, dropped };
    },
    answer(task, { index }) {
      const values = { index, instruction: task.turns[0], language: languageNames[task.language] };
      return writtenAnswer(asked, asks(prompts, 'answer', values), task);
    },
  };
}
