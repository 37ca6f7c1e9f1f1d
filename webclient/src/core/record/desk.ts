// What an invigilator does to one student, from the moment it is sent. Nothing is
// taken for done before the server has said so.

import { ApiError } from '../api-error';
import type { Door } from '../wall/door';
import type { ActionRequest } from '../wire-invigilator';

export interface Act {
  /** Of this page alone. */
  id: number;
  request: ActionRequest;
  outcome:
    | { is: 'pending' }
    | { is: 'taken'; at: number }
    /** said is the server's own sentence. again: it was not done, and the same may succeed later. */
    | { is: 'refused'; code: string; said: string; again: boolean };
}

export type Actor = Pick<Door, 'act'>;

export interface DeskOptions {
  student: string;
  actor: Actor;
  /** Called when the server has answered, or may have taken one without an answer. */
  onAnswer: () => void;
}

/**
 * Refusals after which nothing is tried again: the same would be refused again,
 * or it may have been done (Network, Internal) and would be done twice. Others may
 * pass: a page connects, an access is renewed.
 */
const FINAL = ['BadRequest', 'TooLarge', 'NotEnrolled', 'Forbidden', 'WrongExam', 'Network', 'Internal'];

/** So many are remembered, the newest; what is pending stays. */
const KEPT = 5;

export class Desk {
  private readonly options: DeskOptions;
  private readonly told = new Set<() => void>();
  private acts: readonly Act[] = [];
  private lastId = 0;

  constructor(options: DeskOptions) {
    this.options = options;
  }

  /** The newest last. */
  readonly getActs = (): readonly Act[] => this.acts;

  readonly subscribe = (told: () => void): (() => void) => {
    this.told.add(told);

    return () => {
      this.told.delete(told);
    };
  };

  /** Settles once the server has answered; true: it is done. */
  readonly act = (request: ActionRequest): Promise<boolean> => {
    this.lastId += 1;
    const act: Act = { id: this.lastId, request, outcome: { is: 'pending' } };
    this.set([...this.acts, act].filter(({ outcome }, index, all) => outcome.is === 'pending' || index >= all.length - KEPT));

    return this.send(act);
  };

  /** Sends one again that was not done. */
  readonly again = (id: number): Promise<boolean> => {
    const act = this.acts.find((of) => of.id === id);
    if (act?.outcome.is !== 'refused' || !act.outcome.again) {
      return Promise.resolve(false);
    }
    this.settle(id, { is: 'pending' });

    return this.send(act);
  };

  private async send({ id, request }: Act): Promise<boolean> {
    const { student, actor, onAnswer } = this.options;
    let done = true;
    try {
      const { at } = await actor.act(student, request);
      this.settle(id, { is: 'taken', at });
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError('Internal', '');
      this.settle(id, { is: 'refused', code: error.code, said: error.message, again: !FINAL.includes(error.code) });
      done = false;
    }
    onAnswer();

    return done;
  }

  private settle(id: number, outcome: Act['outcome']): void {
    this.set(this.acts.map((act) => (act.id === id ? { ...act, outcome } : act)));
  }

  private set(acts: readonly Act[]): void {
    this.acts = acts;
    for (const told of this.told) {
      told();
    }
  }
}
