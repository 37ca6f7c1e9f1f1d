// Frames of a camera's track. Where the browser hands them out one by one
// (MediaStreamTrackProcessor), they come in hidden tabs too. Elsewhere they are
// taken from a video element, which stands still there: nothing is told then.

import type { FrameSource } from '../../detector/supervisor';

/** Not in TypeScript's own types yet. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}

type TrackProcessorClass = new (init: { track: MediaStreamTrack; maxBufferSize: number }) => TrackProcessor;

export function frameSource(track: MediaStreamTrack): FrameSource {
  const { MediaStreamTrackProcessor: Processor } = globalThis as { MediaStreamTrackProcessor?: TrackProcessorClass };

  return Processor === undefined ? videoSource(track) : trackSource(new Processor({ track, maxBufferSize: 1 }));
}

/** Of frames that nobody has asked for, only the newest is kept by the browser. */
function trackSource(processor: TrackProcessor): FrameSource {
  const reader = processor.readable.getReader();

  return {
    grab: async () => (await reader.read()).value ?? null,
    close: () => {
      reader.cancel().catch(() => {
        // It has ended with the camera.
      });
    },
  };
}

function videoSource(track: MediaStreamTrack): FrameSource {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {
    // Without it there are no frames, and so no signs.
  });
  let seen = -1;

  return {
    grab: () => {
      const { currentTime, readyState } = video;
      if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || currentTime === seen) {
        return Promise.resolve(null);
      }
      seen = currentTime;

      return createImageBitmap(video);
    },
    close: () => {
      video.srcObject = null;
    },
  };
}
