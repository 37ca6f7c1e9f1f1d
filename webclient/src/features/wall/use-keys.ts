import { useEffect, type RefObject } from 'react';

import { DENSITIES, type Density } from '../../core/wall/layout';
import { NO_FILTER, type WallOrder } from '../../core/wall/order';
import { LEVELS } from '../../core/wall/store';
import { toggled } from './toggled';

interface Keys {
  order: WallOrder;
  search: RefObject<HTMLInputElement | null>;
  density: Density;
  onDensity: (density: Density) => void;
  onHelp: () => void;
  /** Off: a person has switched single keys off. */
  on: boolean;
}

/** The keys that work wherever the focus is, but in a field or a dialog. */
export function useKeys({ order, search, density, onDensity, onHelp, on }: Keys): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) {
        return;
      }
      const { key, target } = event;
      if (key === 'Escape' && target === search.current) {
        order.filterBy({ ...order.state().filter, search: '' });
        search.current?.blur();

        return;
      }
      if (!on || (target instanceof Element && target.closest('input, textarea, select, dialog, .student-panel') !== null)) {
        return;
      }
      if (act(key)) {
        event.preventDefault();
      }
    };
    const act = (key: string): boolean => {
      const { filter } = order.state();
      const level = LEVELS[Number(key) - 1];
      if (level !== undefined) {
        order.filterBy({ ...filter, levels: toggled(filter.levels, level) });

        return true;
      }
      const step = (by: number) => {
        onDensity(DENSITIES[DENSITIES.indexOf(density) + by] ?? density);
      };
      const acts: Partial<Record<string, () => void>> = {
        '/': () => search.current?.focus(),
        '?': onHelp,
        '0': () => {
          order.filterBy(NO_FILTER);
        },
        n: () => {
          order.sortBy('name');
        },
        s: () => {
          order.sortBy('score');
        },
        r: () => {
          order.again();
        },
        '+': () => {
          step(1);
        },
        '-': () => {
          step(-1);
        },
      };
      const run = acts[key.toLowerCase()];
      run?.();

      return run !== undefined;
    };
    window.addEventListener('keydown', pressed);

    return () => {
      window.removeEventListener('keydown', pressed);
    };
  }, [order, search, density, onDensity, onHelp, on]);
}
