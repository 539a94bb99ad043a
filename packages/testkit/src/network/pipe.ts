import { HIGH_WATER_BYTES, type Message } from '@openline/protocol';
import type { Random } from '../random.ts';
import { later } from './later.ts';

/** What a direction of a connection is like. */
export interface PipeSettings {
  /** How long a message is on its way, in whole milliseconds. */
  readonly latencyMs: number;
  /** So much longer it may take, in milliseconds. */
  readonly jitterMs: number;
  /** How many bytes it takes in a millisecond. */
  readonly bytesPerMs: number;
}

/** What travels: a message, or the goodbye behind the last one. */
export type Parcel =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string };

interface Unsent {
  readonly parcel: Parcel;
  readonly bytes: number;
  /** When its last byte leaves; known once it is the first. */
  leavesAtMs: number | undefined;
}

interface Travelling {
  readonly parcel: Parcel;
  readonly bytes: number;
  readonly arrivesAtMs: number;
}

/** Who is told what a pipe does. */
export interface PipeHost {
  arrived(parcel: Parcel): void;
  /** What is buffered has fallen below the high-water mark again. */
  drained(): void;
  /** The byte at which the pipe was to break has come, in the middle of a message. */
  broken(): void;
}

/** Is told when a fault takes effect: maybe often, maybe never. */
export type Felt = () => void;

interface Delay {
  readonly extraMs: number;
  readonly felt: Felt;
}

const nobody: Felt = () => {};

/** A WebSocket's own framing of a short message, in bytes. */
const FRAMING_BYTES = 6;

/**
 * One direction of a connection. Bytes leave one after another as fast as the line takes them, are on
 * their way for a while, and arrive in order; a message is there when its last byte is.
 */
export class Pipe {
  readonly #host: PipeHost;
  readonly #random: Random;
  readonly #settings: PipeSettings;
  /** Not on its way yet. */
  readonly #unsent: Unsent[] = [];
  readonly #travelling: Travelling[] = [];
  #unsentBytes = 0;
  #isClogged = false;
  #stopLeaving: (() => void) | undefined;
  #stopArriving: (() => void) | undefined;
  /** When the last byte of what is on its way had left. */
  #leftAtMs = 0;
  #lastArrivalMs = 0;
  readonly #delays = new Set<Delay>();
  /** Who reads nothing for now, each with what tells that something waits for it. */
  readonly #stalls = new Set<Felt>();
  #darkness: { readonly how: 'swallows' | 'clogs'; readonly felt: Felt } | undefined;
  #break: { bytesLeft: number; readonly felt: Felt } | undefined;
  #isOver = false;

  constructor(host: PipeHost, random: Random, settings: PipeSettings) {
    this.#host = host;
    this.#random = random;
    this.#settings = settings;
  }

  /** Bytes that were given and have not left. */
  get bufferedBytes(): number {
    return this.#unsentBytes;
  }

