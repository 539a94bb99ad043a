import type { Codec, Message, WireFrame } from './codec.ts';
import { FLOW_FRAMES_MAX } from './constants.ts';
import type { CallId } from './frame.ts';

/** Frames of credit that are due, by their call and by what they are about: the latest is what holds. */
export class FlowFrames {
  readonly #codec: Codec;
  readonly #calls = new Map<CallId, Map<string, Message>>();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  /** Takes the place of one of its kind that is about the same stream. */
  say(id: CallId, frame: WireFrame): void {
    let frames = this.#calls.get(id);
    if (frames === undefined) this.#calls.set(id, (frames = new Map<string, Message>()));
    frames.set(frame.slice(0, 3).join(), this.#codec.encode(frame));
  }

  /** The call is over: what is due of it would be ignored, and must not pile up. */
  forget(id: CallId): void {
    this.#calls.delete(id);
  }

  clear(): void {
    this.#calls.clear();
  }

  /** Moves as many as go in one message. */
  take(into: Message[]): void {
    let left = FLOW_FRAMES_MAX;
    for (const [id, frames] of this.#calls) {
      for (const [key, frame] of frames) {
        if (left-- === 0) return;
        into.push(frame);
        frames.delete(key);
      }
      this.#calls.delete(id);
    }
  }
}
