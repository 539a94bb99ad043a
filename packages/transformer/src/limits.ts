/**
 * How deep a value may be nested, in levels: each object, array, `Map`, `Set` and error within
 * another is one more. Our own choice: far above what people write, far below any stack.
 */
export const DEPTH_MAX = 256;

/** Longest `bigint`, in decimal digits. Reading them takes time that grows faster than they do. */
export const BIGINT_DIGITS_MAX = 10_000;

/** Longest `URL`, in UTF-16 code units. Engines read some hosts in time that grows with the square. */
export const URL_UNITS_MAX = 65_536;

/**
 * All regular expressions of one value together, in UTF-16 code units of their sources. Engines
 * take up to a second to read 100,000 units of the worst ones.
 */
export const REGEXP_UNITS_MAX = 4_096;
