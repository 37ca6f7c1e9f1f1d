// face_mesh's own way of running in a worker is broken: it starts and fails on its
// first frame. So the worker gets the three things of a page that the library's
// other way touches: canvases, script elements, and a body that runs them.

type Listener = () => void;

class ScriptElement {
  src = '';
  private readonly listeners = new Map<string, Listener[]>();

  setAttribute(name: string, value: string): void {
    if (name === 'src') {
      this.src = value;
    }
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  run(importScripts: (url: string) => void): void {
    let outcome = 'load';
    try {
      importScripts(this.src);
    } catch (cause) {
      outcome = 'error';
      console.warn('a script of the face model did not load:', this.src, cause);
    }
    // As in a page: after the code that appended the element.
    queueMicrotask(() => {
      for (const listener of this.listeners.get(outcome) ?? []) {
        listener();
      }
    });
  }
}

interface WorkerGlobals {
  window?: unknown;
  document?: unknown;
  alert?: unknown;
  importScripts(...urls: string[]): void;
}

/** Makes a worker look enough like a page for face_mesh. */
export function pretendToBeAPage(scope: WorkerGlobals): void {
  scope.window = scope;
  scope.alert = (text: unknown) => {
    console.warn(text);
  };
  scope.document = {
    currentScript: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    createElement: (tag: string): unknown => {
      if (tag === 'canvas') {
        return new OffscreenCanvas(1, 1);
      }
      if (tag === 'script') {
        return new ScriptElement();
      }
      throw new Error(`there are no <${tag}> elements in a worker`);
    },
    body: {
      appendChild: (element: ScriptElement) => {
        element.run((url) => {
          scope.importScripts(url);
        });
      },
    },
  };
}
