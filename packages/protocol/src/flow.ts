import { STREAM_WINDOW, STREAM_WINDOW_BYTES_MAX, STREAM_WINDOW_MAX } from './constants.ts';

/** What the writer of a stream may still write. An item costs a credit for each message it takes. */
export class Credit {
  #granted = STREAM_WINDOW;
  #spent = 0;
  /** The reader was told that all is spent. */
  isBlocked = false;

  get isSpent(): boolean {
    return this.#spent >= this.#granted;
  }

  /** The last item may run into debt, so that none waits for credit in its middle. */
  spend(credits: number): void {
    this.#spent += credits;
  }

  /** `granted` is all that was ever granted: an earlier grant that comes late changes nothing. */
  grant(granted: number): void {
    this.#granted = Math.max(this.#granted, granted);
  }
}

/**
 * What the reader of a stream grants. It grants anew when half of the window is consumed, and widens
 * the window where the writer waits for a grant while nothing is left to consume: then the line is
 * long, and not the reader slow.
 */
export class Window {
  /** All that was ever granted, in credits. */
  granted: number = STREAM_WINDOW;
  /** Bytes of items that are received and not consumed. */
  heldBytes = 0;
  /** Nothing more comes: it is kept for what is not consumed. */
  isClosed = false;
  /** More came than was granted, and its host was told. */
  isOverrun = false;
  #size: number = STREAM_WINDOW;
  #received = 0;
  #receivedBytes = 0;
  #consumed = 0;

  /** `false`: nothing is granted for it. */
  receive(credits: number, bytes: number): boolean {
    if (this.#received >= this.granted) return false;
    this.#received += credits;
    this.#receivedBytes += bytes;
    this.heldBytes += bytes;
    return true;
  }

  /** Whether more is granted by it, and the writer has to hear of it. */
  consume(credits: number, bytes: number): boolean {
    this.#consumed += credits;
    this.heldBytes -= bytes;
    return this.#grant();
  }

  /** The writer has spent what it knows to be granted. Whether more is granted by it. */
  blocked(): boolean {
    const wider = 2 * this.#size;
    const usualBytes = this.#receivedBytes / this.#received;
    const isStarved = this.#consumed > 0 && this.#consumed === this.#received;
    const isBounded = wider <= STREAM_WINDOW_MAX && wider * usualBytes <= STREAM_WINDOW_BYTES_MAX;
    if (isStarved && isBounded) this.#size = wider;
    return this.#grant();
  }

  #grant(): boolean {
    if (this.isClosed) return false;
    const granted = this.#consumed + this.#size;
    if (granted - this.granted < this.#size / 2) return false;
    this.granted = granted;
    return true;
  }
}
