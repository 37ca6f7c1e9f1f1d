// Every sentence of the wall, in one place. What an invigilator reads from two
// metres is a word; what they read when something is wrong says what goes on and
// what to do. Names of violations, states and levels are record/messages.ts's.

import type { ActionKind } from '../wire-invigilator';
import type { PhaseName, StopReason } from './phase';

/** Why a tile has no picture. */
export const stopTexts: Record<StopReason, string> = {
  Enrolled: 'Not joined yet',
  Joined: 'Joined, camera not connected yet',
  Interrupted: 'Interrupted: no camera arrives',
  Paused: 'Paused, no camera',
  Finished: 'Finished',
  Terminated: 'Ended by an invigilator',
  NotStreaming: 'Not streaming',
  Unknown: 'Not on the list any more',
  NoPod: 'No video server has this camera yet',
  PodConnecting: 'The video server does not answer yet; still trying',
  PodLost: 'Connection to the video server lost; reconnecting',
  PodGone: 'The video server is not there; asking again',
  NoToken: 'Waits for a new token',
  NoSlot: 'No free slot: show fewer tiles, or open this student',
  NoAnswer: 'The video server does not say anything about this camera',
  NoFrames: 'No picture arrives, asked several times',
  NotPublishing: 'The video server has not got this camera yet',
  NoKeyFrame: 'Camera connected, no whole picture yet',
  Deleted: 'The camera was closed',
  TakenOver: 'The camera continues elsewhere',
  IceFailed: 'The camera’s connection was lost',
  ConnectTimeout: 'The camera could not connect',
  DtlsClosed: 'The camera was disconnected',
  Drained: 'The camera is moving to another video server',
  Shutdown: 'The video server has shut down',
};

/** What a tile that waits is doing. */
export const phaseTexts: Record<Exclude<PhaseName, 'stopped'>, string> = {
  idle: 'Not in sight',
  checking: 'Looking for the picture',
  creating_consumer: 'Asking for the picture',
  attaching: 'Waiting for the first picture',
  playing: '',
};

/** What a tile shows in place of its picture, or over it; '' where the picture speaks for itself. */
export function pictureText(phase: PhaseName, reason: StopReason | null, frozen: boolean): string {
  if (frozen) {
    return 'Frozen: no new picture';
  }
  if (reason !== null) {
    // A newer pod may have other reasons.
    return (stopTexts as Partial<Record<string, string>>)[reason] ?? `No picture (${reason})`;
  }

  return phase === 'stopped' ? stopTexts.NoAnswer : phaseTexts[phase];
}

const actionNames: Record<ActionKind, string> = {
  message: 'Message sent',
  warn: 'Warned',
  pause: 'Paused',
  resume: 'Resumed',
  extend: 'Time added',
  terminate: 'Exam ended',
  dismiss: 'Violation dismissed',
};

export function actionName(kind: string): string {
  return (actionNames as Partial<Record<string, string>>)[kind] ?? kind;
}

export interface BannerText {
  title: string;
  body: string;
}

const AGAIN = ({ exam }: { exam: string }) =>
  `Run “${openCommand(exam)}” again. This page goes on by itself once the new one is open in this browser.`;

/** exam is <namespace>/<name>. */
export function openCommand(exam: string): string {
  const [namespace = '', name = ''] = exam.split('/');

  return `kubectl exam open ${name} -n ${namespace} --wall`;
}

