// A text that is there already, being changed in place: a question that is asked again, an answer that is corrected.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { fit } from './composer.js';

interface EditingFormProps {
  text: string;
  /** What the box is, for who cannot see it. */
  label: string;
  save: string;
  cancel: string;
  isBusy?: boolean;
  isSaveKey: (event: KeyboardEvent) => boolean;
  onChange: (text: string) => void;
  /** Never called with a blank text. */
  onSave: () => void;
  onClose: () => void;
  /** Stands behind the buttons. */
  children?: ComponentChildren;
}

export function EditingForm(props: EditingFormProps) {
  const { text, label, save, cancel, isBusy = false, isSaveKey, onChange, onSave, onClose, children } = props;
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => box.current?.focus(), []);
  useLayoutEffect(() => fit(box.current), [text]);
  const isBlank = text.trim() === '';
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isBlank) onSave();
  };
  return (
    <form class="editing" onSubmit={submit}>
      <textarea
        ref={box}
        rows={1}
        aria-label={label}
        value={text}
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onClose();
          if (isSaveKey(event)) submit(event);
        }}
      />
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy || isBlank}>
          {save}
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          {cancel}
        </button>
        {children}
      </div>
    </form>
  );
}
