import { useState } from 'react';

import { lengthOf, MAX_TEXT, wrongId, wrongMinutes, wrongText, type Wrong } from '../../../core/record/draft';
import { recordTexts } from '../../../core/record/messages';
import type { ActionRequest } from '../../../core/wire-invigilator';
import { ActionForm } from './action-form';
import { LineField, TextField } from './text-field';

const texts = recordTexts.actions;

interface FormProps {
  onSend: (request: ActionRequest) => void;
  onCancel: () => void;
}

/** What is wrong is said after the first attempt, and then as it is put right. */
function useTried(): [boolean, (wrong: (Wrong | null)[]) => boolean] {
  const [tried, setTried] = useState(false);

  return [
    tried,
    (wrong) => {
      setTried(true);

      return wrong.every((of) => of === null);
    },
  ];
}

export function WriteForm({ kind, onSend, onCancel }: FormProps & { kind: 'message' | 'warn' }) {
  const [text, setText] = useState('');
  const [tried, check] = useTried();
  const wrong = wrongText(text);
  const warn = kind === 'warn';

  return (
    <ActionForm
      label={warn ? texts.warn : texts.message}
      note={texts.shown}
      submit={warn ? texts.sendWarning : texts.sendMessage}
      onSubmit={() => {
        const good = check([wrong]);
        if (good) {
          onSend({ kind, text });
        }

        return good;
      }}
      onCancel={onCancel}
    >
      <TextField label={warn ? texts.warnText : texts.messageText} value={text} wrong={tried ? wrong : null} onChange={setText} />
    </ActionForm>
  );
}

export function ExtendForm({ onSend, onCancel }: FormProps) {
  const [minutes, setMinutes] = useState('10');
  const [tried, check] = useTried();
  const wrong = wrongMinutes(minutes);

  return (
    <ActionForm
      label={texts.extend}
      note={texts.extendNote}
      submit={texts.extendDo}
      onSubmit={() => {
        const good = check([wrong]);
        if (good) {
          onSend({ kind: 'extend', minutes: Number(minutes) });
        }

        return good;
      }}
      onCancel={onCancel}
    >
      <LineField label={texts.minutes} value={minutes} wrong={tried ? wrong : null} onChange={setMinutes} numeric />
    </ActionForm>
  );
}

/** Ends the exam: only with a reason, and with the student's id typed. */
export function TerminateForm({ id, name, onSend, onCancel }: FormProps & { id: string; name: string }) {
  const [reason, setReason] = useState('');
  const [text, setText] = useState('');
  const [typed, setTyped] = useState('');
  const [tried, check] = useTried();
  const wrong = {
    reason: wrongText(reason),
    text: lengthOf(text) > MAX_TEXT ? ('tooLong' as const) : null,
    typed: wrongId(typed, id),
  };

  return (
    <ActionForm
      label={texts.terminate}
      note={texts.terminateNote({ name })}
      submit={texts.terminateDo}
      danger
      onSubmit={() => {
        const good = check(Object.values(wrong));
        if (good) {
          onSend({ kind: 'terminate', reason, ...(text.trim() === '' ? {} : { text }) });
        }

        return good;
      }}
      onCancel={onCancel}
    >
      <TextField label={texts.reason} value={reason} wrong={tried ? wrong.reason : null} onChange={setReason} />
      <TextField label={texts.textOptional} value={text} wrong={tried ? wrong.text : null} onChange={setText} />
      <LineField label={texts.confirm({ id })} value={typed} wrong={tried ? wrong.typed : null} onChange={setTyped} />
    </ActionForm>
  );
}

/** Takes one violation out of the score, with a reason. */
export function DismissForm({ label, violation, number, onSend, onCancel }: FormProps & { label: string; violation: string; number: number }) {
  const [reason, setReason] = useState('');
  const [tried, check] = useTried();
  const wrong = wrongText(reason);

  return (
    <ActionForm
      label={label}
      note={texts.dismissNote}
      submit={texts.dismissDo}
      onSubmit={() => {
        const good = check([wrong]);
        if (good) {
          onSend({ kind: 'dismiss', violation, number, reason });
        }

        return good;
      }}
      onCancel={onCancel}
    >
      <TextField label={texts.reason} value={reason} wrong={tried ? wrong : null} onChange={setReason} />
    </ActionForm>
  );
}
