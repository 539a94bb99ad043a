/* SPEC section 3, "The MessagePack codec". Both sides keep to these. */

/** Values inside one another, the frame being the first. */
export const DEPTH_MAX = 100;
/** Maps and sets inside one another: each is copied into the one around it. */
export const NESTED_MAX = 16;
/** Byte strings and extension values in a frame: each costs far more memory than its bytes. */
export const HEAVY_VALUES_MAX = 262_144;
/** Of a bigint, in bytes. To print one takes time that grows with the square of its size. */
export const BIGINT_BYTES_MAX = 1_024;
/** Below so many bytes no frame has too many heavy values: the least has two bytes. */
export const HEAVY_FRAME_BYTES_MIN: number = 2 * HEAVY_VALUES_MAX;
