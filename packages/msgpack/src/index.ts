export { msgpack } from './codec.ts';
export { msgpackTransformer } from './transformer.ts';
export type { Transformer } from './transformer.ts';
