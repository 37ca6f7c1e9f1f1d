import { useId } from 'react';

import { lengthOf, MAX_TEXT, type Wrong } from '../../../core/record/draft';
import { recordTexts, wrongTexts } from '../../../core/record/messages';

const texts = recordTexts.actions;

interface FieldProps {
  label: string;
  value: string;
  wrong: Wrong | null;
  onChange: (value: string) => void;
}

/** A text for the student or the record, with what is left of its length. */
export function TextField({ label, value, wrong, onChange }: FieldProps) {
  const id = useId();
  const left = MAX_TEXT - lengthOf(value);

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        rows={3}
        value={value}
        aria-invalid={wrong !== null}
        aria-describedby={`${id}-hint`}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
      <p id={`${id}-hint`} className={wrong === null ? 'soft small' : 'wrong'}>
        {wrong !== null && `${wrongTexts[wrong]} `}
        {left >= 0 ? texts.left({ left }) : texts.over500({ over: -left })}
      </p>
    </div>
  );
}

/** One line: a number of minutes, or an id. */
export function LineField({ label, value, wrong, onChange, numeric = false }: FieldProps & { numeric?: boolean }) {
  const id = useId();

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode={numeric ? 'numeric' : 'text'}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        value={value}
        aria-invalid={wrong !== null}
        aria-describedby={wrong === null ? undefined : `${id}-hint`}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
      {wrong !== null && (
        <p id={`${id}-hint`} className="wrong">
          {wrongTexts[wrong]}
        </p>
      )}
    </div>
  );
}
