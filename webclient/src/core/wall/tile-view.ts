// What a tile says of its student, beside the picture. A session has more than
// that, and changes more often: a tile renders when its own words change.

import type { FeedSession, Level, SessionState } from '../wire-invigilator';
import { same, type WallEvent, type WallStore } from './store';

export interface TileView {
  id: string;
  name: string;
  score: number;
  level: Level;
  state: SessionState;
  /** The last violation that counted. */
  last: { type: string; at: number } | null;
  /** What invigilators last did here, since this page was opened. */
  action: { kind: string; at: number } | null;
  /** How much of the exam the camera was seen, in whole percent; null before the student was live. */
  coverage: number | null;
}

export function tileView(session: FeedSession, events: readonly WallEvent[]): TileView {
  const { student: id, name, score, level, state } = session;

  return { id, name, score, level, state, last: lastViolation(session, events), action: lastAction(events), coverage: covered(session) };
}

/** The same object for as long as the tile says the same. */
export class TileViews {
  private readonly store: WallStore;
  private readonly views = new Map<string, TileView>();

  constructor(store: WallStore) {
    this.store = store;
  }

  readonly view = (id: string): TileView | null => {
    const session = this.store.session(id);
    if (session === undefined) {
      this.views.delete(id);

      return null;
    }
    const view = tileView(session, this.store.events(id));
    const known = this.views.get(id);
    if (known !== undefined && same(known, view)) {
      return known;
    }
    this.views.set(id, view);

    return view;
  };
}

/** An event is there before the session that counts it. */
function lastViolation({ violations = [] }: FeedSession, events: readonly WallEvent[]): TileView['last'] {
  let last: TileView['last'] = null;
  for (const { type, lastAt } of violations) {
    if (last === null || lastAt > last.at) {
      last = { type, at: lastAt };
    }
  }
  const event = events.find(({ kind }) => kind === 'violation');
  if (event?.kind === 'violation' && (last === null || event.at > last.at)) {
    last = { type: event.type, at: event.at };
  }

  return last;
}

function lastAction(events: readonly WallEvent[]): TileView['action'] {
  const event = events.find(({ kind }) => kind === 'action');

  return event?.kind === 'action' ? { kind: event.action.kind, at: event.at } : null;
}

function covered({ coverage }: FeedSession): number | null {
  if (coverage === undefined) {
    return null;
  }
  const gaps = Object.values(coverage.gapsMs ?? {}).reduce((sum, ms) => sum + ms, 0);
  const total = coverage.observedMs + gaps;

  return total <= 0 ? null : Math.floor((100 * coverage.observedMs) / total);
}
