/** The signed ballot that waits for its receipt, on this device.
 *
 * Its bytes are what the ballot log publishes: ciphertext under the election's key and a signature. They say nothing of
 * the choice, and who finds them can only send them, which is what the voter decided to do. They do say that somebody
 * voted here, and with which public credential; so they go as soon as the receipt is verified, the ballot is refused, or
 * the vote is over.
 */

import { base64, unbase64 } from '../../core/bytes.ts';

const PLACE = 'vemre-ballot';

/** `credential` is the public one (hex), `closes` the end of the vote (RFC 3339). */
export interface Kept {
  readonly credential: string;
  readonly closes: string;
  readonly entry: Uint8Array;
}

/** Keeps a ballot over a reload; false where the browser keeps nothing. */
export function keep({ credential, closes, entry }: Kept): boolean {
  try {
    localStorage.setItem(PLACE, JSON.stringify({ credential, closes, entry: base64(entry) }));
    return true;
  } catch {
    return false;
  }
}

/** The ballot that is kept for a credential. One that is out of date by `now` (milliseconds since 1970) goes. */
export function kept(credential: string, now: number): Kept | null {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) ?? 'null') as Record<string, unknown> | null;
    if (found === null) return null;
    const entry = unbase64(String(found['entry']));
    const closes = String(found['closes']);
    if (entry === null || !(now <= Date.parse(closes) + GRACE)) {
      letGo();
      return null;
    }
    // Another voter's ballot on a shared device stays, unseen, until that voter comes back.
    return found['credential'] === credential ? { credential, closes, entry } : null;
  } catch {
    return null;
  }
}

/** Erases it. */
export function letGo(): void {
  try {
    localStorage.removeItem(PLACE);
  } catch {
    // Where nothing can be kept there is nothing to erase.
  }
}

/** A day, in which the ballot box still hands out the receipt of a ballot that it took in time. */
const GRACE = 24 * 3600 * 1000;
