/*
 * The first member of each frame on the wire. Constants of their own rather than one object, so
 * that a bundler puts the numbers where they are used.
 */

export const hello = 1;
export const welcome = 2;
export const reject = 3;
export const goaway = 4;
export const ping = 5;
export const pong = 6;
export const ack = 7;
export const renew = 8;
export const params = 9;
export const renewed = 10;
export const grant = 11;
export const blocked = 12;

export const call = 32;
export const result = 33;
export const error = 34;
export const item = 35;
export const end = 36;
export const cancel = 37;
export const subscribed = 38;
/** A raw message, not a frame: see `piece.ts`. */
export const piece = 39;
export const input = 40;
export const close = 41;
export const stop = 42;
export const returned = 43;
