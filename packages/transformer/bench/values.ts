/** The example values of the bench: what calls carry, small and about 1 KiB of JSON. */

const CALL = { path: 'orders.list', input: { customer: 'c-1042', page: 3, onlyOpen: true } };

function order(number: number) {
  return {
    id: `order-${number}`,
    customer: { id: `c-${number * 7}`, name: 'Ada Lovelace', isNew: number % 2 === 0 },
    lines: [
      { sku: 'A-100', count: 2, price: 1_999 },
      { sku: 'B-200', count: 1, price: 4_950 },
    ],
    note: null,
    paid: true,
  };
}

const PLAIN = { orders: [1, 2, 3, 4, 5].map(order), total: 5, next: 'order-6' };

const RICH = {
  orders: [1, 2, 3].map((number) => ({
    ...order(number),
    placed: new Date(1_700_000_000_000 + number),
    cents: 12_345_678_901_234_567_890n + BigInt(number),
  })),
  stock: new Map(
    [1, 2, 3, 4].map((number) => [`sku-${number}`, { left: number, at: new Date(number) }]),
  ),
  total: 3n,
};

export interface Example {
  readonly name: string;
  readonly value: unknown;
}

/** What JSON carries as it is. */
export const PLAIN_EXAMPLES: readonly Example[] = [
  { name: 'small call', value: CALL },
  { name: '1 KiB plain', value: PLAIN },
];

/** What it does not. */
export const RICH_EXAMPLES: readonly Example[] = [
  { name: 'with a Date', value: { ...CALL, at: new Date(0) } },
  { name: '1 KiB rich', value: RICH },
];
