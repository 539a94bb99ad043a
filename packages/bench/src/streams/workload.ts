import { INPUT, type Payload } from '../workload.ts';

/** What streams carry where items are counted: numbered, so that a lost or doubled one shows. */
export interface Item {
  readonly n: number;
  readonly text: string;
}

/** What an item's number and the names of its members take. */
const ITEM_OVERHEAD_BYTES = 20;
/** After so many items a source lets the event loop turn: else a server without credit hears nothing. */
export const ITEMS_A_TURN = 64;

/** The text of items of about so many bytes. */
export function itemText(bytes: number): string {
  return 'x'.repeat(bytes - ITEM_OVERHEAD_BYTES);
}

/** Checks that numbered items come whole, once and in order. */
export class ItemChecker {
  readonly #text: string;
  /** How many came. */
  count = 0;

  constructor(bytes: number) {
    this.#text = itemText(bytes);
  }

  /** @throws when it is not the item that is due. */
  check(value: unknown): void {
    const { n, text } = value as Partial<Item>;
    if (n !== this.count || text !== this.#text) throw new Error(`item ${this.count} is wrong`);
    this.count++;
  }
}

/** One large string, which JSON copies; or many small objects, which JSON has to walk. */
export type BulkShape = 'text' | 'rows';
export const BULK_SHAPES: readonly BulkShape[] = ['text', 'rows'];

/** Something of so many bytes at least, as JSON. */
export interface BulkSize {
  readonly shape: BulkShape;
  readonly bytes: number;
}

export type Bulk = string | readonly Payload[];

const ROW_BYTES = JSON.stringify(INPUT).length;

function rowsOf(bytes: number): number {
  return Math.ceil(bytes / ROW_BYTES);
}

export function createBulk({ shape, bytes }: BulkSize): Bulk {
  if (shape === 'text') return 'x'.repeat(bytes);
  return Array.from({ length: rowsOf(bytes) }, (_, count) => ({ ...INPUT, count }));
}

/** @throws when it is not what {@link createBulk} makes. */
export function checkBulk(value: unknown, { shape, bytes }: BulkSize): void {
  if (shape === 'text' ? !isText(value, bytes) : !areRows(value, rowsOf(bytes))) {
    throw new Error(`${shape} of ${bytes} bytes is wrong`);
  }
}

function isText(value: unknown, length: number): boolean {
  return typeof value === 'string' && value.length === length && value === 'x'.repeat(length);
}

function areRows(value: unknown, length: number): boolean {
  if (!Array.isArray(value) || value.length !== length) return false;
  return (value as readonly Partial<Payload>[]).every(
    ({ room, id, text, count, urgent }, index) =>
      count === index &&
      room === INPUT.room &&
      id === INPUT.id &&
      text === INPUT.text &&
      urgent === INPUT.urgent,
  );
}
