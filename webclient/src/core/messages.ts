// Every sentence the student reads, in one place, so that tone and translation
// have one owner. Calm, short, and always with what happens or what to do next.

import type { DetectorCode } from './detector/protocol';
import type { ServerErrorCode } from './wire';

/** What the page itself can fail with, beside the server's codes. */
export type PageErrorCode =
  | 'NoLink'
  | 'Network'
  | 'InsecureContext'
  | 'CameraDenied'
  | 'CameraMissing'
  | 'CameraBusy'
  | 'CameraFailed'
  | 'MediaLost'
  | 'Terminated';

export interface ErrorText {
  title: string;
  /** What has happened. */
  what: string;
  /** What to do. */
  todo: string;
  /** The label of a button that tries again; absent where that cannot help. */
  retry?: string;
}

const ASK = 'Please contact your exam office or invigilator.';
const AGAIN = 'Try again';
const OPEN_LINK = 'Open the personal link from your invitation again. If that does not help, contact your exam office.';

const OUR_FAULT: ErrorText = {
  title: 'Something went wrong on our side',
  what: 'The exam server could not handle a request of this page. This is not your fault and not counted against you.',
  todo: `Try again in a moment. If it happens again: ${ASK.toLowerCase()}`,
  retry: AGAIN,
};

const BUSY: ErrorText = {
  title: 'The exam server is busy',
  what: 'There is no room for your camera connection at this moment.',
  todo: 'Stay on this page. It tries again, and you can also try yourself.',
  retry: AGAIN,
};

const BAD_LINK: ErrorText = {
  title: 'This link does not work',
  what: 'The exam server does not accept the link that this page was opened with.',
  todo: OPEN_LINK,
};

