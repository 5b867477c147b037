/** How long a session lasts still, by the service's clock. Pure. */

export const WARNING_SECONDS = 5 * 60;
export const LAST_SECONDS = 60;

/** A session's end, measured against this device's clock, which may be wrong. */
export interface Clock {
  /** Milliseconds that the service's clock is ahead of this device's. */
  readonly ahead: number;
  /** The end, in milliseconds since 1970 by the service's clock. */
  readonly expires: number;
}

/** From the service's two times (RFC 3339), received at `here` (milliseconds by this device). Throws RangeError. */
export function clockOf(times: { readonly expires: string; readonly now: string }, here: number): Clock {
  const [expires, now] = [Date.parse(times.expires), Date.parse(times.now)];
  if (Number.isNaN(expires) || Number.isNaN(now)) throw new RangeError('no time');
  return { ahead: now - here, expires };
}

/** Whole seconds that remain; 0 when it is over. */
export function remaining(clock: Clock, here: number): number {
  return Math.max(0, Math.ceil((clock.expires - (here + clock.ahead)) / 1000));
}

/** The service's time, in milliseconds since 1970. */
export const serviceTime = (clock: Clock, here: number): number => here + clock.ahead;

/** What the remaining time asks for. */
export function stageOf(seconds: number): 'calm' | 'warning' | 'last' | 'over' {
  if (seconds <= 0) return 'over';
  if (seconds <= LAST_SECONDS) return 'last';
  return seconds <= WARNING_SECONDS ? 'warning' : 'calm';
}
