/** Emblems of an offer: files that are named by their digest, as pictures that can run nothing. */

import { sha256 } from '@noble/hashes/sha2.js';
import { base64, hex } from '../core/bytes.ts';
import type { Contest, Source } from '../core/index.ts';

const MAX_BYTES = 128 << 10;
/** Pictures made of dots alone. */
const KINDS: readonly (readonly [type: string, start: readonly number[], place: number])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], 0],
  ['image/jpeg', [0xff, 0xd8, 0xff], 0],
  ['image/webp', [0x57, 0x45, 0x42, 0x50], 8],
];

/** For each contest the emblems of its options as data: URLs. All or none: options that look alike are equal. */
export async function emblemsOf(contests: readonly Contest[], source: Source): Promise<(string[] | null)[]> {
  const known = new Map<string, Promise<string | null>>();
  return Promise.all(contests.map(async ({ options }) => {
    const names = options.map(({ emblem }) => emblem);
    if (names.includes(undefined)) return null;
    const found = await Promise.all((names as string[]).map((name) => {
      const one = known.get(name) ?? emblem(source, name);
      known.set(name, one);
      return one;
    }));
    return found.includes(null) ? null : (found as string[]);
  }));
}

async function emblem(source: Source, name: string): Promise<string | null> {
  try {
    const data = await source.get(name, 'blob', MAX_BYTES);
    const kind = KINDS.find(([, start, place]) => start.every((byte, i) => data[place + i] === byte));
    if (data.length > MAX_BYTES || kind === undefined || hex(sha256(data)) !== name) return null;
    return `data:${kind[0]};base64,${base64(data)}`;
  } catch {
    // A ballot without pictures is a ballot; one that cannot be had would be none.
    return null;
  }
}