export const errorTexts: Record<ServerErrorCode | PageErrorCode, ErrorText> = {
  BadRequest: OUR_FAULT,
  TooLarge: OUR_FAULT,
  UnsupportedMediaType: OUR_FAULT,
  PreconditionFailed: OUR_FAULT,
  Conflict: OUR_FAULT,
  MethodNotAllowed: OUR_FAULT,
  Internal: OUR_FAULT,
  RequestTimeout: OUR_FAULT,
  UnknownMessage: OUR_FAULT,
  UnknownViolation: OUR_FAULT,
  // Of viewers and of pictures; a student's page never gets them.
  BadSlot: OUR_FAULT,
  TooManySlots: OUR_FAULT,
  KeyFrameTimeout: OUR_FAULT,
  // Of single pictures for evidence: the student has no part in them.
  ViolationTooOld: OUR_FAULT,
  PictureExists: OUR_FAULT,
  EvidenceSealed: OUR_FAULT,
  NotJPEG: OUR_FAULT,
  BadDimensions: OUR_FAULT,
  Undecodable: OUR_FAULT,
  VersionNotOffered: {
    title: 'This page is out of date',
    what: 'The exam server has been updated since this page was loaded.',
    todo: 'Reload the page. You will be taken back to your exam.',
    retry: AGAIN,
  },
  Unauthenticated: BAD_LINK,
  TokenExpired: {
    title: 'This link has expired',
    what: 'Links work until the end of the exam, and that has passed.',
    todo: ASK,
  },
  Forbidden: BAD_LINK,
  WrongExam: {
    title: 'This link is for another exam',
    what: 'The link in the address belongs to a different exam than this page.',
    todo: OPEN_LINK,
  },
  NotEnrolled: {
    title: 'You are not on the list for this exam',
    what: 'The list of students for this exam does not contain you, or no longer does.',
    todo: ASK,
  },
  ExamNotOpen: {
    title: 'The exam is not open yet',
    what: 'You are early. Your link is fine.',
    todo: 'You can leave this page open: it takes you in as soon as the exam opens.',
    retry: 'Try now',
  },
  ExamFinished: {
    title: 'The exam is over',
    what: 'The exam has ended, and its page no longer takes anybody in.',
    todo: 'You may close this page.',
  },
  SessionReplaced: {
    title: 'Your exam continues elsewhere',
    what: 'You have opened your exam in another tab or on another device. Only the last one counts, so this one has stopped and its camera is off.',
    todo: 'Go on in the other one, or bring the exam back here.',
    retry: 'Continue here',
  },
  NotFound: {
    title: 'There is no such exam',
    what: 'The exam server knows nothing under this address.',
    todo: OPEN_LINK,
  },
  NoShardAvailable: BUSY,
  NotReady: BUSY,
  ShardUnreachable: BUSY,
  TooManySessions: BUSY,
  Draining: BUSY,
  AlreadyPublishing: {
    title: 'Your camera is already connected',
    what: 'The exam server receives your camera from another page or device, and takes only one.',
    todo: 'Close your exam in the other one. If there is none, wait half a minute, then try again.',
    retry: AGAIN,
  },
  RateLimited: {
    title: 'One moment, please',
    what: 'This page has asked the exam server too often in a short time.',
    todo: 'Wait a few seconds, then try again.',
    retry: AGAIN,
  },
  UnsupportedOffer: {
    title: 'This browser cannot send your camera',
    what: 'The exam needs a browser that can send VP8 video.',
    todo: 'Open your link in a current Chrome, Edge, Firefox or Safari.',
    retry: AGAIN,
  },
  NoLink: {
    title: 'Please open your personal link',
    what: 'This page needs the personal link from your invitation. The address alone is not enough.',
    todo: OPEN_LINK,
  },
  Network: {
    title: 'No connection to the exam server',
    what: 'The exam server could not be reached.',
    todo: 'Check your internet connection, then try again.',
    retry: AGAIN,
  },
  InsecureContext: {
    title: 'The camera is not available here',
    what: 'Browsers allow the camera on secure addresses (https) only, and this page was opened without.',
    todo: ASK,
  },
  CameraDenied: {
    title: 'The camera is not allowed',
    what: 'Your browser does not let this page use the camera.',
    todo: 'Allow the camera for this site, with the icon beside the address, then try again.',
    retry: AGAIN,
  },
  CameraMissing: {
    title: 'No camera found',
    what: 'Your browser does not see any camera on this device.',
    todo: 'Connect a camera or open its cover, then try again.',
    retry: AGAIN,
  },
  CameraBusy: {
    title: 'The camera is in use',
    what: 'Another program seems to be using your camera.',
    todo: 'Close other video programs, then try again.',
    retry: AGAIN,
  },
  CameraFailed: {
    title: 'The camera did not start',
    what: 'Your browser could not start the camera.',
    todo: 'Reconnect the camera or restart the browser, then try again.',
    retry: AGAIN,
  },
  MediaLost: {
    title: 'The camera connection was lost',
    what: 'Your picture does not reach the exam server.',
    todo: 'Check your internet connection, then try again.',
    retry: AGAIN,
  },
  Terminated: {
    title: 'An invigilator has ended your exam',
    what: 'This was decided by a person, not by this page. Your camera is off.',
    todo: ASK,
  },
};

/** A code that this page does not know is our fault, not the student's. */
export function errorText(code: string): ErrorText {
  return (errorTexts as Partial<Record<string, ErrorText>>)[code] ?? OUR_FAULT;
}

const warningTexts: Partial<Record<string, string>> = {
  FocusLost: 'This window was not in front. Please stay on this page during the exam.',
  CameraBlackout: 'Your camera shows no picture. Please check that it is not covered and that there is light.',
  FaceMissing: 'You cannot be seen. Please sit so that your face is in the picture.',
  MultipleFaces: 'More than one person is in the picture. Please make sure that you are alone.',
  GazeDeviation: 'You have been looking away for a while.',
  HeadTurned: 'Your head was turned away for a while.',
  Speaking: 'It looks as if you were speaking.',
  LowQuality: 'Your picture is hard to see. Please check light and camera.',
};

export function warningText(type: string): string {
  return warningTexts[type] ?? 'An invigilator may look at what the page has just noticed.';
}

