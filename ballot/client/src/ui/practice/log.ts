/** A log in memory, as a ballot box keeps one on disk: entries, tiles, checkpoints, inclusion proofs.
 *
 * Of at most 255 entries: a practice log has a handful, so its tiles are always partial and of one level. */

import { concat } from '../../core/bytes.ts';
import { NotFound } from '../../core/errors.ts';
import { EMPTY_ROOT, leafHash, nodeHash } from '../../core/merkle.ts';

const MOST = 255;
const TILE = /^tile\/(entries|0)\/000\.p\/([1-9][0-9]{0,2})$/;

export class MemoryLog {
  readonly #entries: Uint8Array[] = [];
  readonly #leaves: Uint8Array[] = [];

  constructor(entries: Iterable<Uint8Array>) {
    for (const entry of entries) this.append(entry);
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Adds an entry; gives its place. */
  append(entry: Uint8Array): number {
    if (this.size === MOST) throw new RangeError('a practice log is not that long');
    this.#leaves.push(leafHash(entry));
    return this.#entries.push(Uint8Array.from(entry)) - 1;
  }

  /** The leaf hash of an entry. */
  leaf(index: number): Uint8Array {
    return this.#leaves[index]!;
  }

  /** The root of the first `size` entries. */
  root(size: number = this.size): Uint8Array {
    return rootOf(this.#leaves.slice(0, size));
  }

  /** That the entry at `index` is among the first `size`: hashes from the leaf up. */
  inclusion(index: number, size: number = this.size): Uint8Array[] {
    return pathOf(index, this.#leaves.slice(0, size));
  }

  /** A tile as docs/spec/log.md spells it. Throws NotFound. */
  tile(path: string): Uint8Array {
    const [, level, width] = TILE.exec(path) ?? [];
    const count = Number(width ?? 0);
    if (count < 1 || count > this.size) throw new NotFound(path);
    if (level === '0') return concat(...this.#leaves.slice(0, count));
    return concat(...this.#entries.slice(0, count).flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]));
  }
}

function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length < 2) return leaves[0] ?? EMPTY_ROOT;
  const middle = split(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, middle)), rootOf(leaves.slice(middle)));
}

function pathOf(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length < 2) return [];
  const middle = split(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return index < middle ? [...pathOf(index, left), rootOf(right)] : [...pathOf(index - middle, right), rootOf(left)];
}

/** The largest power of two below a number above 1. */
function split(width: number): number {
  let power = 1;
  while (2 * power < width) power *= 2;
  return power;
}
