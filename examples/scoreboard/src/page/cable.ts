// For the demonstration below a game alone; nothing else on this page knows of it. It stands for what
// is between the page and its server: while it is out, no connection can be made.

/** A port to which browsers connect by no means. */
const NOWHERE = '9';

let isOut = false;

/** In the place of the browser's own from before the line is made: `main.tsx` imports this first. */
globalThis.WebSocket = class extends globalThis.WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    const target = new URL(url);
    if (isOut) target.port = NOWHERE;
    super(target, protocols);
  }
};

/** Pulls it out, and puts it back in after so many milliseconds. */
export function pullCable(forMs: number): void {
  isOut = true;
  setTimeout(() => {
    isOut = false;
    dispatchEvent(new Event('online')); // So says a browser whose network is there again.
  }, forMs);
}
