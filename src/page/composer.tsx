// The box to write in. Enter sends and Shift+Enter breaks the line, but an Enter that ends the input of a Chinese word is the
// input method's. While an answer streams the button stops it.
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { Words } from './words.js';

interface ComposerProps {
  words: Words;
  box: RefObject<HTMLTextAreaElement>;
  isBase: boolean;
  isRunning: boolean;
  hasTurns: boolean;
  onAsk: (question: string) => void;
  onStop: () => void;
  onClear: () => void;
}

export function Composer({ words, box, isBase, isRunning, hasTurns, onAsk, onStop, onClear }: ComposerProps) {
  const [text, setText] = useState('');
  const { chat } = words;
  useLayoutEffect(() => fit(box.current), [text, box]);
  const send = (): void => {
    if (text.trim() === '' || isRunning) return;
    onAsk(text);
    setText('');
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          ref={box}
          rows={1}
          aria-label={chat.message}
          placeholder={isBase ? chat.placeholderBase : chat.placeholder}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (!isSendKey(event)) return;
            event.preventDefault();
            send();
          }}
        />
        {isRunning ? (
          <button type="button" class="primary stop" onClick={onStop}>
            {chat.stop}
          </button>
        ) : (
          <button type="submit" class="primary" disabled={text.trim() === ''}>
            {chat.send}
          </button>
        )}
      </div>
      <p class="composer-note">
        <span class="soft keys">{chat.hint}</span>
        {hasTurns && (
          <button type="button" class="quiet" onClick={onClear}>
            {chat.clear}
          </button>
        )}
      </p>
    </form>
  );
}

/** Enter, alone or with Ctrl or Cmd. */
export function isSendKey({ key, shiftKey, isComposing }: KeyboardEvent): boolean {
  return key === 'Enter' && !shiftKey && !isComposing;
}

/** As tall as its text, up to what the style allows. */
export function fit(box: HTMLTextAreaElement | null): void {
  if (box === null) return;
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight + 2}px`;
}
