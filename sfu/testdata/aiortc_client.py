"""Publishes or views one stream with aiortc, for TestAiortc.

usage: aiortc_client.py publish|view URL TOKEN

Speaks WHIP or WHEP. As a publisher it shows a green picture with a grey bar that
moves. As a viewer it prints a line of JSON for each frame that it has decoded:
when, how large, and its mean Y, U and V. It leaves, with its DELETE, when its
standard input ends.
"""

import asyncio
import json
import sys
import threading
import time
import urllib.parse
import urllib.request

import av
import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack


class Camera(VideoStreamTrack):
    async def recv(self):
        pts, time_base = await self.next_timestamp()
        picture = numpy.full((240, 320, 3), (0, 160, 0), dtype=numpy.uint8)
        at = pts // 3000 * 4 % 300
        picture[:, at : at + 20] = 128
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


def call(method, url, token, body=None):
    request = urllib.request.Request(url, method=method, data=body)
    request.add_header("Authorization", "Bearer " + token)
    if body is not None:
        request.add_header("Content-Type", "application/sdp")
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.headers, response.read().decode()


async def watch(track):
    while True:
        frame = await track.recv()
        planes = []
        for plane in frame.reformat(format="yuv420p").planes:
            data = numpy.frombuffer(plane, numpy.uint8).reshape(-1, plane.line_size)[:, : plane.width]
            planes.append(round(float(data.mean()), 1))
        print(json.dumps({"at": time.monotonic(), "width": frame.width, "height": frame.height,
                          "yuv": planes}), flush=True)


async def run(role, url, token):
    loop = asyncio.get_running_loop()
    leaving = asyncio.Event()

    def wait_for_end():
        sys.stdin.read()
        loop.call_soon_threadsafe(leaving.set)

    threading.Thread(target=wait_for_end, daemon=True).start()

    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    watching = []
    if role == "publish":
        peer.addTransceiver(Camera(), direction="sendonly")
    else:
        peer.addTransceiver("video", direction="recvonly")
        peer.on("track", lambda track: watching.append(asyncio.ensure_future(watch(track))))

    await peer.setLocalDescription(await peer.createOffer())
    headers, answer = await loop.run_in_executor(
        None, call, "POST", url, token, peer.localDescription.sdp.encode())
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await leaving.wait()
    await loop.run_in_executor(
        None, call, "DELETE", urllib.parse.urljoin(url, headers["Location"]), token)
    for task in watching:
        task.cancel()
    await peer.close()


asyncio.run(run(*sys.argv[1:]))
