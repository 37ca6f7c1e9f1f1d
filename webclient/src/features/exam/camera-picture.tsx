import { useEffect, useRef } from 'react';

import { texts } from '../../core/messages';

/** The student's own picture, mirrored as in a mirror. */
export function CameraPicture({ stream }: { stream: MediaStream | null }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) {
      video.current.srcObject = stream;
    }
  }, [stream]);

  return <video ref={video} className="picture" aria-label={texts.ready.alt} autoPlay muted playsInline />;
}