  send(parcel: Parcel): void {
    if (this.#isOver) return;
    const bytes = bytesOf(parcel);
    this.#unsent.push({ parcel, bytes, leavesAtMs: undefined });
    this.#unsentBytes += bytes;
    this.#pump();
    this.#isClogged ||= this.#unsentBytes >= HIGH_WATER_BYTES;
  }

  /** The reader reads nothing for now: nothing leaves. Returns what ends that. */
  stall(felt: Felt = nobody): () => void {
    const stalled = (): void => felt();
    this.#stalls.add(stalled);
    const head = this.#unsent[0];
    if (head !== undefined) head.leavesAtMs = undefined;
    this.#pump();
    return () => {
      if (this.#stalls.delete(stalled)) this.#pump();
    };
  }

  /** What leaves from now on takes so much longer. Returns what ends that. */
  delay(extraMs: number, felt: Felt = nobody): () => void {
    const delay = { extraMs, felt };
    this.#delays.add(delay);
    return () => this.#delays.delete(delay);
  }

  /** What is sent into it is never heard of again, a reset neither. */
  get isDark(): boolean {
    return this.#darkness !== undefined;
  }

  /**
   * Nothing arrives any more, and nobody is told: bytes vanish, or pile up at the sender. For ever: of
   * a stream, nothing can be left out.
   */
  darken(how: 'swallows' | 'clogs', felt: Felt = nobody): void {
    if (this.#travelling.length > 0) felt();
    this.#travelling.length = 0;
    this.#darkness ??= { how, felt };
    this.#pump();
  }

  /** Breaks once so many more bytes have arrived. */
  breakAfter(bytes: number, felt: Felt = nobody): void {
    if (bytes < (this.#break?.bytesLeft ?? Infinity)) this.#break = { bytesLeft: bytes, felt };
  }

  /** What has not arrived is lost. */
  end(): void {
    this.#isOver = true;
    this.#unsent.length = this.#travelling.length = this.#unsentBytes = 0;
    this.#stopLeaving?.();
    this.#stopArriving?.();
  }

  /** What is on its way still arrives, and nothing else does. Gives how long that takes. */
  finish(): number {
    this.#unsent.length = this.#unsentBytes = 0;
    this.#stopLeaving?.();
    return this.#travelling.length === 0 ? 0 : this.#lastArrivalMs - performance.now();
  }

  #pump(): void {
    this.#stopLeaving?.();
    if (this.#isOver || this.#isHeldUp()) return;
    const nowMs = performance.now();
    for (let head = this.#unsent[0]; head !== undefined; head = this.#unsent[0]) {
      head.leavesAtMs ??= Math.max(nowMs, this.#leftAtMs) + head.bytes / this.#settings.bytesPerMs;
      if (head.leavesAtMs >= nowMs + 1) {
        this.#stopLeaving = later(Math.floor(head.leavesAtMs - nowMs), () => this.#pump());
        break;
      }
      this.#leftAtMs = head.leavesAtMs;
      this.#unsent.shift();
      this.#unsentBytes -= head.bytes;
      if (this.#darkness === undefined) this.#depart(head, nowMs);
      else this.#darkness.felt();
    }
    if (!this.#isClogged || this.#unsentBytes >= HIGH_WATER_BYTES) return;
    this.#isClogged = false;
    this.#host.drained();
  }

  #isHeldUp(): boolean {
    const isClogged = this.#darkness?.how === 'clogs';
    if (this.#unsent.length > 0) {
      for (const felt of this.#stalls) felt();
      if (isClogged) this.#darkness?.felt();
    }
    return isClogged || this.#stalls.size > 0;
  }

  #depart({ parcel, bytes }: Unsent, nowMs: number): void {
    const { latencyMs, jitterMs } = this.#settings;
    let travelMs = latencyMs + this.#random.integer(0, jitterMs);
    for (const { extraMs, felt } of this.#delays) {
      travelMs += extraMs;
      felt();
    }
    const arrivesAtMs = Math.max(this.#lastArrivalMs, nowMs + travelMs);
    this.#lastArrivalMs = arrivesAtMs;
    this.#travelling.push({ parcel, bytes, arrivesAtMs });
    if (this.#travelling.length === 1) this.#awaitArrival();
  }

  #awaitArrival(): void {
    const head = this.#travelling[0];
    if (head === undefined) return;
    this.#stopArriving = later(head.arrivesAtMs - performance.now(), () => this.#arrive());
  }

  /** What is there by now arrives: all in one turn of the event loop, or one in each. */
  #arrive(): void {
    const nowMs = performance.now();
    const atOnce = this.#random.chance(70) ? Infinity : 1;
    for (let count = 0; count < atOnce; count++) {
      const head = this.#travelling[0];
      if (head === undefined || head.arrivesAtMs > nowMs) break;
      this.#travelling.shift();
      if (this.#breaksIn(head.bytes)) return this.#host.broken();
      this.#host.arrived(head.parcel);
      if (this.#isOver) return;
    }
    this.#awaitArrival();
  }

  #breaksIn(bytes: number): boolean {
    if (this.#break === undefined) return false;
    this.#break.bytesLeft -= bytes;
    if (this.#break.bytesLeft >= 0) return false;
    this.#break.felt();
    return true;
  }
}

function bytesOf(parcel: Parcel): number {
  return FRAMING_BYTES + (parcel.kind === 'message' ? byteLength(parcel.message) : 2);
}

function byteLength(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.length;
}
