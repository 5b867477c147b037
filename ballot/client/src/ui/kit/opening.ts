/** A challenged ballot's opening as a link for the second device: all of it after the `#`, so no server ever sees it. */

import { base64, concat, hex, unbase64, unhex, utf8 } from '../../core/bytes.ts';

const HEX32 = /"([0-9a-f]{64})"/g;
/** A byte that no UTF-8 text has; 32 bytes follow it that stand for their 64 hexadecimal digits between quotes. */
const MARK = 0xff;

/** The address to open on another device, at `page`. */
export const challengeLink = (page: string, payload: Uint8Array): string => `${page}#${fragmentOf(packed(payload))}`;

/** Bytes as the fragment of an address. */
export const fragmentOf = (data: Uint8Array): string => base64(data).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

/** The bytes of such a fragment, or null. */
export function bytesOf(fragment: string): Uint8Array | null {
  const text = fragment.replace(/-/g, '+').replace(/_/g, '/');
  return unbase64(text.padEnd(Math.ceil(text.length / 4) * 4, '='));
}

/** The payload after the `#` of such an address, or null. */
export function payloadOf(fragment: string): Uint8Array | null {
  const data = bytesOf(fragment.replace(/^#/, ''));
  return data && unpacked(data);
}

function packed(payload: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(payload);
  const parts: Uint8Array[] = [];
  let place = 0;
  for (const found of text.matchAll(HEX32)) {
    parts.push(utf8(text.slice(place, found.index)), Uint8Array.of(MARK), unhex(found[1]!));
    place = found.index! + found[0].length;
  }
  return concat(...parts, utf8(text.slice(place)));
}

function unpacked(data: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let place = 0;
  for (let mark = data.indexOf(MARK); mark >= 0; mark = data.indexOf(MARK, place)) {
    if (mark + 33 > data.length) return null;
    parts.push(data.subarray(place, mark), utf8(`"${hex(data.subarray(mark + 1, mark + 33))}"`));
    place = mark + 33;
  }
  return concat(...parts, data.subarray(place));
}
