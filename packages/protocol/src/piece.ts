import * as CODES from './close-codes.ts';
import type { Message } from './codec.ts';
import { malformed, OpenlineError } from './errors.ts';
import type { CallId } from './frame.ts';
import { MESSAGE_BYTES_MAX } from './constants.ts';
import { parseInteger } from './parse.ts';
import * as TAGS from './tags.ts';

/*
 * A frame that does not fit into one message goes as raw pieces, each a binary message:
 *
 *   byte 0      39, the tag of a piece
 *   byte 1      1: the first piece, 2: the last, 3: both
 *   bytes 2-9   the id of the call that the frame belongs to, big-endian
 *   bytes 10-17 in the first piece: the frame's size in bytes, big-endian
 *   then        bytes of the encoded frame
 */
const FIRST = 1;
const LAST = 2;
const HEADER_BYTES = 10;
const FIRST_HEADER_BYTES = 18;

export interface Piece {
  readonly id: CallId;
  /** The whole frame's size in bytes; in the first piece only. */
  readonly size: number | undefined;
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

/** Cuts the next piece of a frame, from `offset` on. */
export function cutPiece(id: CallId, frame: Uint8Array, offset: number): Uint8Array {
  const first = offset === 0;
  const header = first ? FIRST_HEADER_BYTES : HEADER_BYTES;
  const bytes = frame.subarray(offset, offset + MESSAGE_BYTES_MAX - header);
  const piece = new Uint8Array(header + bytes.length);
  const view = new DataView(piece.buffer);
  const last = offset + bytes.length === frame.length;
  piece[0] = TAGS.piece;
  piece[1] = (first ? FIRST : 0) | (last ? LAST : 0);
  view.setBigUint64(2, BigInt(id));
  if (first) view.setBigUint64(10, BigInt(frame.length));
  piece.set(bytes, header);
  return piece;
}

/** Whether a message is a piece and no list of frames: no codec begins one with this byte. */
export function isPiece(message: Message): message is Uint8Array {
  return typeof message !== 'string' && message[0] === TAGS.piece;
}

/** How many bytes of the frame the piece carries. */
export function pieceLength(piece: Uint8Array): number {
  const first = ((piece[1] ?? 0) & FIRST) !== 0;
  return piece.length - (first ? FIRST_HEADER_BYTES : HEADER_BYTES);
}

/** @throws FRAME_MALFORMED */
export function parsePiece(message: Uint8Array): Piece {
  const flags = message[1] ?? 0xff;
  const first = (flags & FIRST) !== 0;
  const header = first ? FIRST_HEADER_BYTES : HEADER_BYTES;
  if (message[0] !== TAGS.piece || flags > 3 || message.length <= header) {
    throw malformed('piece');
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  return {
    id: readInteger(view, 2),
    size: first ? readInteger(view, 10) : undefined,
    last: (flags & LAST) !== 0,
    bytes: message.subarray(header),
  };
}

function readInteger(view: DataView, offset: number): number {
  return parseInteger(Number(view.getBigUint64(offset)), 1, 'piece');
}

/**
 * Puts one frame together again. It grows with what arrives, not with what was claimed, and small
 * pieces cost no more than large ones.
 */
export class Assembly {
  readonly #size: number;
  #frame: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @throws LIMIT_EXCEEDED, or FRAME_MALFORMED when it is no first piece. */
  constructor(piece: Piece, payloadBytesMax: number) {
    if (piece.size === undefined) throw malformed('piece');
    if (piece.size > payloadBytesMax) {
      throw new OpenlineError(CODES.LIMIT_EXCEEDED, 'payload');
    }
    this.#size = piece.size;
  }

  /** What arrived so far, in bytes. */
  get heldBytes(): number {
    return this.#length;
  }

  /** Takes the next piece. Gives the whole frame with the last one. @throws FRAME_MALFORMED */
  add({ bytes, last }: Piece): Uint8Array | undefined {
    const length = this.#length + bytes.length;
    if (length > this.#size || last !== (length === this.#size)) {
      throw malformed('payload size');
    }
    if (length > this.#frame.length) this.#grow(length);
    // Copied, since a transport may use the memory of its message again.
    this.#frame.set(bytes, this.#length);
    this.#length = length;
    return last ? this.#frame : undefined;
  }

  #grow(length: number): void {
    const frame = new Uint8Array(Math.min(this.#size, Math.max(length, 2 * this.#frame.length)));
    frame.set(this.#frame);
    this.#frame = frame;
  }
}
