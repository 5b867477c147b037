/** A challenged ballot's opening as a link for the second device: all of it after the `#`, so no server ever sees it. */

import { base64, unbase64 } from '../../core/bytes.ts';

/** The address to open on another device, at `page`. */
export const challengeLink = (page: string, payload: Uint8Array): string => `${page}#${fragmentOf(payload)}`;

/** Bytes as the fragment of an address. */
export const fragmentOf = (data: Uint8Array): string => base64(data).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

/** The bytes of such a fragment, or null. */
export function bytesOf(fragment: string): Uint8Array | null {
  const text = fragment.replace(/-/g, '+').replace(/_/g, '/');
  return unbase64(text.padEnd(Math.ceil(text.length / 4) * 4, '='));
}

/** The payload after the `#` of such an address, or null. */
export const payloadOf = (fragment: string): Uint8Array | null => bytesOf(fragment.replace(/^#/, ''));
