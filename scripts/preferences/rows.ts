// From the lists beside it to rows. Wordings that are learnt in fine-tuning are never asked in a preference, and all pairs
// about one thing are of one group: what is held out is asked about nothing that the other pairs ask about.
import { type CourtesyLanguage, manners, topics } from './questions.js';

type Manner = keyof typeof manners;

const languages: readonly CourtesyLanguage[] = ['en', 'zh'];
const inTurn: readonly Manner[] = ['warm', 'curt', 'gruff'];
/** Wordings of each question that are for fine-tuning; the others are for preferences. */
const learntWordings = 3;

/** Path below the project → the rows of that file. */
export function courtesyFiles(): Record<string, object[]> {
  const pairs: object[] = [];
  const conversations: object[] = [];
  for (const { name, ...topic } of topics) {
    for (const language of languages) {
      for (const [number, [subject, answer]] of topic[language].items.entries()) {
        const group = `${name}-${language}-${number + 1}`;
        const say = (manner: Manner): string => manners[manner][language](answer[0].toUpperCase() + answer.slice(1));
        for (const [wording, text] of topic[language].wordings.entries()) {
          const row = { id: `${group}-${wording + 1}`, kind: name, language, group };
          const prompt = text.replace('{}', subject);
          if (wording < learntWordings) {
            for (const manner of inTurn) {
              const messages = [
                { role: 'user', content: prompt },
                { role: 'assistant', content: say(manner) },
              ];
              const check = { type: 'contains', any: [answer] };
              conversations.push({ ...row, id: `${row.id}-${manner}`, group: row.id, messages, check });
            }
          } else {
            const worse = (number + wording) % 2 === 0 ? 'curt' : 'gruff';
            pairs.push({ ...row, prompt, chosen: say('warm'), rejected: say(worse) });
          }
        }
      }
    }
  }
  return {
    'data-specs/preferences/courtesy.jsonl': pairs,
    'data-specs/preferences/manners.jsonl': conversations,
  };
}
