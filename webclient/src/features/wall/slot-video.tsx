import { memo, useEffect, useRef, useState } from 'react';

import { pictureText, wallTexts } from '../../core/wall/messages';
import type { Slots } from '../../core/wall/slots';
import { usePicture } from './use-wall';
import { watchFrames } from './watch-frames';

interface SlotVideoProps {
  slots: Slots;
  id: string;
  name: string;
}

const WAITING = new Set(['idle', 'checking', 'creating_consumer', 'attaching']);

/**
 * One student's live picture, or why there is none: the element is covered until
 * it has presented a frame that is this student's. News of the student beside their
 * picture does not touch it.
 */
export const SlotVideo = memo(function SlotVideo({ slots, id, name }: SlotVideoProps) {
  const { phase, reason, frozen, stream } = usePicture(slots, id);
  const video = useRef<HTMLVideoElement>(null);
  /** What this very element has shown a right frame of. */
  const [seen, setSeen] = useState<MediaStream | null>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null || stream === null) {
      return;
    }
    const attached = slots.attach(id);
    const sight = new IntersectionObserver((entries) => {
      attached.setInSight(entries.at(-1)?.isIntersecting === true);
    });
    sight.observe(element);
    element.srcObject = stream;
    const stop = watchFrames(element, (rtpTimestamp) => {
      const right = slots.presented(id, stream, rtpTimestamp);
      if (right) {
        setSeen(stream);
      }

      return right;
    });

    return () => {
      stop();
      sight.disconnect();
      attached.detach();
      element.srcObject = null;
      setSeen(null);
    };
  }, [slots, id, stream]);
  const shown = phase === 'playing' && seen === stream;
  const text = pictureText(phase === 'playing' && !shown ? 'attaching' : phase, reason, frozen);

  return (
    <div className="slot-video" data-phase={phase} data-reason={reason} data-shown={shown}>
      <video ref={video} autoPlay muted playsInline aria-label={wallTexts.picture({ name })} />
      {!shown && (
        <p className="cover">
          {(WAITING.has(phase) || phase === 'playing') && <span className="waiter" aria-hidden="true" />}
          <span>{text}</span>
        </p>
      )}
      {shown && frozen && <p className="frozen">{text}</p>}
    </div>
  );
});
SlotVideo.displayName = 'SlotVideo';
