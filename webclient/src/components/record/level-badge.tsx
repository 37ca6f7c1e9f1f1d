import { levelNames } from '../../core/record/messages';
import { levelOf } from '../../core/record/summary';

export function LevelBadge({ level }: { level: string }) {
  const known = levelOf(level);

  return (
    <span className="level" data-level={known}>
      {levelNames[known]}
    </span>
  );
}
