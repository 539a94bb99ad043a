export { isTransformerError, TransformerError, type TransformerErrorCode } from './errors.ts';
export { BIGINT_DIGITS_MAX, DEPTH_MAX, REGEXP_UNITS_MAX, URL_UNITS_MAX } from './limits.ts';
export { transformer, type Transformer } from './transformer.ts';