/** Why the face detector does not run, or not as well as it could. */
export const detectorTexts: Record<DetectorCode, string> = {
  NoWorker: 'This browser cannot look for your face in the picture. Your exam goes on; a current browser would be better.',
  NoWebGL: 'This browser cannot look for your face in the picture: its graphics (WebGL) are off. Your exam goes on.',
  NoWebAssembly: 'This browser cannot look for your face in the picture. Your exam goes on; a current browser would be better.',
  NoSimd: 'This device is slow at looking for your face in the picture. Your exam goes on as usual.',
  LoadFailed: 'The part of this page that looks for your face did not load. It tries again by itself.',
  Crashed: 'The part of this page that looks for your face has stopped. It starts again by itself.',
  Hung: 'The part of this page that looks for your face has stopped. It starts again by itself.',
};

/** What the page watches, for the notice: one plain sentence per violation type. */
const signTexts: Partial<Record<string, string>> = {
  FaceMissing: 'Nobody can be seen in the picture.',
  MultipleFaces: 'More than one person is in the picture.',
  GazeDeviation: 'You look away from the screen for a while.',
  HeadTurned: 'You turn your head away for a while.',
  Speaking: 'Your mouth moves as if you were speaking. There is no sound.',
  FocusLost: 'Another window or tab is in front of the exam.',
  CameraBlackout: 'The camera shows no picture, or only black.',
  LowQuality: 'The picture is too dark or too blurred to see you.',
};

export function signText(type: string): string {
  return signTexts[type] ?? `Something else that the rules of this exam name (${type}).`;
}

/** Of the device check: what is looked at, and what to do when it is not good. */
export const checkTexts = {
  camera: { label: 'Camera', ok: 'Your camera works.', bad: 'Your camera has stopped. Please reconnect it.' },
  light: {
    label: 'Light',
    ok: 'You can be seen well.',
    bad: 'It is too dark or too bright. Put a lamp or window in front of you, not behind you.',
  },
  face: {
    label: 'Face',
    ok: 'Your face is in the picture.',
    bad: 'Sit so that your face is in the middle, and make sure that nobody else is in the picture.',
  },
  path: {
    label: 'Connection',
    ok: 'Your camera can reach the exam server.',
    bad: 'Your camera cannot reach the exam server from this network.',
  },
  verdicts: { ok: 'Good', bad: 'Please check', running: 'Checking', unknown: 'Not checked' },
} as const;

