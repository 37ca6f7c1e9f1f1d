import { useRef, useState } from 'react';

import { recordTexts, violationName } from '../../../core/record/messages';
import type { ViolationItem } from '../../../core/record/timeline';
import type { ActionRequest } from '../../../core/wire-invigilator';
import { DismissForm } from './action-forms';

const texts = recordTexts.actions;

interface DismissActionProps {
  item: ViolationItem;
  onAct: (request: ActionRequest) => Promise<boolean>;
}

/** Nothing for a violation without a number: the server could not tell which. */
export function DismissAction({ item, onAct }: DismissActionProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { type, number = 0 } = item.violation;
  if (number === 0) {
    return null;
  }
  const label = texts.dismissOf({ name: `${violationName(type)} ${String(number)}` });
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  return (
    <div className="dismiss">
      <button
        ref={button}
        type="button"
        aria-expanded={open}
        aria-label={label}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {texts.dismiss}
      </button>
      {open && (
        <DismissForm
          label={label}
          violation={type}
          number={number}
          onSend={(request) => {
            close();
            void onAct(request);
          }}
          onCancel={close}
        />
      )}
    </div>
  );
}
