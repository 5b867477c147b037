/** How strong a password is: as strong as it is long. Pure. */

export const SHORTEST = 12;
const GOOD = 16;
const BETTER = 20;

export interface Strength {
  readonly level: 'short' | 'enough' | 'good' | 'better';
  /** Characters that are lacking. */
  readonly missing: number;
}

export function strengthOf(password: string): Strength {
  const { length } = Array.from(password);
  const missing = Math.max(0, SHORTEST - length);
  if (missing > 0) return { level: 'short', missing };
  return { level: length >= BETTER ? 'better' : length >= GOOD ? 'good' : 'enough', missing };
}
