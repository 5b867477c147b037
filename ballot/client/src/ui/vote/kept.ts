/** The signed ballot that waits for its receipt, on this device.
 *
 * Its bytes are what the ballot log publishes: ciphertext under the election's key and a signature. They say nothing of
 * the choice, and who finds them can only send them, which is what the voter decided to do. They do say that somebody
 * voted here, and with which public credential; so they go as soon as the receipt is verified, the ballot is refused, or
 * the vote is over.
 */

import { base64, unbase64 } from '../../core/bytes.ts';

/** One place for each voter: households share devices. */
const PLACE = 'vemre-ballot-';
/** A day, in which the ballot box still hands out the receipt of a ballot that it took in time. */
const GRACE = 24 * 3600 * 1000;

/** `credential` is the public one (hex), `closes` the end of the vote (RFC 3339). */
export interface Kept {
  readonly credential: string;
  readonly closes: string;
  readonly entry: Uint8Array;
}

/** Keeps a ballot over a reload; false where the browser keeps nothing. */
export function keep({ credential, closes, entry }: Kept): boolean {
  try {
    localStorage.setItem(PLACE + credential, JSON.stringify({ closes, entry: base64(entry) }));
    return true;
  } catch {
    return false;
  }
}

/** The ballot that is kept for a credential. All that are out of date by `now` (milliseconds since 1970) go. */
export function kept(credential: string, now: number): Kept | null {
  try {
    const names = Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i)!);
    for (const name of names.filter((one) => one.startsWith(PLACE))) {
      if (read(name, now) === null) localStorage.removeItem(name);
    }
    const found = read(PLACE + credential, now);
    return found && { credential, ...found };
  } catch {
    return null;
  }
}

/** Erases it. */
export function letGo(credential: string): void {
  try {
    localStorage.removeItem(PLACE + credential);
  } catch {
    // Where nothing can be kept there is nothing to erase.
  }
}

function read(name: string, now: number): { closes: string; entry: Uint8Array } | null {
  try {
    const { closes, entry } = JSON.parse(localStorage.getItem(name) ?? 'null') as Record<string, unknown>;
    const bytes = unbase64(String(entry));
    return bytes !== null && now <= Date.parse(String(closes)) + GRACE ? { closes: String(closes), entry: bytes } : null;
  } catch {
    return null;
  }
}
