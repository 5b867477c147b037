/**
 * Many equations at once. Each is brought to the form "sum of multiples = identity"; a random linear combination of all
 * with 128-bit weights is one multi-scalar multiplication. If it is not the identity, halving finds the first equation
 * that fails.
 */

import { type Element, G, IDENTITY, sumOfMultiples } from './group.js';
import { littleEndian } from './scalar.js';

const WEIGHT_BYTES = 16;

/** One equation: `g` G + sum of `scalars[i]` `elements[i]` = identity. */
export interface Equation<T> {
  readonly label: T;
  readonly g: bigint;
  readonly elements: readonly Element[];
  readonly scalars: readonly bigint[];
}

function hold(equations: readonly Equation<unknown>[], random: (length: number) => Uint8Array): boolean {
  // An element that stands in several equations is multiplied once, by the sum of its factors.
  const factors = new Map<Element, bigint>();
  const weights = random(WEIGHT_BYTES * equations.length);
  let g = 0n;
  equations.forEach((equation, i) => {
    const weight = littleEndian(weights.subarray(WEIGHT_BYTES * i, WEIGHT_BYTES * (i + 1)));
    g += weight * equation.g;
    equation.elements.forEach((element, k) => {
      factors.set(element, (factors.get(element) ?? 0n) + weight * equation.scalars[k]!);
    });
  });
  return sumOfMultiples([...factors.keys(), G], [...factors.values(), g]).equals(IDENTITY);
}

function holdsAlone({ g, elements, scalars }: Equation<unknown>): boolean {
  return sumOfMultiples([...elements, G], [...scalars, g]).equals(IDENTITY);
}

/** The label of the first equation that does not hold, or null where all hold. */
export function firstBroken<T>(
  equations: readonly Equation<T>[], random: (length: number) => Uint8Array,
): { label: T } | null {
  if (equations.length === 0 || hold(equations, random)) return null;
  let part = equations;
  while (part.length > 1) {
    const half = part.slice(0, Math.ceil(part.length / 2));
    part = hold(half, random) ? part.slice(half.length) : half;
  }
  // The halves were judged with fresh weights; the last word has the equation itself.
  return holdsAlone(part[0]!) ? firstBrokenSingly(equations) : { label: part[0]!.label };
}

function firstBrokenSingly<T>(equations: readonly Equation<T>[]): { label: T } | null {
  const broken = equations.find((equation) => !holdsAlone(equation));
  return broken === undefined ? null : { label: broken.label };
}
