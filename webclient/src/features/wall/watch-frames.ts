// Frames that an element really presents.

/** Once frames are right, looking this often is enough to see that they go on. */
const EVERY_MS = 500;

/**
 * Calls presented for frames of element, with their RTP timestamp where the
 * browser tells it: each until one is right, then now and then. Returns what stops it.
 */
export function watchFrames(element: HTMLVideoElement, presented: (rtpTimestamp?: number) => boolean): () => void {
  let stopped = false;
  let timer = 0;
  let handle = 0;
  if (!('requestVideoFrameCallback' in element)) {
    return watchTime(element, presented);
  }
  const next = () => {
    handle = element.requestVideoFrameCallback((_now, { rtpTimestamp }) => {
      if (stopped) {
        return;
      }
      if (presented(rtpTimestamp)) {
        timer = window.setTimeout(next, EVERY_MS);
      } else {
        next();
      }
    });
  };
  next();

  return () => {
    stopped = true;
    window.clearTimeout(timer);
    element.cancelVideoFrameCallback(handle);
  };
}

/** Browsers without the callback move their clock only while they play. */
function watchTime(video: HTMLMediaElement, presented: () => boolean): () => void {
  const moved = () => {
    presented();
  };
  video.addEventListener('timeupdate', moved);

  return () => {
    video.removeEventListener('timeupdate', moved);
  };
}
