/** Opening a challenged ballot, and checking the opening on a second device. Source: docs/spec/challenge.md. */

import { compare, hex, unhex } from './bytes.ts';
import { ballot } from './bodies.ts';
import { encryptAgain, type Prepared } from './ballot.ts';
import { contestsOf, readChoices, writeChoice, type Choice } from './choice.ts';
import type { Election } from './election.ts';
import { CheckFailed, Refused } from './errors.ts';
import { any, hex32, list, struct } from './fields.ts';
import { canonical, parseCanonical, type Json } from './json.ts';
import { MAX_ENTRY_BYTES } from './reader.ts';
import { scalarOf } from './scalars.ts';
import { fingerprintOf } from './tracker.ts';

const MAX_BYTES = 2 * MAX_ENTRY_BYTES;
const SHORT_BYTES = 20;

const opening = struct({ ballot, choices: any, randomness: list(hex32) });

/** What a challenged ballot held. */
export interface Challenged {
  readonly fingerprint: Uint8Array;
  readonly urn: string;
  readonly choices: ReadonlyMap<string, Choice>;
}

/** Lays a ballot open for a second device; it can never be signed afterwards. Throws Refused("ballot-spent"). */
export function challengePayload(prepared: Prepared, election: Election): Uint8Array {
  const { choices, randomness } = prepared.takeOpening();
  const contests = contestsOf(election.offer, prepared.body.urn);
  const named = Object.fromEntries(contests.map((contest) => [contest.id, writeChoice(contest, choices.get(contest.id)!)]));
  return canonical({ ballot: prepared.body as unknown as Json, choices: named, randomness: [...randomness] });
}

/** Encrypts the revealed choices again and compares. `shown` is the fingerprint that the first device displayed: its 32
 * bytes, or the 20 of the short form.
 *
 * Throws CheckFailed(CANONICAL or SCALAR) and Refused for what is no opening, and Refused("challenge-failed") for one
 * that does not fit: an alarm about the first device. */
export function checkChallenge(election: Election, payload: Uint8Array, shown: Uint8Array): Challenged {
  const value = opening(parseCanonical(payload, MAX_BYTES));
  const contests = contestsOf(election.offer, value.ballot.urn);
  const choices = readChoices(contests, value.choices);
  if (value.randomness.some((r) => scalarOf(unhex(r)) === null)) {
    throw new CheckFailed('SCALAR', 'a scalar of the opening is not reduced');
  }
  const body = value.ballot;
  const fingerprint = fingerprintOf(canonical(body as unknown as Json));
  const blocks = contests.reduce((sum, contest) => sum + contest.blocks, 0);
  if (
    (shown.length !== SHORT_BYTES && shown.length !== fingerprint.length) ||
    compare(fingerprint.subarray(0, shown.length), shown) !== 0 ||
    body.context !== hex(election.context) ||
    value.randomness.length !== blocks ||
    body.contests.length !== contests.length ||
    body.contests.some(({ contest, ciphertexts }, i) => contest !== contests[i]!.id || ciphertexts.length !== contests[i]!.blocks)
  ) {
    throw new Refused('challenge-failed', { contest: '*' });
  }
  const expected = encryptAgain(election, contests, choices, value.randomness);
  for (const { contest, ciphertexts } of body.contests) {
    const mine = expected.splice(0, ciphertexts.length);
    if (ciphertexts.some(({ a, b }, i) => a !== mine[i]!.a || b !== mine[i]!.b)) throw new Refused('challenge-failed', { contest });
  }
  return { fingerprint, urn: body.urn, choices };
}