export const bannerTexts = {
  connecting: (): BannerText => ({ title: 'Connecting', body: 'Nothing has arrived from the exam’s server yet.' }),
  reconnecting: (): BannerText => ({
    title: 'Reconnecting',
    body: 'The connection to the exam’s server was lost and is being made again.',
  }),
  stale: ({ time }: { time: string }): BannerText => ({
    title: 'What you see is old',
    body: `Scores and states are as of ${time}. The page reconnects by itself.`,
  }),
  staleNothing: (): BannerText => ({
    title: 'The exam’s server does not answer',
    body: 'Nothing has arrived yet. The page keeps trying by itself.',
  }),
  degraded: (): BannerText => ({
    title: 'The exam’s store is away',
    body: 'Scores and pictures go on live. What is noted meanwhile is kept, and counted in full once the store is back.',
  }),
  shardsDown: ({ names, count }: { names: string; count: number }): BannerText => ({
    title: count === 1 ? 'A video server is not ready' : 'Video servers are not ready',
    body: `${names}. Students move to another one by themselves.`,
  }),
  expired: (exam: { exam: string }): BannerText => ({
    title: 'Your access has expired',
    body: `What you see stays as it was. ${AGAIN(exam)}`,
  }),
  missing: (exam: { exam: string }): BannerText => ({
    title: 'This page needs your access',
    body: `The address alone is not enough. ${AGAIN(exam)}`,
  }),
  refused: ({ exam, code }: { exam: string; code: string }): BannerText => ({
    title: 'Your access is not accepted',
    body: `${code === 'WrongExam' ? 'It is for another exam.' : `The exam’s server has refused it (${code}).`} ${AGAIN({ exam })}`,
  }),
  outdated: (): BannerText => ({ title: 'This page is out of date', body: 'The exam’s server speaks another version. Reload the page.' }),
  configFailed: ({ code }: { code: string }): BannerText => ({
    title: 'No pictures yet',
    body: `The exam’s server has not said how to watch (${code}). The page asks again by itself; scores are live.`,
  }),
} as const;

export const wallTexts = {
  page: ({ exam }: { exam: string }) => `Wall: ${exam}`,
  title: 'Invigilators’ wall',
  fallback: 'Exam',
  students: ({ count }: { count: number }) => `${String(count)} ${count === 1 ? 'student' : 'students'}`,
  streaming: ({ count }: { count: number }) => `${String(count)} streaming`,
  updated: ({ time }: { time: string }) => `Last update ${time}`,
  noUpdate: 'No update yet',
  connection: {
    connecting: 'Connecting',
    open: 'Live',
    reconnecting: 'Reconnecting',
    unauthorised: 'No access',
    refused: 'Out of date',
  },
  levels: 'Levels',
  levelFilter: ({ level, count }: { level: string; count: number }) => `${level} ${String(count)}`,
  review: 'Review',
  toolbar: 'What is shown',
  search: 'Search by name or id',
  searchHint: 'Name or id',
  sort: 'Sort',
  sorts: { name: 'Name', score: 'Score' },
  state: 'State',
  everyState: 'Every state',
  stateCount: ({ state, count }: { state: string; count: number }) => `${state} (${String(count)})`,
  violation: 'Violation',
  everyViolation: 'Every violation',
  density: 'Tiles',
  again: 'Sort again',
  againWhy: 'Scores or states have changed since the tiles were sorted. Tiles never move by themselves.',
  clear: 'Show all',
  help: 'Keys',
  grid: 'Students',
  shown: ({ shown, total }: { shown: number; total: number }) =>
    shown === total ? `All ${String(total)} are shown.` : `${String(shown)} of ${String(total)} are shown.`,
  nobody: 'Nobody is on the list of this exam yet.',
  noMatch: 'Nobody matches.',
  loading: 'Waiting for the list of students.',
  score: ({ score }: { score: number }) => `score ${String(score)}`,
  percent: ({ percent }: { percent: number }) => `${String(percent)} %`,
  seen: 'seen',
  seenLong: ({ percent }: { percent: number }) => `Camera seen ${String(percent)} % of the time`,
  at: ({ what, time }: { what: string; time: string }) => `${what} · ${time}`,
  nothing: 'Nothing noted',
  noSlots: 'No pictures yet: the exam’s server has not said how to watch',
  picture: ({ name }: { name: string }) => `Camera of ${name}`,
  keys: {
    title: 'Keys',
    close: 'Close',
    single: 'Keys without Ctrl or Alt work outside of fields',
    list: [
      ['← ↑ → ↓', 'From tile to tile'],
      ['Home, End', 'First and last tile of the row; with Ctrl, of the wall'],
      ['Page Up, Page Down', 'A screen up or down'],
      ['Enter', 'Open the student'],
      ['Esc', 'Close the student, or clear the search'],
      ['/', 'Search'],
      ['1 2 3 4', 'Only Clear, Watch, Suspicious, Critical; again: not any more'],
      ['0', 'Show all'],
      ['N, S', 'Sort by name, by score'],
      ['R', 'Sort again'],
      ['+, −', 'More, fewer tiles on screen'],
      ['?', 'This list'],
    ],
  },
} as const;
