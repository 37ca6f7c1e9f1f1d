// Every sentence that an invigilator reads of one student and of an exam
// afterwards. Facts before judgement: what was seen, by whom, and what is not known.

import { minutes } from '../format';
import type { ServerErrorCode } from '../wire';
import type { ActionKind, Level } from '../wire-invigilator';
import type { Wrong } from './draft';

type Words = Partial<Record<string, string>>;

const violationNames: Words = {
  FaceMissing: 'Nobody in the picture',
  MultipleFaces: 'More than one person',
  GazeDeviation: 'Looking away',
  HeadTurned: 'Head turned away',
  Speaking: 'Mouth moving as in speech',
  FocusLost: 'Exam not in front',
  CameraBlackout: 'Camera dark or off',
  LowQuality: 'Picture hard to see',
};

const observationNames: Words = {
  StreamLost: 'Camera stream lost',
  StreamFrozen: 'Camera picture frozen',
  StreamBlack: 'Camera picture black',
  StreamLimited: 'Too much video sent',
  SignalSuppressed: 'Video arrives, reports do not',
  MediaSuppressed: 'Reports arrive, video does not',
  DuplicateJoin: 'Joined on a second device',
};

/** A type that this page does not know still has its own name. */
export function violationName(type: string): string {
  return violationNames[type] ?? observationNames[type] ?? type;
}

const stateNames: Words = {
  Enrolled: 'Not joined',
  Joined: 'Joined, not live yet',
  Live: 'Live',
  Interrupted: 'Interrupted',
  Paused: 'Paused',
  Finished: 'Finished',
  Terminated: 'Ended by an invigilator',
};

export function stateName(state: string): string {
  return stateNames[state] ?? state;
}

const whys: Words = {
  socket: 'the connection of the page',
  stream: 'the camera stream',
  'socket and stream': 'page and camera',
  join: 'the student has joined',
  schedule: 'by the schedule',
  action: 'by an invigilator',
};

export function whyText(why: string): string {
  return whys[why] ?? why;
}

export const levelNames: Record<Level, string> = {
  critical: 'Critical',
  suspicious: 'Suspicious',
  watch: 'Watch',
  clear: 'Clear',
};

const severityNames: Words = { critical: 'critical', high: 'high', medium: 'medium', low: 'low' };

export function severityName(severity: string): string {
  return severityNames[severity] ?? severity;
}

const causeNames: Words = {
  network: 'the student’s network',
  student: 'the student (page closed or camera off)',
  sfu: 'our video server',
  platform: 'our platform (restart or move)',
};

export function causeName(cause: string): string {
  return causeNames[cause] ?? cause;
}

/** Why there is no picture, by the result of the check. */
const pictureResults: Words = {
  NotReceived: 'The server was not receiving the camera then.',
  Shutdown: 'The server was shutting down then.',
  KeyFrameTimeout: 'The camera sent no whole picture in time.',
  ShardUnreachable: 'The video server did not answer.',
  UnsupportedMediaType: 'What the camera sent could not be decoded.',
};

export function pictureResult(result: string): string {
  return pictureResults[result] ?? `The attempt failed (${result}).`;
}

const OURS = 'The exam server could not do it.';
const UNKNOWN = 'Whether it was done is not known: look at the timeline before you do it again.';

/** Why an action was refused, by code; the server's own sentence stands beside it where it says more. */
const refusals: Partial<Record<ServerErrorCode | 'Network', string>> = {
  Conflict: 'Not possible as things are now.',
  NotEnrolled: 'This student is not on the list of the exam any more.',
  BadRequest: 'The exam server does not understand this action. Reload the page.',
  TooLarge: 'The text is too long.',
  RateLimited: 'Too many actions in a short time. Wait a few seconds.',
  Unauthenticated: 'Your access is not valid any more. Open the wall with a fresh link, then try again.',
  TokenExpired: 'Your access has expired. Open the wall with a fresh link, then try again.',
  Forbidden: 'You are not an invigilator of this exam.',
  WrongExam: 'Your access is for another exam.',
  NotFound: 'The exam server knows nothing of this student.',
  RequestTimeout: 'The connection is too slow. Try again.',
  Network: `The exam server did not answer. ${UNKNOWN}`,
  Internal: `The exam server has met an error of its own. ${UNKNOWN}`,
};

