// The box to write in. Enter sends and Shift+Enter breaks the line, but an Enter that ends the input of a Chinese word is the
// input method's. While an answer streams the button stops it.
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer } from 'preact/hooks';
import type { ChatStore } from './chat-store.js';
import type { Words } from './words.js';

interface ComposerProps {
  chat: ChatStore;
  words: Words;
  box: RefObject<HTMLTextAreaElement>;
  isBase: boolean;
  onAsk: (question: string) => void;
  onStartOver: () => void;
}

export function Composer({ chat, words, box, isBase, onAsk, onStartOver }: ComposerProps) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const text = chat.draft;
  const { isRunning, turns } = chat;
  const { hint, message, placeholder, placeholderBase, send: sendWord, stop, clear } = words.chat;
  const write = (draft: string): void => {
    chat.draft = draft;
    redraw(undefined);
  };
  useLayoutEffect(() => fit(box.current), [text, box]);
  const send = (): void => {
    if (text.trim() === '' || isRunning) return;
    onAsk(text);
    write('');
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
          aria-label={message}
          placeholder={isBase ? placeholderBase : placeholder}
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (!isSendKey(event)) return;
            event.preventDefault();
            send();
          }}
        />
        {isRunning ? (
          <button type="button" class="primary stop" onClick={() => chat.stop()}>
            {stop}
          </button>
        ) : (
          <button type="submit" class="primary" disabled={text.trim() === ''}>
            {sendWord}
          </button>
        )}
      </div>
      <p class="composer-note">
        <span class="soft keys">{hint}</span>
        {turns.length > 0 && (
          <button type="button" class="quiet only-narrow" onClick={onStartOver}>
            {clear}
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
