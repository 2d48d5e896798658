// What a built-in fetches or reads is heard by a person as notes in words, whatever library it comes from.
import type { StageReporter } from '../report/event.js';

/** Notes and warnings as they are; the start of a fetch as one line. */
export function noted(note: (text: string) => void): StageReporter {
  return {
    note: (_level, text) => note(text),
    emit(event) {
      if (event.type === 'note') note(event.text);
      if (event.type === 'progress' && event.done === 0 && event.label.startsWith('fetch ')) note(`${event.label} …`);
    },
  };
}
