/** The Merkle tree of a log (RFC 6962), and its proofs. Source: docs/spec/log.md. What fails is CheckFailed(LOG). */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equal } from './bytes.ts';
import { CheckFailed } from './errors.ts';

/** `read(level, index)` gives the hash of the perfect subtree over the leaves from index * 2^level on. */
export type HashReader = (level: number, index: number) => Promise<Uint8Array>;

export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (entry: Uint8Array): Uint8Array => sha256(concat(LEAF, entry));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(NODE, left, right));

/** The root over a power-of-two number of hashes of one level. */
export function perfectRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, i) => nodeHash(row[2 * i]!, row[2 * i + 1]!));
  return row[0]!;
}

/** The root of the leaves from `start` to `stop`, where `start` is a multiple of the split points above it. */
export async function subtreeHash(start: number, stop: number, read: HashReader): Promise<Uint8Array> {
  const width = stop - start;
  if (width === 0) return EMPTY_ROOT;
  const split = largestPowerBelow(width);
  if (width === 1 || 2 * split === width) {
    const level = Math.round(Math.log2(width));
    if (start % width === 0) return read(level, start / width);
  }
  const left = await subtreeHash(start, start + split, read);
  return nodeHash(left, await subtreeHash(start + split, stop, read));
}

/** That `leaf` is the leaf hash at `index` of the tree of `size` leaves. */
export function verifyInclusion(index: number, size: number, leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): void {
  if (!(index >= 0 && index < size)) throw wrong('inclusion: not in a tree of this size');
  let [fn, sn, result] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (sn === 0) throw wrong('inclusion: the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      result = nodeHash(sibling, result);
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      result = nodeHash(result, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) throw wrong('inclusion: the proof is too short');
  if (!equal(result, root)) throw wrong('inclusion: the proof does not lead to the root');
}

/** That the tree of `old` leaves is a prefix of the tree of `size` leaves. */
export function verifyConsistency(old: number, size: number, oldRoot: Uint8Array, root: Uint8Array, proof: readonly Uint8Array[]): void {
  if (!(old >= 0 && old <= size)) throw wrong('consistency: no prefix of this size');
  if (old === 0 || old === size) {
    const roots = equal(oldRoot, old === size ? root : EMPTY_ROOT) && (size > 0 || equal(root, EMPTY_ROOT));
    if (proof.length > 0 || !roots) throw wrong('consistency: another root, or a proof where none is needed');
    return;
  }
  if (proof.length === 0) throw wrong('consistency: the proof is empty');
  const path = isPowerOfTwo(old) ? [oldRoot, ...proof] : proof;
  let [fn, sn] = [old - 1, size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [first, second] = [path[0]!, path[0]!];
  for (const sibling of path.slice(1)) {
    if (sn === 0) throw wrong('consistency: the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      [first, second] = [nodeHash(sibling, first), nodeHash(sibling, second)];
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      second = nodeHash(second, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) throw wrong('consistency: the proof is too short');
  if (!equal(first, oldRoot) || !equal(second, root)) throw wrong('consistency: the proof does not lead to the roots');
}

function wrong(detail: string): CheckFailed {
  return new CheckFailed('LOG', detail);
}

const half = (value: number): number => Math.floor(value / 2);
const isPowerOfTwo = (value: number): boolean => value === 1 || 2 * largestPowerBelow(value) === value;

/** The largest power of two below `value`; 1 for 1. */
function largestPowerBelow(value: number): number {
  let power = 1;
  while (2 * power < value) power *= 2;
  return power;
}
