// The notice's sentences for one student, out of what the server says of their
// exam. Pure, so that what is promised is tested.

import { dayAndTime, span } from '../../core/format';
import { signText, texts } from '../../core/messages';
import { quizHasOwnTab } from '../../core/session';
import type { EvidenceConfig, ExamInfo, Notice } from '../../core/wire';

export interface NoticePoint {
  name: string;
  lines: string[];
  /** Shown as a list between the first line and the others. */
  items?: string[];
}

export function noticePoints({ student, exam, policy, evidence }: Notice): NoticePoint[] {
  const say = texts.notice;
  const watched = policy.violations
    .filter(({ type }) => type !== 'FocusLost' || !quizHasOwnTab(exam))
    .map(({ type }) => signText(type));

  return [
    { name: say.when, lines: times(exam, student.extraTimeMs ?? 0) },
    { name: say.camera, lines: [say.cameraBody] },
    watched.length === 0
      ? { name: say.watched, lines: [say.watchedNothing] }
      : { name: say.watched, lines: [say.watchedLead, say.watchedWhere], items: watched },
    { name: say.kept, lines: keptLines(evidence) },
    { name: say.people, lines: [say.peopleBody] },
    { name: say.network, lines: [say.networkBody] },
  ];
}

function times({ startsAt = 0, endsAt = 0 }: ExamInfo, extraTimeMs: number): string[] {
  const { anyTime, ends, extra, starts } = texts.notice;
  const lines = [
    ...(startsAt > 0 ? [starts({ at: dayAndTime(startsAt) })] : []),
    ...(endsAt > 0 ? [ends({ at: dayAndTime(endsAt) })] : []),
    ...(endsAt > 0 && extraTimeMs > 0 ? [extra({ time: span(extraTimeMs) })] : []),
  ];

  return lines.length === 0 ? [anyTime] : lines;
}

function keptLines(evidence: EvidenceConfig | undefined): string[] {
  const { keptFor, keptForever, keptNoted, keptNothing, keptRandom } = texts.notice;
  if (evidence === undefined) {
    return [keptNothing];
  }
  const { pictureEveryMs = 0, retentionMs = 0 } = evidence;

  return [
    pictureEveryMs > 0 ? keptRandom({ every: span(pictureEveryMs) }) : keptNoted,
    retentionMs > 0 ? keptFor({ time: span(retentionMs) }) : keptForever,
  ];
}
