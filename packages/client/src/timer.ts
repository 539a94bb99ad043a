/** The longest that a timer of the platform can wait, in milliseconds; beyond it fires at once. */
export const TIMER_MS_MAX = 2_147_483_647;
