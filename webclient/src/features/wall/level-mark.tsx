import { levelNames } from '../../core/record/messages';
import type { Level } from '../../core/wire-invigilator';

/** One shape for each level, so that colour only repeats it. */
const SHAPES: Record<Level, string> = {
  clear: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11Z',
  watch: 'M8 1.5 15 14H1Z',
  suspicious: 'M8 .8 15.2 8 8 15.2.8 8Z',
  critical: 'M5 1h6l4 4v6l-4 4H5l-4-4V5Z',
};

export function LevelMark({ level }: { level: Level }) {
  return (
    <svg className="level-mark" data-level={level} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={SHAPES[level]} />
    </svg>
  );
}

/** Shape and word. */
export function LevelWord({ level }: { level: Level }) {
  return (
    <span className="level-word" data-level={level}>
      <LevelMark level={level} />
      {levelNames[level]}
    </span>
  );
}
