/** All that there is about a value, as text: its classes, its members in order, its bytes. */
export function tell(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${value}`;
  return `${classOf(value)}(${contentOf(value)})`;
}

function classOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as {
    readonly constructor: { name: string };
  } | null;
  return prototype === null ? 'nothing' : prototype.constructor.name;
}

function contentOf(value: object): string {
  if (Array.isArray(value)) return value.map(tell).join();
  if (value instanceof Map || value instanceof Set) return [...value].map(tell).join();
  if (value instanceof Date) return `${value.getTime()}`;
  if (value instanceof RegExp || value instanceof URL) return `${value}`;
  if (value instanceof ArrayBuffer) return new Uint8Array(value).join();
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join();
  }
  const keys = Reflect.ownKeys(value).filter((key) => key !== 'stack');
  return keys
    .map((key) => {
      const { value: member, enumerable } = Reflect.getOwnPropertyDescriptor(value, key) ?? {};
      return `${enumerable === true ? '' : 'hidden '}${String(key)}=${tell(member)}`;
    })
    .join();
}
