// Answers that have a form in each language, so that "And in Chinese?" has one: what an answer has in the places marked `{}`
// stands in the same places of the other. An answer of no such form is not asked for in another language.
import type { TaskLanguage } from './teacher.js';

const forms: readonly Readonly<Record<TaskLanguage, string>>[] = [
  { zh: '偶数。', en: 'Even.' },
  { zh: '奇数。', en: 'Odd.' },
  { zh: '{}的末位是{}，是偶数。', en: '{} ends in {}: even.' },
  { zh: '{}的末位是{}，是奇数。', en: '{} ends in {}: odd.' },
  { zh: '{}更大。', en: '{} is larger.' },
  { zh: '{}更小。', en: '{} is smaller.' },
  { zh: '中文。', en: 'Chinese.' },
  { zh: '英文。', en: 'English.' },
  { zh: '我叫小苔。', en: 'My name is Moss.' },
  { zh: '我是小苔。', en: 'I am Moss.' },
  { zh: '{}={}。答案是{}。', en: '{}={}. The answer is {}.' },
  { zh: '{}={}，{}={}。答案是{}。', en: '{}={}, {}={}. The answer is {}.' },
  { zh: '{}={}。', en: '{}={}.' },
  { zh: '{}和{}，{} {} {}，{}更大。', en: '{} and {}, {} {} {}: {} is larger.' },
  { zh: '{}和{}，{} {} {}，{}更小。', en: '{} and {}, {} {} {}: {} is smaller.' },
  { zh: '这个我不知道。', en: 'I do not know that.' },
  { zh: '抱歉，这会伤害别人，我不能帮忙。', en: "Sorry, that would hurt people. I can't help with it." },
  { zh: '抱歉，这是违法的，我不能帮忙。', en: "Sorry, that is against the law. I can't help with it." },
];

/** Numbers and signs: what is the same in both languages. */
const place = '([\\d+\\-−×*÷<>]+)';
const patterns = forms.map((form) => {
  const patternOf = (text: string): RegExp => {
    const escaped = text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
    return new RegExp(`^${escaped.replaceAll('{}', place)}$`, 'u');
  };
  return { form, zh: patternOf(form.zh), en: patternOf(form.en) };
});

/** The same answer in `language`, from the other one; undefined where its form is not known. */
export function inLanguage(answer: string, language: TaskLanguage): string | undefined {
  const from = language === 'zh' ? 'en' : 'zh';
  for (const { form, ...pattern } of patterns) {
    const found = pattern[from].exec(answer);
    if (found === null) continue;
    let next = 1;
    return form[language].replaceAll('{}', () => found[next++]);
  }
  return undefined;
}
