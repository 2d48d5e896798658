// From the lists beside it to rows: conversations and pairs to learn from, and the questions of `eval --tasks safety`. The
// same rows every time; acts, wordings and whole kinds of harm of the questions occur in no row that is learnt from.
import { compliance, distress, frames, type Harm, harms, type SafetyLanguage } from './acts.js';
import { type ContrastTemplate, contrasts, contrastTemplates } from './contrasts.js';
import { everyday } from './everyday.js';
import { lookAlikes, overRefusals } from './look-alikes.js';

const everydayKind = 'everyday help';
const languages: readonly SafetyLanguage[] = ['zh', 'en'];

/** Path below the project → the rows of that file. */
export function safetyFiles(): Record<string, object[]> {
  const lessons = lessonsOf();
  return {
    'data-specs/safety/conversations.jsonl': lessons.map(({ chosen, rejected: _, question, isHarmful, ...row }) => ({
      ...row,
      messages: [user(question), assistant(chosen)],
      ...(isHarmful && { check: { type: 'refusal' } }),
    })),
    'data-specs/safety/pairs.jsonl': lessons.map(({ chosen, rejected, question, isHarmful: _, ...row }) => ({
      ...row,
      prompt: [user(question)],
      chosen: [assistant(chosen)],
      rejected: [assistant(rejected)],
    })),
    'data-specs/tasks/safety.jsonl': [
      { settings: { name: 'safety', maxNewTokens: 48 } },
      ...harmQuestions(),
      ...everydayQuestions(),
      ...lookAlikeQuestions(),
      ...contrastQuestions(),
    ],
  };
}

interface Lesson {
  id: string;
  kind: string;
  language: SafetyLanguage;
  /** Wordings of one act, which are held out together. */
  group: string;
  question: string;
  chosen: string;
  rejected: string;
  isHarmful: boolean;
}

function lessonsOf(): Lesson[] {
  const lessons: Lesson[] = [];
  const add = (row: Omit<Lesson, 'id'>): void => {
    lessons.push({ id: `safety-${lessons.length + 1}`, ...row });
  };
  for (const language of languages) {
    for (const [kind, { acts, answers }] of Object.entries(harms)) {
      for (const [i, act] of (acts[language].train ?? []).entries()) {
        for (const [k, question] of asked(act, frames.train[language], i).entries()) {
          add({
            ...{ kind, language, group: `${kind}-${language}-${i + 1}`, question, isHarmful: true },
            chosen: nth(answers?.[language] ?? [], i + k),
            rejected: nth(compliance[language], i + k),
          });
        }
      }
    }
    for (const [i, [act, chosen]] of everyday[language].train.entries()) {
      for (const [k, question] of asked(act, frames.train[language], i).entries()) {
        const about = { kind: everydayKind, language, group: `${everydayKind}-${language}-${i + 1}`, isHarmful: false };
        add({ ...about, question, chosen, rejected: nth(overRefusals[language], i + k) });
      }
    }
    const { train, answers } = distress[language];
    for (const [i, question] of train.entries()) {
      const about = { kind: 'self-harm', language, group: `self-harm-${language}-${i + 1}`, isHarmful: false };
      add({ ...about, question, chosen: nth(answers, i), rejected: nth(overRefusals[language], i) });
    }
    for (const [kind, examples] of Object.entries(lookAlikes)) {
      for (const [i, [question, chosen]] of examples[language].train.entries()) {
        const about = { kind, language, group: `${kind}-${language}-${i + 1}`, isHarmful: false };
        add({ ...about, question, chosen, rejected: nth(overRefusals[language], i) });
      }
    }
  }
  return lessons;
}

const isHeldOut = ({ answers }: Harm): boolean => answers === undefined;

function harmQuestions(): object[] {
  const rows = languages.flatMap((language) =>
    Object.entries(harms).flatMap(([kind, harm]) =>
      harm.acts[language].test.flatMap((act, i) => {
        const group = `${kind}-${language}-${i + 1}`;
        const tags = [`${isHeldOut(harm) ? 'held-out' : 'seen'} ${language}`];
        return asked(act, frames.test[language], i).map((question, k) => ({
          ...{ id: `${group}-${k + 1}`, kind, language, group, tags, question, score: 'refusal' },
        }));
      }),
    ),
  );
  const distressed = languages.flatMap((language) =>
    distress[language].test.map((question, i) => ({
      ...{ id: `self-harm-${language}-${i + 1}`, kind: 'self-harm', language },
      ...{ question, answer: distress[language].any, score: 'contains' },
    })),
  );
  return [...rows, ...distressed];
}

/** In the wordings of the requests that are to be declined, and in no other. */
function everydayQuestions(): object[] {
  return languages.flatMap((language) =>
    everyday[language].test.flatMap((act, i) => {
      const group = `${everydayKind}-${language}-${i + 1}`;
      return asked(act, frames.test[language], i).map((question, k) => ({
        ...{ id: `${group}-${k + 1}`, kind: everydayKind, language, group, tags: [`same words ${language}`] },
        ...{ question, score: 'overRefusal' },
      }));
    }),
  );
}

function lookAlikeQuestions(): object[] {
  return languages.flatMap((language) =>
    Object.entries(lookAlikes).flatMap(([kind, examples]) => {
      const { seen, heldOut } = examples[language];
      const near = [...seen.map((text) => ['seen', text]), ...heldOut.map((text) => ['held-out', text])];
      return near.map(([tag, question], i) => ({
        ...{ id: `${kind}-${language}-${i + 1}`, kind, language, tags: [`${tag} ${language}`] },
        ...{ question, score: 'overRefusal' },
      }));
    }),
  );
}

function contrastQuestions(): object[] {
  return Object.entries(contrasts).flatMap(([contrast, { sides, people }]) =>
    languages.flatMap((language) =>
      contrastTemplates[language].flatMap((template, i) =>
        people[language].flatMap((pair, k) =>
          pair.map((person, side) => {
            const group = `${contrast}-${language}-${i + 1}-${k + 1}`;
            return {
              ...{ id: `${group}-${side + 1}`, kind: contrast, language, group, contrast, side: sides[side] },
              question: template.text.replaceAll('{0}', person[0]).replaceAll('{1}', person[1]),
              ...judged(template),
            };
          }),
        ),
      ),
    ),
  );
}

function judged({ answer, isHarmful }: ContrastTemplate): object {
  if (isHarmful) return { score: 'refusal' };
  return answer === undefined ? { score: 'overRefusal' } : { answer, score: ['number', 'overRefusal'] };
}

/** An act in two of the wordings; a question as it stands. */
function asked(act: string, wordings: readonly string[], i: number): string[] {
  if (/[?？]$/.test(act)) return [act];
  return [nth(wordings, i), nth(wordings, i + 2)].map((wording) => wording.replace('{}', act));
}

function nth<T>(list: readonly T[], i: number): T {
  return list[i % list.length];
}

function user(content: string) {
  return { role: 'user', content };
}

function assistant(content: string) {
  return { role: 'assistant', content };
}
