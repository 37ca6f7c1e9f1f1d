import { useRef, useState, type ReactNode } from 'react';

import { recordTexts } from '../../../core/record/messages';
import type { ActionRequest } from '../../../core/wire-invigilator';
import { ActionForm } from './action-form';
import { ExtendForm, TerminateForm, WriteForm } from './action-forms';

const texts = recordTexts.actions;

interface StudentActionsProps {
  id: string;
  name: string;
  state: string;
  /** Whether the student's time ends at all, so that some can be added. */
  hasEnd: boolean;
  onAct: (request: ActionRequest) => Promise<boolean>;
}

type Open = 'message' | 'warn' | 'pause' | 'resume' | 'extend' | 'terminate';

/** The buttons of what can be done now, and the form of the one that was pressed. */
export function StudentActions({ id, name, state, hasEnd, onAct }: StudentActionsProps) {
  const [open, setOpen] = useState<Open | null>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const paused = state === 'Paused';
  const offered: Open[] = [
    'message',
    'warn',
    paused ? 'resume' : 'pause',
    ...(hasEnd ? (['extend'] as const) : []),
    'terminate',
  ];
  const close = () => {
    buttons.current?.querySelector<HTMLElement>('[aria-expanded="true"]')?.focus();
    setOpen(null);
  };
  const send = (request: ActionRequest) => {
    close();
    void onAct(request);
  };
  const forms: Record<Open, () => ReactNode> = {
    message: () => <WriteForm kind="message" onSend={send} onCancel={close} />,
    warn: () => <WriteForm kind="warn" onSend={send} onCancel={close} />,
    pause: () => <PlainForm kind="pause" onSend={send} onCancel={close} />,
    resume: () => <PlainForm kind="resume" onSend={send} onCancel={close} />,
    extend: () => <ExtendForm onSend={send} onCancel={close} />,
    terminate: () => <TerminateForm id={id} name={name} onSend={send} onCancel={close} />,
  };

  return (
    <>
      <div className="actions" ref={buttons}>
        {offered.map((kind) => (
          <button
            key={kind}
            type="button"
            className={kind === 'terminate' ? 'danger' : undefined}
            aria-expanded={kind === open}
            onClick={() => {
              setOpen(kind === open ? null : kind);
            }}
          >
            {texts[kind]}
          </button>
        ))}
      </div>
      {open !== null && offered.includes(open) && <div key={open}>{forms[open]()}</div>}
    </>
  );
}

interface PlainFormProps {
  kind: 'pause' | 'resume';
  onSend: (request: ActionRequest) => void;
  onCancel: () => void;
}

function PlainForm({ kind, onSend, onCancel }: PlainFormProps) {
  const pause = kind === 'pause';

  return (
    <ActionForm
      label={texts[kind]}
      note={pause ? texts.pauseNote : texts.resumeNote}
      submit={pause ? texts.pauseDo : texts.resumeDo}
      onSubmit={() => {
        onSend({ kind });

        return true;
      }}
      onCancel={onCancel}
    />
  );
}
