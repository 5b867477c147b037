/** A ballot: choices in, ciphertexts and proofs out, then cast or challenged, once. Source: docs/spec/ballot.md.
 *
 * Constant work: whatever is chosen, an urn's ballots take the same operations (so many draws of randomness, 64 trials
 * per block, three multiplications per block through full-width windows, the same hashes over the same lengths) and
 * have the same size.
 */

import { chunks, hex, systemRandom, unhex, wipe, type Random } from './bytes.ts';
import { encodeBlock } from './blocks.ts';
import type { Ballot, Contest } from './bodies.ts';
import { BLOCK_BYTES, contestsOf, encodeChoice, inOrder, type Choice } from './choice.ts';
import { seedOf } from './credential.ts';
import * as ed25519 from './ed25519.ts';
import type { Election } from './election.ts';
import { Refused } from './errors.ts';
import { base, multiple, type Element } from './group.ts';
import { canonical, type Json } from './json.ts';
import { leafHash } from './merkle.ts';
import { assemble, signedBytes } from './record.ts';
import { randomScalars, response, scalarBytes, scalarOf } from './scalars.ts';
import { fingerprintOf, shown } from './tracker.ts';
import { Transcript } from './transcript.ts';

const TYPE = 'ballot';

/** A ballot that is neither cast nor challenged yet. It shows neither choice nor randomness by itself. */
export class Prepared {
  /** SHA-256, and its short form, which the voter sees before the decision. */
  readonly fingerprint: Uint8Array;
  readonly fingerprintShown: string;
  #choices: ReadonlyMap<string, Choice> | null;
  #randomness: readonly Uint8Array[];

  constructor(
    readonly body: Ballot,
    readonly credential: string,
    choices: ReadonlyMap<string, Choice>,
    randomness: readonly Uint8Array[],
  ) {
    this.fingerprint = fingerprintOf(canonical(body as unknown as Json));
    this.fingerprintShown = shown(this.fingerprint);
    this.#choices = new Map(choices);
    this.#randomness = randomness;
  }

  /** What only a challenge reveals, once. Throws Refused("ballot-spent"). */
  takeOpening(): { choices: ReadonlyMap<string, Choice>; randomness: readonly string[] } {
    const choices = this.#choices;
    if (choices === null) throw new Refused('ballot-spent');
    const randomness = this.#randomness.map(hex);
    this.discard();
    return { choices, randomness };
  }

  /** Neither cast nor challenged any more. Throws Refused("ballot-spent") where it was already. */
  spend(): void {
    if (this.#choices === null) throw new Refused('ballot-spent');
    this.discard();
  }

  /** Forgets choices and randomness. */
  discard(): void {
    wipe(...this.#randomness);
    this.#randomness = [];
    this.#choices = null;
  }
}

/** A signed ballot: send `entry`, and the very same bytes again after a lost answer. */
export interface Signed {
  readonly entry: Uint8Array;
  readonly leaf: Uint8Array;
  readonly tracker: string;
}

/** Encrypts one choice per contest of the urn, by contest id, and proves knowledge of the randomness.
 *
 * Throws Refused: "credential-not-on-roll" unless `election.confirm` found this public credential (hex) on the roll of
 * this urn; "choice-missing", "marks-invalid", "write-in-invalid". */
export function prepare(
  election: Election,
  urn: string,
  credential: string,
  choices: ReadonlyMap<string, Choice>,
  random: Random = systemRandom,
): Prepared {
  if (!election.isConfirmed(urn, credential)) throw new Refused('credential-not-on-roll');
  const contests = contestsOf(election.offer, urn);
  const messages = encode(contests, choices);
  const randomness = randomScalars(messages.length, random);
  const ciphertexts = messages.map((message, i) => encrypt(election, message, randomness[i]!));
  const nonces = randomScalars(messages.length, random);
  const prefix = Transcript.of('ballot-pok', election.context)
    .add('urn', urn)
    .add('credential', unhex(credential))
    .add('Y', election.jointKeyBytes)
    .addList('ciphertexts', ciphertexts.flatMap(({ a, b }) => [a, b]));
  let place = 0;
  const body: Ballot = {
    context: hex(election.context),
    urn,
    contests: contests.map(({ id, blocks }) => {
      const [pairs, pok] = [[], []] as [{ a: string; b: string }[], { commitment: string; response: string }[]];
      for (let block = 0; block < blocks; block++, place++) {
        const { a, b } = ciphertexts[place]!;
        const commitment = base(nonces[place]!).toBytes();
        const c = prefix.copy().add('contest', id).add('block', block).add('T', commitment).challenge('c');
        pairs.push({ a: hex(a), b: hex(b) });
        pok.push({ commitment: hex(commitment), response: hex(scalarBytes(response(nonces[place]!, c, randomness[place]!))) });
      }
      return { contest: id, ciphertexts: pairs, pok };
    }),
  };
  return new Prepared(body, credential, choices, randomness.map(scalarBytes));
}

/** Signs with the credential's 16 bytes, which are overwritten. Once, and never after a challenge.
 *
 * Throws Refused("ballot-spent"), Refused("credential-not-on-roll") for another credential than the ballot was made for. */
export function sign(prepared: Prepared, secret: Uint8Array, election: Election): Signed {
  const seed = seedOf(secret, election.id);
  try {
    if (hex(ed25519.publicKey(seed)) !== prepared.credential) throw new Refused('credential-not-on-roll');
    prepared.spend();
    const body = prepared.body as unknown as Json;
    const message = signedBytes(body, election.ballotLog, prepared.credential, TYPE);
    const entry = assemble(body, election.ballotLog, prepared.credential, TYPE, ed25519.sign(seed, message));
    const leaf = leafHash(entry);
    return { entry, leaf, tracker: shown(leaf) };
  } finally {
    wipe(seed, secret);
  }
}

/** The message elements of a ballot, block by block. Throws Refused for choices that are not allowed. */
function encode(contests: readonly Contest[], choices: ReadonlyMap<string, Choice>): Element[] {
  const encoded = inOrder(contests, choices).map((choice, i) => encodeChoice(contests[i]!, choice));
  const elements = encoded.flatMap((data) => chunks(data, BLOCK_BYTES).map(encodeBlock));
  wipe(...encoded);
  return elements;
}

function encrypt(election: Election, message: Element, r: bigint): { a: Uint8Array; b: Uint8Array } {
  return { a: base(r).toBytes(), b: message.add(multiple(election.jointKey, r)).toBytes() };
}

/** All (a, b) of a ballot as hex, from the choices and the revealed r (hex). Throws CheckFailed and Refused. */
export function encryptAgain(
  election: Election,
  contests: readonly Contest[],
  choices: ReadonlyMap<string, Choice>,
  randomness: readonly string[],
): { a: string; b: string }[] {
  return encode(contests, choices).map((message, i) => {
    const { a, b } = encrypt(election, message, scalarOf(unhex(randomness[i]!))!);
    return { a: hex(a), b: hex(b) };
  });
}
