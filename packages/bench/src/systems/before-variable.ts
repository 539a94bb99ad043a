/** The environment variable that names the checkout of `--before`, for the child processes. */
export const BEFORE_VARIABLE = 'OPENLINE_BENCH_BEFORE';
