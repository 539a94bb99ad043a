/**
 * Why something is missing. `slow`: the reader was, and more came than is held for it. `retention`:
 * the history no longer has it. `broker`: the broker lost it. `volatile`: there is no history. A later
 * version may add others.
 */
export type GapCause = 'slow' | 'retention' | 'broker' | 'volatile';

/** Stands in a stream where items are missing that its reader cannot have any more. */
export interface Gap {
  readonly gap: GapCause;
  /** The position of the last item before the gap; `null` where there was none. */
  readonly after: string | null;
  /** The position at which the stream goes on, if it does. */
  readonly resumedAt: string;
  /** How many items are missing; `null` where that cannot be known. */
  readonly missed: number | null;
}

/**
 * Tells a {@link Gap} from the items of a stream, by its members `gap` and `resumedAt`, both text. No
 * item should have both.
 */
export function isGap(item: unknown): item is Gap {
  if (typeof item !== 'object' || item === null) return false;
  const { gap, resumedAt } = item as Partial<Gap>;
  return typeof gap === 'string' && typeof resumedAt === 'string';
}
