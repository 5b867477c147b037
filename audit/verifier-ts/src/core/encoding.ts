/** From decrypted elements back to marked papers. */

import type { Contest } from './bodies.js';
import { fromUtf8 } from './bytes.js';
import { decodeElement, type Element, isIdentity } from './group.js';

const BLOCK = 30;
const COUNTERS = 128;
/** The characters of a write-in: none of them has a second spelling. */
const WRITE_IN = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u024f\u02bc\ua78b\ua78c]+$/;

function candidate(counter: number, block: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[0] = 2 * counter;
  bytes.set(block, 1);
  return bytes;
}

/** The number of the first candidate that decodes and is not the identity, or null where none does. */
export function firstCounter(block: Uint8Array): number | null {
  for (let counter = 0; counter < COUNTERS; counter += 1) {
    const element = decodeElement(candidate(counter, block));
    if (element !== null && !isIdentity(element)) return counter;
  }
  return null;
}

/** The element of a block of 30 bytes. */
export function encodeBlock(block: Uint8Array): Element {
  return decodeElement(candidate(firstCounter(block)!, block))!;
}

/** The block that an element carries, or null. */
export function decodeBlock(element: Uint8Array): Uint8Array | null {
  if (element[31] !== 0 || element[0]! % 2 !== 0) return null;
  const block = element.slice(1, 1 + BLOCK);
  return firstCounter(block) === element[0]! / 2 ? block : null;
}

export type Choice =
  | { readonly kind: 'null' }
  | { readonly kind: 'marks'; readonly options: readonly number[] }
  | { readonly kind: 'write-in'; readonly text: string };

function marked(bytes: Uint8Array, contest: Contest): Choice | null {
  const count = contest.options.length;
  const options: number[] = [];
  for (let bit = 0; bit < 8 * (bytes.length - 1); bit += 1) {
    if ((bytes[1 + (bit >> 3)]! & (1 << (bit & 7))) === 0) continue;
    if (bit >= count) return null;
    options.push(bit);
  }
  const together = (members: readonly string[]) => options.every((k) => members.includes(contest.options[k]!.id));
  const valid = options.length === 1 || (options.length > 1 && contest.coalitions.some(({ members }) => together(members)));
  return valid ? { kind: 'marks', options } : null;
}

function written(bytes: Uint8Array, contest: Contest): Choice | null {
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0) end -= 1;
  if (end - 1 > contest.write_in_bytes) return null;
  const text = fromUtf8(bytes.subarray(1, end));
  return text !== null && WRITE_IN.test(text) ? { kind: 'write-in', text } : null;
}

/** What the joined blocks of one row mean, or null for an irregular row. */
export function readRow(elements: readonly Uint8Array[], contest: Contest): Choice | null {
  const bytes = new Uint8Array(BLOCK * elements.length);
  for (const [i, element] of elements.entries()) {
    const block = decodeBlock(element);
    if (block === null) return null;
    bytes.set(block, BLOCK * i);
  }
  if (bytes[0] === 1) return marked(bytes, contest);
  if (bytes[0] === 2) return written(bytes, contest);
  return bytes.every((byte) => byte === 0) ? { kind: 'null' } : null;
}
