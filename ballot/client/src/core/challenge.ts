/** Opening a challenged ballot, and checking the opening on a second device. Source: docs/spec/challenge.md. */

import { chunks, compare, concat, hex, unhex } from './bytes.ts';
import { ballot, type Ballot } from './bodies.ts';
import { encryptAgain, type Prepared } from './ballot.ts';
import { contestsOf, readChoices, writeChoice, type Choice } from './choice.ts';
import type { Election } from './election.ts';
import { CheckFailed, Refused } from './errors.ts';
import { any, hex32, list, struct, text, type Read } from './fields.ts';
import { canonical, parseCanonical, type Json } from './json.ts';
import { MAX_ENTRY_BYTES } from './reader.ts';
import { scalarOf } from './scalars.ts';
import { fingerprintOf } from './tracker.ts';

const MAX_BYTES = 2 * MAX_ENTRY_BYTES;
const SHORT_BYTES = 20;

/** The first byte of the compact form, which no JSON begins with. */
const COMPACT = 1;
const LENGTH_BYTES = 2;
const SCALAR_BYTES = 32;
/** Of each block: r, commitment, response. */
const BLOCK_PARTS = 3;

const opening = struct({ ballot, choices: any, randomness: list(hex32) });
const head = struct({ choices: any, urn: text });

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

/** A payload without what a second device computes by itself: the context and all ciphertexts. It fits into a QR code. */
export function compactChallenge(payload: Uint8Array): Uint8Array {
  const { ballot: body, choices, randomness } = opening(parseCanonical(payload, MAX_BYTES));
  const words = canonical({ choices: choices as Json, urn: body.urn });
  const proofs = body.contests.flatMap(({ pok }) => pok);
  const blocks = randomness.flatMap((r, i) => [unhex(r), unhex(proofs[i]!.commitment), unhex(proofs[i]!.response)]);
  return concat(Uint8Array.of(COMPACT, words.length >> 8, words.length & 255), words, ...blocks);
}

/** Encrypts the revealed choices again and compares. `payload` may be in its compact form. `shown` is the fingerprint that the first device displayed: its 32
 * bytes, or the 20 of the short form.
 *
 * Throws CheckFailed(CANONICAL or SCALAR) and Refused for what is no opening, and Refused("challenge-failed") for one
 * that does not fit: an alarm about the first device. */
export function checkChallenge(election: Election, payload: Uint8Array, shown: Uint8Array): Challenged {
  const value = payload[0] === COMPACT ? expanded(election, payload) : opening(parseCanonical(payload, MAX_BYTES));
  const contests = contestsOf(election.offer, value.ballot.urn);
  const choices = readChoices(contests, value.choices);
  checkScalars(value.randomness);
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

/** The opening that a compact form stands for in this election. */
function expanded(election: Election, data: Uint8Array): Read<typeof opening> {
  const start = 1 + LENGTH_BYTES;
  const end = start + ((data[1] ?? 0) << 8) + (data[2] ?? 0);
  const { urn, choices } = head(parseCanonical(data.subarray(start, end), MAX_BYTES));
  const contests = contestsOf(election.offer, urn);
  const parts = chunks(data.subarray(end), SCALAR_BYTES).map(hex);
  const blocks = contests.reduce((sum, contest) => sum + contest.blocks, 0);
  if (end > data.length || data.length - end !== BLOCK_PARTS * SCALAR_BYTES * blocks) throw new CheckFailed('CANONICAL', 'an opening of another length');
  const randomness = parts.filter((_, i) => i % BLOCK_PARTS === 0);
  checkScalars(randomness);
  const ciphertexts = encryptAgain(election, contests, readChoices(contests, choices), randomness);
  let place = 0;
  const body: Ballot = {
    context: hex(election.context),
    urn,
    contests: contests.map(({ id, blocks: width }) => {
      const from = place;
      place += width;
      const pok = parts.slice(BLOCK_PARTS * from, BLOCK_PARTS * place);
      return {
        contest: id,
        ciphertexts: ciphertexts.slice(from, place),
        pok: Array.from({ length: width }, (_, i) => ({ commitment: pok[BLOCK_PARTS * i + 1]!, response: pok[BLOCK_PARTS * i + 2]! })),
      };
    }),
  };
  return { ballot: body, choices, randomness };
}

function checkScalars(randomness: readonly string[]): void {
  if (randomness.some((r) => scalarOf(unhex(r)) === null)) {
    throw new CheckFailed('SCALAR', 'a scalar of the opening is not reduced');
  }
}
