import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';

import { GAP, inView, layout, type Density, type Layout } from '../../core/wall/layout';
import { wallTexts as texts } from '../../core/wall/messages';
import type { Slots } from '../../core/wall/slots';
import type { Wall } from '../../core/wall/wall';
import { step } from './grid-keys';
import { Tile } from './tile';
import { useSize } from './use-size';

interface GridProps {
  wall: Wall;
  slots: Slots | null;
  /** How many tiles next to those in sight have a slot already. */
  warm: number;
  ids: readonly string[];
  density: Density;
  opened: string | null;
  onOpen: (id: string) => void;
}

/** The tiles in sight and a row around them, in one scrolling grid. */
export function Grid(props: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const shape = useMemo(() => (size === null ? null : layout(size.width, size.height, props.density)), [size, props.density]);

  return (
    <div ref={scroller} className="wall-scroll" tabIndex={-1}>
      {shape !== null && <Rows {...props} shape={shape} scroller={scroller.current} />}
    </div>
  );
}
Grid.displayName = 'Grid';

interface RowsProps extends GridProps {
  shape: Layout;
  scroller: HTMLElement | null;
}

function Rows({ wall, slots, warm, ids, opened, onOpen, shape, scroller }: RowsProps) {
  const { columns, tileHeight } = shape;
  const [chosen, setChosen] = useState<string | null>(null);
  // One tile takes the focus for all (roving tabindex), and keeps it by its student, wherever that is.
  const active = Math.max(0, chosen === null ? 0 : ids.indexOf(chosen));
  const activeRow = Math.floor(active / columns);
  const rows = useVirtualizer({
    count: Math.ceil(ids.length / columns),
    getScrollElement: () => scroller,
    estimateSize: () => tileHeight,
    gap: GAP,
    overscan: 1,
    // A tile that has the focus stays, or the focus would be nowhere.
    rangeExtractor: useCallback(
      (range: Range) => {
        const shown = defaultRangeExtractor(range);

        return shown.includes(activeRow) || activeRow >= range.count ? shown : [...shown, activeRow].sort((a, b) => a - b);
      },
      [activeRow],
    ),
  });
  useEffect(() => {
    rows.measure();
  }, [rows, tileHeight]);
  const first = rows.range?.startIndex ?? 0;
  const last = rows.range?.endIndex ?? 0;
  useEffect(() => {
    const { live, near } = inView(ids, columns, first, last, warm);
    slots?.show(live, near);
  }, [slots, ids, columns, first, last, warm]);
  const goTo = useFocus(scroller);
  const onKeyDown = (event: KeyboardEvent) => {
    const id = ids[active];
    if (id === undefined || event.altKey || event.metaKey) {
      return;
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      onOpen(id);

      return;
    }
    const to = step(event, active, columns, ids.length, Math.max(1, last - first) * columns);
    const next = to === null ? undefined : ids[to];
    if (to !== null && next !== undefined) {
      event.preventDefault();
      rows.scrollToIndex(Math.floor(to / columns), { align: 'auto' });
      goTo(next);
      setChosen(next);
    }
  };

  return (
    <div
      role="grid"
      aria-label={texts.grid}
      aria-rowcount={Math.ceil(ids.length / columns)}
      aria-colcount={columns}
      className="wall-grid"
      style={{ height: rows.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {rows.getVirtualItems().map(({ index, start, key }) => (
        <div
          key={key}
          role="row"
          aria-rowindex={index + 1}
          className="wall-row"
          style={{ transform: `translateY(${String(start)}px)`, height: tileHeight, gridTemplateColumns: `repeat(${String(columns)}, 1fr)` }}
        >
          {ids.slice(index * columns, (index + 1) * columns).map((id, column) => (
            <Tile
              key={id}
              wall={wall}
              slots={slots}
              id={id}
              column={column + 1}
              tabbable={id === ids[active]}
              open={id === opened}
              onOpen={onOpen}
              onFocus={setChosen}
            />
          ))}
        </div>
      ))}
    </div>
  );
}
Rows.displayName = 'Rows';

/** Focuses a tile once it is there: scrolling may have yet to bring it. */
function useFocus(scroller: HTMLElement | null): (id: string) => void {
  const wanted = useRef<string | null>(null);
  useEffect(() => {
    const tile = wanted.current === null ? null : scroller?.querySelector<HTMLElement>(`[data-id="${CSS.escape(wanted.current)}"]`);
    if (tile != null) {
      wanted.current = null;
      tile.focus({ preventScroll: true });
    }
  });

  return (id) => {
    wanted.current = id;
  };
}
