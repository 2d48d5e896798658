// Inflected English words → what they may be forms of, by the endings that WordNet's own library takes off (morphy(7WN)),
// and the verbs and plurals that follow no rule and that a text is full of. A form that is no word is simply not found.
import type { PartOfSpeech } from './wordnet.js';

const endings: Record<PartOfSpeech, readonly (readonly [string, string])[]> = {
  noun: [
    ...([
      ['ies', 'y'],
      ['ches', 'ch'],
      ['shes', 'sh'],
      ['sses', 'ss'],
      ['xes', 'x'],
      ['zes', 'z'],
    ] as const),
    ...([
      ['ves', 'f'],
      ['ves', 'fe'],
      ['men', 'man'],
      ['ses', 's'],
      ['s', ''],
    ] as const),
  ],
  verb: [
    ...([
      ['ies', 'y'],
      ['ied', 'y'],
      ['es', 'e'],
      ['es', ''],
      ['s', ''],
    ] as const),
    ...([
      ['ed', 'e'],
      ['ed', ''],
      ['ing', 'e'],
      ['ing', ''],
    ] as const),
  ],
  adj: [
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
    ['ier', 'y'],
    ['iest', 'y'],
  ],
  adv: [],
};

/** A consonant that was doubled before the ending: running, stopped, bigger. */
const doubled = /([bdgklmnprt])\1$/;

const irregular: Partial<Record<PartOfSpeech, Readonly<Record<string, string>>>> = {
  noun: {
    children: 'child',
    people: 'person',
    feet: 'foot',
    teeth: 'tooth',
    geese: 'goose',
    mice: 'mouse',
    oxen: 'ox',
  },
  verb: {
    ...{
      am: 'be',
      is: 'be',
      are: 'be',
      was: 'be',
      were: 'be',
      been: 'be',
      has: 'have',
      had: 'have',
      did: 'do',
      done: 'do',
    },
    ...{ went: 'go', gone: 'go', ran: 'run', came: 'come', saw: 'see', seen: 'see', took: 'take', taken: 'take' },
    ...{ gave: 'give', given: 'give', got: 'get', made: 'make', said: 'say', knew: 'know', known: 'know' },
    ...{
      thought: 'think',
      bought: 'buy',
      brought: 'bring',
      caught: 'catch',
      taught: 'teach',
      told: 'tell',
      sold: 'sell',
    },
    ...{ wrote: 'write', written: 'write', ate: 'eat', eaten: 'eat', fell: 'fall', fallen: 'fall', flew: 'fly' },
    ...{ flown: 'fly', grew: 'grow', grown: 'grow', drew: 'draw', drawn: 'draw', spoke: 'speak', spoken: 'speak' },
    ...{
      broke: 'break',
      broken: 'break',
      chose: 'choose',
      chosen: 'choose',
      began: 'begin',
      begun: 'begin',
      sang: 'sing',
    },
    ...{ sung: 'sing', drank: 'drink', drunk: 'drink', swam: 'swim', kept: 'keep', slept: 'sleep', felt: 'feel' },
    ...{ left: 'leave', lost: 'lose', met: 'meet', paid: 'pay', sat: 'sit', stood: 'stand', understood: 'understand' },
    ...{ held: 'hold', heard: 'hear', built: 'build', sent: 'send', spent: 'spend', won: 'win', found: 'find' },
  },
  adj: { better: 'good', best: 'good', worse: 'bad', worst: 'bad' },
};

/** The likeliest first. */
export function baseForms(word: string, part: PartOfSpeech): string[] {
  const forms = new Set<string>();
  const exception = irregular[part];
  if (exception !== undefined && Object.hasOwn(exception, word)) forms.add(exception[word]);
  for (const [ending, instead] of endings[part]) {
    if (!word.endsWith(ending) || word.length <= ending.length + 1) continue;
    const stem = word.slice(0, word.length - ending.length);
    if (instead === '' && ending !== 's' && doubled.test(stem)) forms.add(stem.slice(0, -1));
    forms.add(stem + instead);
  }
  return [...forms];
}
