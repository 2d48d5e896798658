// What a usable task and a usable answer look like, in Chinese and English alike. Each rule has a name that the report
// counts; nothing is dropped for being non-ASCII (the rules of the original Self-Instruct drop every Chinese task).
import { languageShare, wordsOf } from '../../base/words.js';
import { checkAnswer } from '../../evaluation/checks.js';
import { familyOf } from './families/table.js';
import { wordingOf } from './task-key.js';
import type { ProposedTask, Solution } from './teacher.js';

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
  const { answer, check } = solution;
  const question = task.turns[task.turns.length - 1];
  const words = wordsOf(answer).length;
  if (words === 0) return 'answer empty';
  if (words > maxWords.answer) return 'answer too long';
  if (answer.trim() === question.trim()) return 'answer echoes the prompt';
  if (/[:：,，、]\s*$/.test(answer)) return 'answer unfinished';
  const { anyLanguage, isRight } = familyOf(task.kind);
  if (anyLanguage !== 'answer' && languageShare(answer, task.language) < 0.5) return 'answer in another language';
  if (isRight?.(question, answer) === false) return 'answer is wrong';
  if (check !== undefined && !checkAnswer(check, answer, task.language)) return 'answer fails its check';
  return undefined;
}