export const texts = {
  examFallback: 'Online exam',
  steps: { label: 'Steps', notice: 'Notice', camera: 'Camera', exam: 'Exam' },
  loading: { title: 'Getting your exam', body: 'This takes a moment.' },
  notice: {
    title: 'Before you begin',
    lead: ({ name }: { name: string }) =>
      `Hello ${name}. This exam is supervised live through your camera. Please read what that means for you.`,
    when: 'Your exam',
    starts: ({ at }: { at: string }) => `It starts on ${at}.`,
    ends: ({ at }: { at: string }) => `It ends on ${at}.`,
    extra: ({ time }: { time: string }) => `Your ${time} of extra time are included.`,
    anyTime: 'You can begin at once; there is no fixed end.',
    camera: 'Your camera',
    cameraBody:
      'Your picture is sent live to the invigilators of this exam and to nobody else. Sound is never recorded or sent: your microphone stays off. Your screen, files and other windows are not recorded.',
    watched: 'What is noted',
    watchedLead: 'A note is made when one of these lasts too long:',
    watchedNothing: 'Nothing is noted automatically in this exam.',
    watchedWhere:
      'Your own device finds that out. What leaves it is the note, whether this page is in front, how bright the picture is, and your camera picture. No other analysis does.',
    kept: 'What is kept',
    keptNothing: 'No pictures are kept. The notes stay with your exam.',
    keptRandom: ({ every }: { every: string }) =>
      `Single pictures are kept: one at random moments, about every ${every}, and one when something is noted.`,
    keptNoted: 'A single picture is kept when something is noted.',
    keptFor: ({ time }: { time: string }) =>
      `They are deleted ${time} after the end of the exam. The notes stay with your exam.`,
    keptForever: 'They are kept until your exam office deletes them. The notes stay with your exam.',
    people: 'People decide',
    peopleBody:
      'You see every note at once. A note is a hint for an invigilator, not a verdict. Before the time is up, only a person can end your exam.',
    network: 'Bad connection',
    networkBody: 'If your connection drops, the page reconnects by itself. That is never counted against you.',
    next: 'With the button you agree to this. Your browser then asks for your camera, and you see your picture before anyone else does.',
    start: 'I understand, start',
  },
  early: {
    title: 'The exam is not open yet',
    body: 'You are early, and all is well. Leave this page open: it takes you in by itself.',
    opensIn: 'Opens in',
    opensAt: ({ at }: { at: string }) => `It opens on ${at}.`,
    now: 'Any moment now',
  },
  joining: { title: 'Signing you in', body: 'This takes a moment.' },
  preview: { title: 'Waiting for your camera', body: 'Please allow the camera if your browser asks for it.' },
  ready: {
    title: 'Check your picture',
    lead: 'Nobody else sees this picture yet. Your camera is sent once you enter.',
    alt: 'Your own camera picture',
    chooseCamera: 'Camera',
    unnamedCamera: ({ number }: { number: number }) => `Camera ${String(number)}`,
    checks: 'Device check',
    summaryOpen: 'You can enter.',
    summaryAdvised: 'You can enter, but please look at what is marked first.',
    summaryClosed: 'You cannot enter from this network yet.',
    enter: 'Enter the exam',
    enterAnyway: 'Enter anyway',
    again: 'Check the connection again',
    legs: { udp: 'UDP', tcp: 'TCP', turn: 'Relay (TURN)' },
    legResults: { unknown: 'not checked', ok: 'works', failed: 'blocked', notOffered: 'not offered' },
    leg: ({ leg, result }: { leg: string; result: string }) => `${leg}: ${result}`,
    slowPath: ({ blocked, works }: { blocked: string; works: string }) =>
      `${blocked} is blocked in this network. Your camera takes ${works}, which is enough.`,
    pathNotAsked: 'The connection could not be checked now. That does not keep you from entering.',
    helpTitle: 'Try another network, such as a phone hotspot, then check again. Or tell your helpdesk:',
    help: ({ targets }: { targets: string }) =>
      `“WebRTC media is blocked. The exam needs outgoing connections to one of these: ${targets}.”`,
  },
  room: {
    connecting: 'Connecting',
    live: 'Connected',
    interrupted: 'Interrupted',
    connectingLong: 'Connecting your camera to the exam.',
    liveLong: 'Your camera is connected.',
    interruptedLong: 'The connection was interrupted. It is being restored; just go on with your exam.',
    cameraEnded: 'Your camera has stopped. Plug it in again, and it goes on by itself.',
    cameraAgain: 'Turn the camera on again',
    paused: 'An invigilator has paused your exam. Please wait.',
    timeLeft: 'Time left',
    startsIn: 'Starts in',
    noEnd: 'No time limit',
    timeUp: 'Time is up',
    withExtra: ({ time }: { time: string }) => `with ${time} extra`,
    hide: 'Hide my picture',
    show: 'Show my picture',
    hidden: 'Your picture is hidden here. The invigilators still see it.',
    quiz: 'Exam questions',
    noQuiz: 'Your questions are not part of this page. Follow the instructions of your exam office, and keep this page open.',
    openQuiz: 'Open the questions in their own tab',
    quizInTab: 'Your questions are on a page of their own. Keep this page open beside it: your camera and your time stay here. Going to the tab with the questions is not noted.',
    remaining: ({ time }: { time: string }) => `${time} left.`,
  },
  waitingRoom: {
    title: 'You are in. Please wait for the start.',
    startsAt: ({ at }: { at: string }) => `The exam starts at ${at}.`,
    body: 'Your camera is connected, and nothing is noted before the start. The exam begins here by itself.',
  },
  warning: {
    title: 'Please note',
    noted: ({ time }: { time: string }) => `Noted at ${time}. An invigilator may look at it.`,
    dismiss: 'I have read this',
  },
  message: {
    title: 'Message from an invigilator',
    warningTitle: 'Warning from an invigilator',
    dismiss: 'I have read this',
  },
  finished: {
    title: 'Your exam is over',
    body: 'Your camera is off and this page records nothing any more.',
    close: 'You may close this page.',
  },
  error: { opensIn: 'Next try in', code: 'Code for support:' },
} as const;
