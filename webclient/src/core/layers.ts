// The layers that the camera is sent in (docs/protocol.md, Publishing): a small
// one for walls, and the whole picture for who looks closely. What nobody
// watches is left out, as the server says: it saves the student's upload.

import type { WantedMedia } from './wire';

interface Encoding {
  rid: string;
  active: boolean;
  scaleResolutionDownBy: number;
  maxBitrate: number;
  maxFramerate: number;
}

const FRAMERATE = 15;
/** For evidence a picture a second is enough. */
const TRICKLE_FRAMERATE = 1;

/** What to send while that is wanted; the low layer comes first. */
export function encodingsFor(wanted: WantedMedia): Encoding[] {
  return [
    {
      rid: 'l',
      active: true,
      scaleResolutionDownBy: 4,
      maxBitrate: 120_000,
      maxFramerate: wanted === 'trickle' ? TRICKLE_FRAMERATE : FRAMERATE,
    },
    {
      rid: 'h',
      active: wanted === 'high',
      scaleResolutionDownBy: 1,
      maxBitrate: 500_000,
      maxFramerate: FRAMERATE,
    },
  ];
}

/** Changes what a sender sends, without a new negotiation. */
export async function sendWanted(sender: RTCRtpSender, wanted: WantedMedia): Promise<void> {
  const parameters = sender.getParameters();
  const encodings = encodingsFor(wanted);
  for (const encoding of parameters.encodings) {
    Object.assign(encoding, encodings.find(({ rid }) => rid === encoding.rid));
  }
  await sender.setParameters(parameters);
}
