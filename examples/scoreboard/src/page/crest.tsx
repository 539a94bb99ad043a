import { useId } from 'react';

interface CrestProps {
  readonly colors: readonly [string, string];
  readonly size: number | string;
}

const SHIELD = 'M4 5 Q20 1 36 5 V24 Q36 38 20 45 Q4 38 4 24 Z';

/** A striped shield in the colours of a team. */
export function Crest({ colors: [first, second], size }: CrestProps) {
  const clip = useId();
  return (
    <svg viewBox="0 0 40 47" style={{ height: size, flex: 'none' }} aria-hidden>
      <clipPath id={clip}>
        <path d={SHIELD} />
      </clipPath>
      <g clipPath={`url(#${clip})`}>
        <rect width="40" height="47" fill={first} />
        <rect x="15" width="10" height="47" fill={second} />
      </g>
      <path d={SHIELD} fill="none" stroke="rgb(255 255 255 / 75%)" strokeWidth="1.6" />
    </svg>
  );
}
