// A student without the student's page: joins, publishes a picture and reports what
// a test wants to have been seen. It runs in a browser's page on the exam's origin,
// so that sockets and media are real ones.

/** Enters as the student of a link, and returns once the camera is received. */
export async function startReporter(page, link) {
  const { origin, pathname, hash } = new URL(link);
  await page.goto(`${origin}${pathname}favicon.svg`);
  await page.evaluate(enter, { base: origin + pathname, token: hash.slice(1) });

  return {
    /** Reports violations by type, each of which has lasted so long; returns once they are counted. */
    report: (types, lastedMs = 6_000) => page.evaluate(([of, ms]) => window.student.report(of, ms), [types, lastedMs]),
    /** Uploads a picture of a violation, as the page would. */
    upload: (type) => page.evaluate((of) => window.student.upload(of), type),
    /** What invigilators wrote. */
    messages: () => page.evaluate(() => window.student.messages),
    /** The close code of the event socket; null while it is open. */
    closed: () => page.evaluate(() => window.student.closed),
    exam: () => page.evaluate(() => window.student.exam),
  };
}

/** Runs in the page. */
async function enter({ base, token }) {
  const post = async (path, bearer, type, body) => {
    const answer = await fetch(base + path, {
      method: 'POST', headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': type }, body,
    });
    if (!answer.ok) {
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    }

    return answer;
  };
  const joined = await (await post('api/v1/join', token, 'application/json', JSON.stringify({ device: 'reporter' }))).json();
  const canvas = document.createElementNS('http://www.w3.org/1999/xhtml', 'canvas');
  Object.assign(canvas, { width: 320, height: 180 });
  const context = canvas.getContext('2d');
  let tick = 0;
  const draw = (shade, words) => {
    tick += 1;
    context.fillStyle = shade;
    context.fillRect(0, 0, 320, 180);
    context.fillStyle = '#d9b38c';
    context.beginPath();
    context.ellipse(160 + 10 * Math.sin(tick / 5), 85, 36, 48, 0, 0, 7);
    context.fill();
    context.fillStyle = '#26262e';
    context.fillRect(100, 138, 120, 42);
    context.fillStyle = 'white';
    context.font = '15px sans-serif';
    context.fillText(words, 10, 22);
  };
  draw('#40566e', 'camera');
  setInterval(() => draw('#40566e', 'camera'), 100);

  const peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver(canvas.captureStream(10).getVideoTracks()[0], { direction: 'sendonly' });
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => /vp8|rtx/i.test(mimeType)));
  await peer.setLocalDescription();
  while (peer.iceGatheringState !== 'complete') {
    await new Promise((changed) => { peer.onicegatheringstatechange = changed; });
  }
  const answer = await post('api/v1/whip', joined.token, 'application/sdp', peer.localDescription.sdp);
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });

  const student = { messages: [], closed: null, exam: joined.exam, numbers: new Map(), live: false };
  const acks = new Map();
  let seq = 0;
  const socket = new WebSocket(`${base.replace(/^http/, 'ws')}api/v1/events`, ['invigil.events.v1', `bearer.${joined.token}`]);
  socket.onclose = ({ code }) => { student.closed = code; };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    switch (message.type) {
      case 'ack':
        acks.get(message.seq)?.();
        break;
      case 'violation':
        student.numbers.set(message.violation.type, message.violation.number);
        break;
      case 'message':
        student.messages.push({ text: message.text, warning: message.warning === true });
        break;
      case 'exam':
        student.exam = message.exam;
        break;
      case 'welcome':
      case 'state':
        student.live = message.state === 'Live';
        break;
    }
  };
  await new Promise((opened) => { socket.onopen = opened; });
  const send = (violations) => new Promise((acknowledged) => {
    seq += 1;
    acks.set(seq, acknowledged);
    const delta = { publishing: true, visible: true, focused: true, cameraMuted: false, luminance: 120 };
    socket.send(JSON.stringify({ type: 'report', seq, sentAt: Date.now(), delta, violations }));
  });
  setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) {
      void send([]);
    }
  }, 2_500);
  student.report = (types, lastedMs) => send(types.map((type) => ({ type, at: Date.now() - lastedMs, lastedMs })));
  student.upload = async (type) => {
    draw('#6e4a40', `page: ${type}`);
    const picture = await new Promise((made) => { canvas.toBlob(made, 'image/jpeg', 0.8); });
    const query = new URLSearchParams({ violation: type, number: student.numbers.get(type), capturedAt: Date.now() });
    await post(`api/v1/evidence?${query}`, joined.token, 'image/jpeg', picture);
  };
  window.student = student;
}
