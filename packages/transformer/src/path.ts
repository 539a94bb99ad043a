import type { Members } from './plain.ts';

/** A path that is longer in an error's message is cut, in UTF-16 code units. */
const PATH_UNITS_MAX = 200;

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * Where a value stands, for people: `.orders[3].price`. `steps[i]` leads on from `containers[i]`;
 * in a `Map` even numbers are keys and odd ones values.
 */
export function pathOf(
  containers: readonly object[],
  steps: readonly (string | number)[],
  count: number,
): string {
  let path = '';
  for (let i = 0; i < count && path.length <= PATH_UNITS_MAX; i++) {
    path += stepOf(containers[i], steps[i]);
  }
  if (path === '') return 'the value itself';
  return path.length > PATH_UNITS_MAX ? `${path.slice(0, PATH_UNITS_MAX)}…` : path;
}

function stepOf(container: unknown, step: string | number | undefined): string {
  if (typeof step === 'string') {
    return IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  const index = step ?? 0;
  if (container instanceof Map) {
    return `<${index % 2 === 0 ? 'key' : 'value'} ${Math.floor(index / 2)}>`;
  }
  return container instanceof Set ? `<item ${index}>` : `[${index}]`;
}

/** What a value is, for people, without its content. */
export function kindOf(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const constructor: unknown = (prototype as Members | null)?.['constructor'];
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'an object of an unnamed class' : `an instance of the class ${name}`;
}
