import { malformed, TransformerError } from './errors.ts';
import { URL_UNITS_MAX } from './limits.ts';

/** The platform's `URL`, which the language does not know. */
interface UrlLike {
  readonly href: string;
}
const { URL } = globalThis as unknown as { readonly URL: new (href: string) => UrlLike };

export function isUrl(value: object): value is UrlLike {
  return value instanceof URL;
}

/** @throws MALFORMED, TOO_LONG */
export function parseUrl(href: unknown): UrlLike {
  if (typeof href !== 'string') throw malformed('URL');
  if (href.length > URL_UNITS_MAX) throw new TransformerError('TOO_LONG', 'URL too long');
  try {
    return new URL(href);
  } catch (cause) {
    throw malformed('URL', cause);
  }
}
