// The conversations that this browser keeps: beside the one that is shown where there is room, else behind a line above it.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChatStore } from './chat-store.js';
import { DeleteButton, dateFormat } from './parts.js';
import type { Words } from './words.js';

interface ConversationListProps {
  chat: ChatStore;
  words: Words;
  onNew: () => void;
  /** One that can be read was opened. */
  onOpen: () => void;
}

/** Where both stand beside each other; style/chat.css has the same. */
const wide = '(min-width: 1000px)';

export function ConversationList(props: ConversationListProps) {
  const { chat, words } = props;
  const isWide = useMedia(wide);
  const { conversations } = words.chat;
  if (isWide)
    return (
      <nav class="talks" aria-label={conversations}>
        <List {...props} />
      </nav>
    );
  return (
    <details class="talks settings">
      <summary>
        {conversations} ({chat.conversations.length})
      </summary>
      <nav aria-label={conversations}>
        <List {...props} />
      </nav>
    </details>
  );
}

function List({ chat, words, onNew, onOpen }: ConversationListProps) {
  const [unreadable, setUnreadable] = useState<string>();
  const create = useRef<HTMLButtonElement>(null);
  const texts = words.chat;
  const date = dateFormat(words);
  const open = (id: string): void => {
    const isRead = chat.open(id);
    setUnreadable(isRead ? undefined : id);
    if (isRead) onOpen();
  };
  const remove = (id: string): void => {
    chat.remove(id);
    create.current?.focus();
  };
  return (
    <>
      <button type="button" class="new" ref={create} onClick={onNew}>
        {texts.clear}
      </button>
      <ul>
        {chat.conversations.map(({ id, title, changed }) => (
          <li key={id}>
            <button
              type="button"
              class="talk"
              {...(id === chat.id && { 'aria-current': 'true' as const })}
              onClick={() => open(id)}
            >
              <b class="talk-title" dir="auto">
                {title ?? texts.unreadableConversation}
              </b>
              <small class="soft">{id === unreadable ? texts.unreadableConversation : date.format(changed)}</small>
            </button>
            <DeleteButton
              words={words}
              label={texts.deleteConversation(title ?? id)}
              ask={texts.deleteAsk}
              onDelete={() => remove(id)}
            />
          </li>
        ))}
      </ul>
      <p class="soft">
        {chat.conversations.length === 0 ? texts.noConversations : `${texts.conversationsKept} ${texts.judgedStays}`}
      </p>
    </>
  );
}

export function useMedia(query: string): boolean {
  const [isTrue, setTrue] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = (): void => setTrue(list.matches);
    list.addEventListener('change', change);
    return () => list.removeEventListener('change', change);
  }, [query]);
  return isTrue;
}
