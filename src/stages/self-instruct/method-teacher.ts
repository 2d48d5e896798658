// A teacher with methods: what a request asks by `families` is its own affair, all else is asked by the method, of the same model.
import type { MethodName } from '../../config/methods.js';
import type { TaskKind } from '../../config/pipeline.js';
import type { MethodContext } from './methods/method.js';
import { readPrompts } from './methods/prompts.js';
import { methods } from './methods/table.js';
import type { MethodTraits, Teacher } from './teacher.js';

/** @param names `families` among them or not. */
export function withMethods(
  teacher: Teacher,
  names: Iterable<MethodName>,
  context: Omit<MethodContext, 'prompts'>,
): Teacher {
  const chosen = [...names].flatMap((name) => {
    if (name === 'families') return [];
    const { about, open, hasChecks = false, kinds = (): readonly TaskKind[] => [name] } = methods[name];
    const prompts = readPrompts(name);
    const traits: MethodTraits = { label: `${name}@${prompts.version}`, shape: prompts.shape, hasChecks, kinds };
    const asked = context.asked.by(name);
    return [{ name, about, traits, asked, method: open({ ...context, asked, prompts }) }];
  });
  if (chosen.length === 0) return teacher;
  const methodOf = new Map<MethodName, (typeof chosen)[number]>(chosen.map((each) => [each.name, each]));
  const { name, requestsAtOnce, patience, holdsOut } = teacher;
  return {
    ...{ name, requestsAtOnce, patience, holdsOut },
    notes: (seeds, kinds) => [
      ...teacher.notes(seeds, kinds),
      ...chosen.map(({ traits, about }) => `method ${traits.label}: ${about}`),
    ],
    can: (kind, language) => teacher.can(kind, language),
    checks: (kind) => teacher.checks(kind),
    methods: new Map(chosen.map((each) => [each.name, each.traits])),
    failures: async (exhausted = []) => {
      const own = await Promise.all(chosen.map((each) => each.asked.failure(exhausted.includes(each.name))));
      return [...((await teacher.failures?.(exhausted)) ?? []), ...own.flatMap((failure) => failure ?? [])];
    },
    propose: (request) => (methodOf.get(request.method)?.method ?? teacher).propose(request),
    answer: (task, request) => (methodOf.get(request.method)?.method ?? teacher).answer(task, request),
  };
}
