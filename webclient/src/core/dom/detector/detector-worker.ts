// The worker: one engine, one frame at a time. It has a Content-Security-Policy of
// its own (scoring/public/page.go goes by "worker" in the file's name), since the
// model's glue makes functions from strings; the page's stays strict.

import type { Engine } from '../../detector/engine';
import type { EngineName } from '../../detector/engines';
import { measureFaces } from '../../detector/measures';
import { Pace } from '../../detector/pace';
import type { DetectorCode, Frame, FromWorker, ToWorker } from '../../detector/protocol';
import { capabilities } from './capabilities';
import { openFaceMesh } from './face-mesh';
import { PictureReader } from './picture-reader';
import { openTasksVision } from './tasks-vision';

const scope = self;
const say = scope.postMessage.bind(scope) as (message: FromWorker) => void;
const pace = new Pace();
let reader: PictureReader | null = null;
let engine: Engine | null = null;

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'start':
      void start(data.base, data.taskModel);
      break;
    case 'frame':
      void look(data.frame, data.at);
      break;
    case 'noFrame':
      wantIn(pace.intervalMs);
      break;
    case 'picture':
      void give(data.id);
      break;
  }
};

async function start(base: string, taskModel: string | null): Promise<void> {
  const can = capabilities();
  const missing: DetectorCode | null = !can.webAssembly ? 'NoWebAssembly' : !can.webgl ? 'NoWebGL' : null;
  try {
    reader = new PictureReader();
    if (missing === null) {
      if (taskModel !== null && can.simd) {
        engine = await openTasksVision(base, taskModel, can.softwareGL).catch((cause: unknown) => {
          console.warn('the model that the server offers does not work; using our own:', cause);

          return null;
        });
      }
      engine ??= await openFaceMesh(scope, base);
    }
  } catch (cause) {
    fail('LoadFailed', null, cause);

    return;
  }
  say({ type: 'ready', engine: engine?.name ?? null, code: missing ?? (can.simd ? null : 'NoSimd') });
  say({ type: 'want' });
}

async function look(frame: Frame, at: number): Promise<void> {
  const began = performance.now();
  try {
    const picture = frame instanceof ImageBitmap ? frame : await createImageBitmap(frame);
    if (picture !== frame) {
      frame.close();
    }
    const { width, height } = picture;
    const faces = (await engine?.detect(picture, at)) ?? null;
    const light = reader?.read(picture);
    const workMs = performance.now() - began;
    pace.took(workMs);
    if (light !== undefined) {
      const measured = faces === null ? null : measureFaces(faces, { width, height });
      say({ type: 'measured', measures: { at, faces: measured, picture: light, workMs } });
    }
  } catch (cause) {
    fail('Crashed', engine?.name ?? null, cause);

    return;
  }
  wantIn(pace.intervalMs - (performance.now() - began));
}

async function give(id: number): Promise<void> {
  const jpeg = (await reader?.jpeg().catch(() => null)) ?? null;
  say({ type: 'picture', id, jpeg });
}

function wantIn(ms: number): void {
  setTimeout(() => {
    say({ type: 'want' });
  }, Math.max(0, ms));
}

function fail(code: DetectorCode, name: EngineName | null, cause: unknown): void {
  say({ type: 'failed', engine: name, code, detail: cause instanceof Error ? cause.message : String(cause) });
}
