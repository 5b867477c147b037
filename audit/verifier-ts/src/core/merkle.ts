/** The Merkle tree of RFC 6962 and the file names of its tiles. */

import { concat, equal, sha256 } from './bytes.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (entry: Uint8Array): Uint8Array => sha256(concat(LEAF, entry));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(NODE, left, right));

/** A tree that keeps all hashes of complete subtrees, so that the root of any beginning costs few hashes. */
export class Tree {
  private readonly levels: Uint8Array[][] = [[]];

  constructor(leaves: Iterable<Uint8Array> = []) {
    for (const leaf of leaves) this.append(leaf);
  }

  get size(): number {
    return this.levels[0]!.length;
  }

  append(leaf: Uint8Array): void {
    let hash = leaf;
    for (let level = 0; ; level += 1) {
      const row = (this.levels[level] ??= []);
      row.push(hash);
      if (row.length % 2 === 1) return;
      hash = nodeHash(row[row.length - 2]!, hash);
    }
  }

  leaf(index: number): Uint8Array {
    return this.levels[0]![index]!;
  }

  /** The root of the first `size` leaves, `size` from 0 to the tree's own. */
  root(size = this.size): Uint8Array {
    let root: Uint8Array | null = null;
    for (let level = 0; level < this.levels.length; level += 1) {
      const count = Math.floor(size / 2 ** level);
      if (count % 2 === 0) continue;
      const subtree = this.levels[level]![count - 1]!;
      root = root === null ? subtree : nodeHash(subtree, root);
    }
    return root ?? sha256(new Uint8Array(0));
  }
}

/** Whether `proof` shows `leaf` at `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  leaf: Uint8Array, index: bigint, size: bigint, proof: readonly Uint8Array[], root: Uint8Array,
): boolean {
  if (index < 0n || index >= size) return false;
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equal(hash, root);
}

/** Whether `proof` shows that the tree of `to` leaves continues that of `from` leaves. */
export function verifyConsistency(
  from: bigint, oldRoot: Uint8Array, to: bigint, newRoot: Uint8Array, proof: readonly Uint8Array[],
): boolean {
  if (from > to) return false;
  if (from === to) return proof.length === 0 && equal(oldRoot, newRoot);
  if (from === 0n) return proof.length === 0;
  if (proof.length === 0) return false;
  const path = (from & (from - 1n)) === 0n ? [oldRoot, ...proof] : [...proof];
  let [fn, sn] = [from - 1n, to - 1n];
  while (fn % 2n === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0]!, path[0]!];
  for (const hash of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      [fr, sr] = [nodeHash(hash, fr), nodeHash(hash, sr)];
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, hash);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equal(fr, oldRoot) && equal(sr, newRoot);
}

export const TILE_WIDTH = 256;

function tileNumber(number: number): string {
  const groups = [String(number % 1000).padStart(3, '0')];
  for (let rest = Math.floor(number / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return groups.join('/');
}

/** The path of one tile (`level` a number) or entry bundle (`level` "entries") that holds `width` items. */
export function tilePath(level: number | 'entries', number: number, width: number): string {
  return `tile/${level}/${tileNumber(number)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}
