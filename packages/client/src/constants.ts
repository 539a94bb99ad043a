/*
 * What the client waits for and holds where nobody says otherwise. Constants in a module that imports
 * nothing: so a bundler puts them where they are used.
 */

/** The default address, and what a relative one is relative to in a browser: the page. */
export const DEFAULT_URL = '/rpc';
/** What a call may take, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000;
/** Calls that may wait for the line. */
export const QUEUE_CALLS_MAX = 10_000;
/** What calls that wait may hold, in bytes. */
export const QUEUE_BYTES_MAX = 16_777_216;
/** All that the line may hold of what the server does not take, in bytes. */
export const SESSION_BYTES_MAX = 268_435_456;

/** Time for the connection to be made and the server to answer, in milliseconds. */
export const DIAL_TIMEOUT_MS = 15_000;
/** A connection that breaks before this age counts as a failed attempt, in milliseconds. */
export const STABLE_MS = 5_000;
/** The longest wait before the first attempt to come back, in milliseconds; it doubles from there. */
export const BACKOFF_BASE_MS = 500;
/** The longest wait before any attempt, in milliseconds. */
export const BACKOFF_MAX_MS = 30_000;
/** Time for the server to answer a goodbye, in milliseconds. */
export const CLOSE_GRACE_MS = 1_000;
/** A WebSocket in a browser does not say when it has drained: it is asked this often. */
export const DRAIN_POLL_MS = 10;
/** The longest that a timer of the platform can wait, in milliseconds; beyond it fires at once. */
export const TIMER_MS_MAX = 2_147_483_647;

/** The `readyState` of a WebSocket that is open. */
export const WEBSOCKET_OPEN = 1;
/** What the client says that it is. */
export const CLIENT_NAME = 'openline-js/0';
/** The context of a tRPC call has {@link CallOptions} under this name. */
export const CONTEXT_KEY = 'openline';
