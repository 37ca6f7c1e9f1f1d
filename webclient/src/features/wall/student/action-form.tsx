import { useEffect, useRef, useState, type ReactNode } from 'react';

import { recordTexts } from '../../../core/record/messages';

interface ActionFormProps {
  label: string;
  note: string;
  submit: string;
  danger?: boolean;
  children?: ReactNode;
  /** Tries: false if something in the form is wrong. */
  onSubmit: () => boolean;
  onCancel: () => void;
}

/**
 * The form of one action. The first field that is wrong gets the focus; Escape
 * closes the form and not the panel. What is in it never leaves with a page load.
 */
export function ActionForm({ label, note, submit, danger = false, children, onSubmit, onCancel }: ActionFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('textarea, input, button')?.focus();
  }, []);
  useEffect(() => {
    if (tries > 0) {
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    }
  }, [tries]);

  return (
    <form
      ref={form}
      className={danger ? 'action-form danger' : 'action-form'}
      aria-label={label}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!onSubmit()) {
          setTries(tries + 1);
        }
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          event.preventDefault();
          onCancel();
        }
      }}
    >
      <p>{note}</p>
      {children}
      <div className="actions">
        <button type="submit" className={danger ? 'primary danger' : 'primary'}>
          {submit}
        </button>
        <button type="button" onClick={onCancel}>
          {recordTexts.actions.cancel}
        </button>
      </div>
    </form>
  );
}
