import { useId, type ReactNode, type RefObject } from 'react';

import { stateName, violationName } from '../../core/record/messages';
import { DENSITIES, type Density } from '../../core/wall/layout';
import { wallTexts as texts } from '../../core/wall/messages';
import { NO_FILTER, type SortKey } from '../../core/wall/order';
import { STATES } from '../../core/wall/store';
import type { Wall } from '../../core/wall/wall';
import type { SessionState } from '../../core/wire-invigilator';
import { useCount, useOrder, useWatching } from './use-wall';

interface ToolbarProps {
  wall: Wall;
  density: Density;
  onDensity: (density: Density) => void;
  search: RefObject<HTMLInputElement | null>;
}

const SORTS: readonly SortKey[] = ['name', 'score'];

/** What of the exam is on the wall, and in which order. */
export function Toolbar({ wall, density, onDensity, search }: ToolbarProps) {
  const { order, store } = wall;
  const { filter, ids, outdated, sort } = useOrder(order);
  const total = useCount(store, 'total');
  const filtered = filter !== NO_FILTER;

  return (
    <div className="toolbar" role="search" aria-label={texts.toolbar}>
      <Field label={texts.search}>
        {(id) => (
          <input
            id={id}
            ref={search}
            type="search"
            placeholder={texts.searchHint}
            value={filter.search}
            onChange={({ target }) => {
              order.filterBy({ ...filter, search: target.value });
            }}
          />
        )}
      </Field>
      <StateSelect wall={wall} />
      <ViolationSelect wall={wall} />
      <Choice
        label={texts.sort}
        options={SORTS}
        value={sort}
        name={(one) => texts.sorts[one]}
        onChange={(one) => {
          order.sortBy(one);
        }}
      />
      <Choice label={texts.density} options={DENSITIES} value={density} name={String} onChange={onDensity} />
      {/* Always there: a button that came by itself would move the tiles. */}
      <button
        type="button"
        className="again"
        title={texts.againWhy}
        aria-disabled={!outdated}
        onClick={() => {
          if (outdated) {
            order.again();
          }
        }}
      >
        {texts.again}
      </button>
      <button
        type="button"
        aria-disabled={!filtered}
        onClick={() => {
          order.filterBy(NO_FILTER);
        }}
      >
        {texts.clear}
      </button>
      <p className="shown" role="status">
        {total === 0 ? '' : texts.shown({ shown: ids.length, total })}
      </p>
    </div>
  );
}
Toolbar.displayName = 'Toolbar';

function StateSelect({ wall: { order, store } }: { wall: Wall }) {
  const { filter } = useOrder(order);
  const states = useCount(store, 'states');

  return (
    <Field label={texts.state}>
      {(id) => (
        <select
          id={id}
          value={filter.states[0] ?? ''}
          onChange={({ target }) => {
            order.filterBy({ ...filter, states: target.value === '' ? [] : [target.value as SessionState] });
          }}
        >
          <option value="">{texts.everyState}</option>
          {STATES.map((state) => (
            <option key={state} value={state}>
              {texts.stateCount({ state: stateName(state), count: states[state] })}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function ViolationSelect({ wall }: { wall: Wall }) {
  const { filter } = useOrder(wall.order);
  const watching = useWatching(wall);
  const types = watching.name === 'ready' ? watching.config.policy.violations.map(({ type }) => type) : [];

  return (
    <Field label={texts.violation}>
      {(id) => (
        <select
          id={id}
          value={filter.violation}
          onChange={({ target }) => {
            wall.order.filterBy({ ...filter, violation: target.value });
          }}
        >
          <option value="">{texts.everyViolation}</option>
          {types.map((type) => (
            <option key={type} value={type}>
              {violationName(type)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface FieldProps {
  /** For screen readers; the field says the same itself. */
  label: string;
  children: (id: string) => ReactNode;
}

function Field({ label, children }: FieldProps) {
  const id = useId();

  return (
    <div className="tool">
      <label htmlFor={id} className="for-readers">
        {label}
      </label>
      {children(id)}
    </div>
  );
}

interface ChoiceProps<T extends string | number> {
  label: string;
  options: readonly T[];
  value: T;
  name: (option: T) => string;
  onChange: (option: T) => void;
}

/** A few options of which one holds. */
function Choice<T extends string | number>({ label, options, value, name, onChange }: ChoiceProps<T>) {
  const id = useId();

  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option}>
          <input
            type="radio"
            name={id}
            checked={option === value}
            onChange={() => {
              onChange(option);
            }}
          />
          <span>{name(option)}</span>
        </label>
      ))}
    </fieldset>
  );
}
