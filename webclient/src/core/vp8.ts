// The SFU takes VP8 only. Some browsers would offer H.264 first, and an offer of
// 25 sections with every codec of theirs is 124 KB.

/** of: RTCRtpSender or RTCRtpReceiver, whichever the transceiver uses. */
export function preferVP8(transceiver: RTCRtpTransceiver, of: 'RTCRtpSender' | 'RTCRtpReceiver'): void {
  const codecs = of in globalThis ? (globalThis[of].getCapabilities('video')?.codecs ?? []) : [];
  const wanted = codecs.filter(({ mimeType }) => /^video\/(VP8|rtx)$/i.test(mimeType));
  if (wanted.some(({ mimeType }) => /vp8/i.test(mimeType))) {
    transceiver.setCodecPreferences(wanted);
  }
}
