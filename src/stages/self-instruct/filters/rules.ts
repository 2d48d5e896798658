// What a usable task and a usable answer look like, in Chinese and English alike. Each rule has a name that the report
// counts; nothing is dropped for being non-ASCII (the rules of the original Self-Instruct drop every Chinese task).
import { languageShare, wordsOf } from '../../../base/words.js';
import { checkAnswer, isRefusal } from '../../../evaluation/checks.js';
import { familyOf } from '../families/table.js';
import { wordingOf } from '../task-key.js';
import type { ProposedTask, Solution, TaskLanguage } from '../teacher.js';

/** Words or Chinese characters. */
export const maxWords = { prompt: 150, answer: 300 };

/** Asks for what a text model has no hands or eyes for. Looked for in the request, not in what it quotes. */
const impossible = {
  zh: /图像|图片|照片|图表|视频|音频|录音|附件|链接|网址|画(?:一|出|个|幅|张)|打开文件|下载|上传/,
  en: /\b(?:images?|graphs?|pictures?|photos?|files?|maps?|draw|plot|charts?|diagrams?|videos?|audio|music|links?|go to|download|upload)\b/i,
} as const;

/** The rule that a proposed task breaks, if any. */
export function promptFault(task: ProposedTask): string | undefined {
  const question = task.turns[task.turns.length - 1];
  const wording = wordingOf(task.kind, question);
  // Two letters or digits at least: "Hi" and "早安" are prompts, "a" is not.
  if (!/[\p{L}\p{N}].*[\p{L}\p{N}]/su.test(question)) return 'prompt too short';
  if (wordsOf(question).length > maxWords.prompt) return 'prompt too long';
  if (impossible[task.language].test(wording)) return 'prompt asks for what text cannot do';
  if (/[:：,，、]\s*$/.test(question)) return 'prompt unfinished';
  if (familyOf(task.kind).anyLanguage !== 'prompt' && languageShare(wording, task.language) < 0.5)
    return 'prompt in another language';
  return undefined;
}

/** The rule that an answer breaks, if any. */
export function answerFault(task: ProposedTask, solution: Solution): string | undefined {
  const { answer, check, final = answer } = solution;
  const question = task.turns[task.turns.length - 1];
  const words = wordsOf(answer).length;
  if (words === 0) return 'answer empty';
  if (words > maxWords.answer) return 'answer too long';
  if (answer.trim() === question.trim()) return 'answer echoes the prompt';
  if (/[:：,，、]\s*$/.test(answer)) return 'answer unfinished';
  const { anyLanguage, isRight } = familyOf(task.kind);
  if (anyLanguage !== 'answer' && languageShare(answer, task.language) < 0.5) return 'answer in another language';
  if (isRight?.(question, final) === false) return 'answer is wrong';
  // A check that it passes is the better judge: a refusal is wanted where the task is harmful, "I" where it is the model.
  if (check !== undefined) return checkAnswer(check, final, task.language) ? undefined : 'answer fails its check';
  return uncheckedFault(answer, task.language);
}

/** What is wrong with an answer that no program can call right: cut off, going round in circles, declining, or padding. */
function uncheckedFault(answer: string, language: TaskLanguage): string | undefined {
  if (isCutOff(answer)) return 'answer unfinished';
  if (isRepetitive(answer)) return 'answer repeats itself';
  if (isRefusal(answer, language)) return 'answer refuses';
  if (boilerplate[language].test(answer)) return 'answer is boilerplate';
  return undefined;
}

/** An assistant on itself, its limits and its date, which no user asked for. */
const boilerplate = {
  zh: /作为(?:一[个名款]|一种)?(?:人工智能|AI|大?语言模型|智能助手)|(?:截至|根据)我的(?:知识|训练)|我的知识(?:库)?(?:截止|更新)|(?:无法|不能)(?:访问|浏览|连接)(?:互联网|网络|实时)|希望(?:以上|这些|这个|我的)[^。！？]{0,12}(?:对你|对您|能帮|有所帮助|有帮助)/,
  en: /\b(?:as an? (?:AI|artificial intelligence|large language|language|virtual)\b[^.]{0,20}\b(?:model|assistant|AI)|(?:my|of my) (?:knowledge cut-?off|training data|last update)|(?:cannot|can't|unable to|don't have the ability to) (?:browse|access) (?:the )?(?:internet|web|real-time)|I hope (?:this|that|it) helps|let me know if you (?:need|have))\b/i,
} as const;

/** Words that no sentence ends with. */
const openEnds = {
  zh: /(?:和|与|以及|或者|因为|所以|但是|而且|例如|比如|包括|如果|虽然|并且)$/,
  en: /\b(?:and|or|but|the|an|of|to|with|for|because|such as|for example|including|which|that are)$/i,
} as const;

/** From so many words on, an answer that ends in a letter was probably cut off; shorter ones are names, titles, lines of verse. */
const proseWords = 60;

function isCutOff(answer: string): boolean {
  const text = answer.trimEnd();
  if ((text.match(/^\s*```/gm)?.length ?? 0) % 2 === 1) return true;
  if (/[([{（「『《“:：,，、;；]$/.test(text) || openEnds.zh.test(text) || openEnds.en.test(text)) return true;
  const lastLine = text.slice(text.lastIndexOf('\n') + 1);
  // The last entry of a list, a table's row or code needs no full stop.
  if (/^\s*(?:[-*+•|]|\d+[.)、]|```)/.test(lastLine)) return false;
  return wordsOf(text).length >= proseWords && /[\p{L}\p{N}]$/u.test(text);
}

/** The same sentence or line three times and more, or a short piece over and over at the end. */
function isRepetitive(answer: string): boolean {
  const counts = new Map<string, number>();
  for (const sentence of answer.split(/[\n.!?。！？]+/)) {
    const words = wordsOf(sentence);
    if (words.length < 4) continue;
    const key = words.join(' ');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if ([...counts.values()].some((count) => count >= 3)) return true;
  const words = wordsOf(answer);
  for (let size = 1; size <= 8 && size * 5 <= words.length; size++) {
    const tail = words.slice(-5 * size);
    if (tail.every((word, i) => word === tail[i % size])) return true;
  }
  return false;
}
