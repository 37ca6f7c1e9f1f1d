// The real camera: opens it, tells when it ends, and reads how bright its
// picture is from a canvas of a few hundred pixels.

import { ApiError } from '../api-error';
import type { Camera } from '../parts';
import type { CameraChoice } from '../session';
import { meanLuminance } from '../signs';

const WIDTH = 32;
const HEIGHT = 18;

const VIDEO: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 360 },
  frameRate: { ideal: 15, max: 30 },
};

export class DomCamera implements Camera {
  stream: MediaStream | null = null;
  onEnded: () => void = () => undefined;

  private readonly video = document.createElement('video');
  private readonly canvas = document.createElement('canvas');
  private lastFrame = -1;

  private readonly store: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  private readonly key: string;

  /** The choice is remembered in store, for a reload. */
  constructor(store: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>, path: string) {
    this.store = store;
    this.key = `invigil.camera:${path}`;
    this.video.muted = true;
    this.video.playsInline = true;
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
  }

  async open(): Promise<MediaStream> {
    this.close();
    // Absent outside secure contexts, whatever the type says.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (devices === undefined) {
      throw new ApiError('InsecureContext', 'The camera needs a secure context.');
    }
    let stream: MediaStream;
    try {
      stream = await devices.getUserMedia({ audio: false, video: this.constraints() });
    } catch (cause) {
      // The chosen one may be gone; the next try takes what there is.
      this.store.removeItem(this.key);
      throw new ApiError(codeOf(cause), String(cause));
    }
    this.stream = stream;
    for (const track of stream.getVideoTracks()) {
      track.onended = () => {
        if (this.stream === stream) {
          this.onEnded();
        }
      };
    }
    this.video.srcObject = stream;
    this.lastFrame = -1;
    this.video.play().catch(() => {
      // Only the brightness is read from it; without it there is just no sign.
    });

    return stream;
  }

  choose(id: string): void {
    this.store.setItem(this.key, id);
  }

  async list(): Promise<{ cameras: CameraChoice[]; chosen: string | null }> {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    const all = (await devices?.enumerateDevices().catch(() => [])) ?? [];

    return {
      cameras: all
        .filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label })),
      chosen: this.stream?.getVideoTracks()[0]?.getSettings().deviceId ?? null,
    };
  }

  private constraints(): MediaTrackConstraints {
    const chosen = this.store.getItem(this.key);

    return chosen === null ? { ...VIDEO, facingMode: 'user' } : { ...VIDEO, deviceId: { exact: chosen } };
  }

  close(): void {
    const { stream } = this;
    this.stream = null;
    this.video.srcObject = null;
    for (const track of stream?.getTracks() ?? []) {
      track.stop();
    }
  }

  muted(): boolean {
    const track = this.stream?.getVideoTracks()[0];

    return track === undefined || track.muted || !track.enabled || track.readyState === 'ended';
  }

  luminance(): number | null {
    const { video } = this;
    const frame = video.currentTime;
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || frame === this.lastFrame) {
      return null;
    }
    this.lastFrame = frame;
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) {
      return null;
    }
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);

    return meanLuminance(context.getImageData(0, 0, WIDTH, HEIGHT).data);
  }
}

function codeOf(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'CameraDenied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'CameraMissing';
    case 'NotReadableError':
    case 'AbortError':
      return 'CameraBusy';
    default:
      return 'CameraFailed';
  }
}