export function refusalText(code: string): string {
  return (refusals as Words)[code] ?? OURS;
}

/** Whether the server's sentence says more than ours does. */
export function serverSaysMore(code: string): boolean {
  return code === 'Conflict' || code === 'BadRequest';
}

const loadFailures: Words = {
  NotReady: 'The record cannot be read at the moment: its storage does not answer.',
  NotFound: 'Nothing is on record of this student.',
  Network: 'The exam server could not be reached.',
  Unauthenticated: 'Your access is not valid any more. Open the wall with a fresh link.',
  TokenExpired: 'Your access has expired. Open the wall with a fresh link.',
};

export function loadFailure(code: string): string {
  return loadFailures[code] ?? `The record could not be read (${code}).`;
}

export const actionNames: Record<ActionKind, string> = {
  message: 'Message',
  warn: 'Warning',
  pause: 'Pause',
  resume: 'Resume',
  extend: 'Extra time',
  terminate: 'End of exam',
  dismiss: 'Dismissal',
};

export const wrongTexts: Record<Wrong, string> = {
  empty: 'Write something first.',
  tooLong: 'This is too long: at most 500 characters.',
  minutes: 'Give whole minutes from 1 to 600.',
  id: 'This is not the student’s id.',
};

export const recordTexts = {
  panel: {
    close: 'Close',
    student: ({ id }: { id: string }) => `Student ${id}`,
    score: 'Score',
    level: 'Level',
    state: 'State',
    endsAt: 'Ends at',
    noEnd: 'no fixed end',
    gone: 'This student is not on the list of the exam any more.',
    review: 'Plot and report, in a new tab',
    counts: 'Violations',
    countsNone: 'None counted.',
    counted: ({ count, dismissed }: { count: number; dismissed: number }) =>
      dismissed === 0 ? String(count) : `${String(count)}, of which ${String(dismissed)} dismissed`,
    observations: 'Seen by the server',
  },
  coverage: {
    title: 'Coverage',
    none: 'The camera was not live yet.',
    line: ({ percent, observed, total }: { percent: number; observed: string; total: string }) =>
      `${String(percent)} %: the camera was received for ${observed} of ${total}.`,
    gap: ({ time, cause }: { time: string; cause: string }) => `${time} not seen because of ${cause}`,
    meter: 'Part of the time that the camera was received',
    note: 'Gaps are no violations.',
  },
  actions: {
    title: 'Actions',
    over: 'This student’s exam is over. Nothing can be done here any more.',
    message: 'Message',
    warn: 'Warn',
    pause: 'Pause',
    resume: 'Resume',
    extend: 'Add time',
    terminate: 'End exam',
    cancel: 'Cancel',
    messageText: 'Message to the student',
    warnText: 'Warning to the student',
    sendMessage: 'Send message',
    sendWarning: 'Send warning',
    shown: 'It is shown on the student’s page at once and is on record.',
    minutes: 'Minutes to add',
    extendDo: 'Add time',
    extendNote: 'Moves this student’s own end, nobody else’s.',
    pauseDo: 'Pause the exam',
    pauseNote: 'Stops this student’s clock and counts nothing until you resume.',
    resumeDo: 'Resume the exam',
    resumeNote: 'The student’s clock goes on, and the time of the pause is added.',
    terminateNote: ({ name }: { name: string }) =>
      `Ends the exam of ${name} at once: the page closes, the camera stops, and the student cannot come back. This cannot be undone.`,
    reason: 'Reason, for the record',
    textOptional: 'Last words to the student (optional)',
    confirm: ({ id }: { id: string }) => `To confirm, type the student’s id: ${id}`,
    terminateDo: 'End this exam now',
    left: ({ left }: { left: number }) => `${String(left)} characters left`,
    over500: ({ over }: { over: number }) => `${String(over)} characters too many`,
    pending: ({ what }: { what: string }) => `${what}: waiting for the server`,
    taken: ({ what, at }: { what: string; at: string }) => `${what}: taken at ${at}`,
    refused: ({ what, why }: { what: string; why: string }) => `${what}: not done. ${why}`,
    again: 'Try again',
    dismiss: 'Dismiss',
    dismissOf: ({ name }: { name: string }) => `Dismiss this violation: ${name}`,
    dismissDo: 'Dismiss violation',
    dismissNote: 'Takes it out of the score. It stays on record, with your reason.',
  },
  timeline: {
    title: 'Timeline',
    none: 'Nothing is on record yet.',
    noEvidence: 'Nothing is kept as evidence of this exam: there are counts, and no record.',
    loading: 'Reading the record',
    more: 'There is more to read.',
    waiting: 'The newest entries are still being written.',
    again: 'Try again',
    lasted: ({ time }: { time: string }) => `lasted ${time}`,
    severity: ({ severity }: { severity: string }) => `severity ${severity}`,
    scoreAfter: ({ score, level }: { score: number; level: string }) => `score ${String(score)} (${level}) after it`,
    recovered: 'Restored from the counts after an outage: time, duration and score are not known exactly.',
    dismissed: ({ by, at }: { by: string; at: string }) => `Dismissed by ${by} at ${at}`,
    reason: ({ reason }: { reason: string }) => `Reason: ${reason}`,
    by: ({ by }: { by: string }) => `by ${by}`,
    observed: 'Seen by the server',
    state: ({ from, to }: { from: string; to: string }) => `${from} → ${to}`,
    because: ({ why }: { why: string }) => `Cause: ${why}`,
    random: 'Picture at a random moment',
    strayPicture: 'Picture of a violation that is not on record',
    minutes: ({ count }: { count: number }) => `${minutes(count)} added`,
    dismissal: ({ name, number }: { name: string; number: number }) => `${name}, number ${String(number)}`,
    show: 'Show',
    all: 'Everything',
    onlyViolations: 'Violations',
    withoutPictures: 'All but random pictures',
    older: ({ count }: { count: number }) => `Show ${String(count)} older`,
  },
  picture: {
    client: 'Student’s page',
    server: 'Received by the server',
    clientAlt: ({ what, at }: { what: string; at: string }) => `Picture by the student’s page, ${what}, ${at}`,
    serverAlt: ({ what, at }: { what: string; at: string }) => `Picture received by the server, ${what}, ${at}`,
    captured: ({ at }: { at: string }) => `captured ${at}`,
    byPage: ({ at }: { at: string }) => `captured ${at} by the student’s clock`,
    loading: 'Loading the picture',
    expired: 'Deleted: the time that pictures are kept has passed.',
    gone: 'Not there any more: deleted, or never kept.',
    failed: 'The picture could not be loaded.',
    again: 'Try again',
    noClient: 'The page has sent none, or it is still under way.',
    noServer: 'None yet; it may still be under way.',
    notAsked: 'Only taken of severity high and critical.',
    enlarge: ({ what }: { what: string }) => `Enlarge: ${what}`,
    close: 'Close picture',
  },
  review: {
    title: 'Review',
    documentTitle: ({ exam }: { exam: string }) => `Review: ${exam}`,
    loading: 'Loading the exam’s sessions',
    wall: 'Live wall',
    sessions: 'Students',
    search: 'Search name or id',
    level: 'Level',
    everyLevel: 'Every level',
    flagged: 'Only with violations',
    none: 'No student matches.',
    shown: ({ shown, all }: { shown: number; all: number }) => `${String(shown)} of ${String(all)} students`,
    group: ({ count }: { count: number }) => `${String(count)} ${count === 1 ? 'student' : 'students'}`,
    columns: {
      name: 'Name',
      student: 'Id',
      state: 'State',
      score: 'Score',
      violations: 'Violations',
      dismissed: 'Dismissed',
      coverage: 'Coverage',
    },
    notLive: 'never live',
    exportCsv: 'Export CSV',
    exportJson: 'Export JSON',
    back: 'All students',
    print: 'Print report',
    plot: 'Score over time',
    plotAlt: ({ name, score, violations }: { name: string; score: number; violations: number }) =>
      `Score of ${name} over time: now ${String(score)}, ${String(violations)} violations. The same in words is in the table below.`,
    plotLoading: 'Drawing the plot',
    plotEmpty: 'Nothing to plot: no time has been recorded.',
    asTable: 'The plot as a table',
    tableCaption: 'What the plot shows, oldest first',
    table: { at: 'Time', what: 'What', score: 'Score' },
    unsure: 'not on record',
    unsureNote: 'Dashed: the score has changed, and what it became is not on record.',
    upTo: ({ score }: { score: number }) => `not on record (was ${String(score)})`,
    began: 'Record begins',
    dismissal: 'A violation is dismissed',
    change: 'The score changes',
    nowScore: 'Score at the end of what is shown',
    bands: {
      before: 'not live yet',
      live: 'live',
      interrupted: 'interrupted',
      paused: 'paused',
      over: 'over',
    },
    bandLine: ({ band, time }: { band: string; time: string }) => `${band} for ${time}`,
    legend: 'What the plot shows',
    legendScore: 'Score',
    legendMark: ({ severity }: { severity: string }) => `Violation, ${severity}`,
    legendDismissed: 'Hollow: dismissed',
    evidence: 'Record and evidence',
    facts: 'Facts',
  },
  report: {
    title: 'Proctoring report',
    exam: 'Exam',
    examId: 'Exam id',
    student: 'Student',
    studentId: 'Student id',
    from: 'Record begins',
    until: 'Record ends',
    starts: 'Exam starts',
    examEnds: 'Exam ends',
    joined: 'Joined',
    ends: 'Student’s own end',
    state: 'State',
    result: 'Score and level',
    resultLine: ({ score, level }: { score: number; level: string }) => `${String(score)} of 100, level “${level}”`,
    policy: 'Policy version',
    policyUnknown: 'not recorded',
    zone: ({ zone }: { zone: string }) => `All times are in the time zone ${zone} of whoever printed this.`,
    printed: ({ at }: { at: string }) => `Printed ${at}.`,
    violations: 'Violations',
    noViolations: 'No violation was counted.',
    types: { type: 'Type', severity: 'Severity', count: 'Counted', dismissed: 'Dismissed' },
    dismissals: 'Dismissals',
    noDismissals: 'No violation was dismissed.',
    actions: 'Actions of invigilators',
    noActions: 'Nobody has acted on this student.',
    observations: 'Seen by the server',
    noObservations: 'The server has seen nothing unusual of its own.',
    states: 'Course of the exam',
    noStates: 'No change of state is on record.',
    random: 'Pictures at random moments',
    head: 'Evidence',
    headLine: ({ count, seq, id }: { count: number; seq: number; id: string }) =>
      `${String(count)} entries are on record. The last one is number ${String(seq)} (${id}).`,
    headNone: 'Nothing is on record.',
    headProof: 'Each entry holds the hash of the one before. “kubectl exam verify” checks the chain and its signatures.',
    incomplete: 'This report is not complete: entries were still being written or read when it was made.',
    hint: 'A violation is a sign that a program has noticed, no verdict. Whether it means anything is for people to judge.',
    preparing: ({ left }: { left: number }) => `Getting ready to print: ${String(left)} pictures to load.`,
    ready: 'Ready to print.',
    print: 'Print',
    back: 'Back to the student',
    number: ({ number }: { number: number }) => `no. ${String(number)}`,
    capturedHash: ({ hash }: { hash: string }) => `SHA-256 ${hash}`,
  },
} as const;
