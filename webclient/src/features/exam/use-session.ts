import { useSyncExternalStore } from 'react';

import type { Session } from '../../core/controller';
import type { State } from '../../core/session';

/** The session's state, rendered anew when it changes. */
export function useSession(session: Session): State {
  return useSyncExternalStore(session.subscribe, session.getState);
}
