/** Key generation, drills, and the keys that they leave. */

import type { RecordType } from './bodies.js';
import { fromHex, sha256, toHex, u32be } from './bytes.js';
import { concatText, type Election, elementAt, failure, placeOf, scalarAt } from './election.js';

import { decodeElement, type Element, G, isIdentity, IDENTITY, multiple, sumOfMultiples } from './group.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { bodyBytes, type Entry, isType, roleNumber } from './record.js';
import { scalarOfBytes, scalarOfDigest, scalarsFromSeed } from './scalar.js';
import type { Place } from './work.js';
import type { Equality } from './schema.js';
import { Transcript } from './transcript.js';

type DkgType = Extract<RecordType, `dkg-${string}`>;
type DkgEntry = Entry<DkgType>;

const DKG: readonly RecordType[] = ['dkg-commit', 'dkg-reveal', 'dkg-shares', 'dkg-ack', 'dkg-complaint', 'dkg-answer'];
/** The rounds that every trustee must have finished before a record of a later one. */
const ROUNDS = ['dkg-commit', 'dkg-reveal', 'dkg-shares'] as const;

const dkgEntries = (e: Election): DkgEntry[] =>
  e.logs.tally.filter((entry): entry is DkgEntry => DKG.includes(entry.type));

const attemptOf = (e: Election, attempt: number): DkgEntry[] =>
  dkgEntries(e).filter((entry) => entry.body.attempt === attempt);

export function dkgContext(e: Election, attempt: number): Uint8Array {
  return sha256(concatText('VEMRE-1/dkg', e.manifestDigest(), u32be(attempt)));
}

/** One attempt as it grows: who has done what. */
class Attempt {
  private readonly done = new Map<string, DkgEntry>();

  constructor(readonly number: number, private readonly trustees: readonly string[]) {}

  missing(round: (typeof ROUNDS)[number] | 'dkg-ack'): string | undefined {
    return this.trustees.find((trustee) => !this.done.has(`${round} ${trustee}`));
  }

  private earlierRounds(type: DkgType): readonly (typeof ROUNDS)[number][] {
    const round = ROUNDS.findIndex((name) => name === type);
    return round < 0 ? ROUNDS : ROUNDS.slice(0, round);
  }

  add(entry: DkgEntry): void {
    const fail = (detail: string) => failure('DKG-ORDER', detail, entry);
    for (const round of this.earlierRounds(entry.type)) {
      if (this.missing(round) !== undefined) throw fail(`a ${entry.type} before every ${round}`);
    }
    let key = `${entry.type} ${entry.signer}`;
    if (isType(entry, 'dkg-complaint')) {
      if (!this.trustees.includes(entry.body.against)) throw fail('a complaint against nobody');
      if (this.done.has(`dkg-ack ${entry.signer}`)) throw fail('a complaint after an acknowledgement');
      key += ` ${entry.body.against}`;
    }
    if (isType(entry, 'dkg-answer')) {
      key += ` ${entry.body.to}`;
      if (!this.done.has(`dkg-complaint ${entry.body.to} ${entry.signer}`)) throw fail('an answer without a complaint');
    }
    if (this.done.has(key)) throw fail(`a second ${entry.type}`);
    this.done.set(key, entry);
  }
}

/** [DKG-ORDER] */
export function dkgOrder(e: Election): boolean {
  let attempt = new Attempt(0, e.trustees);
  for (const entry of dkgEntries(e)) {
    const claimed = entry.body.attempt;
    if (claimed === attempt.number + 1) attempt = new Attempt(claimed, e.trustees);
    if (claimed !== attempt.number) throw failure('DKG-ORDER', `attempt ${claimed} is not the one that runs`, entry);
    attempt.add(entry);
  }
  const setup = e.first('setup');
  if (setup !== undefined) {
    if (setup.body.attempt !== attempt.number) throw failure('DKG-ORDER', 'not the last attempt', setup, 'authority');
    for (const round of ROUNDS) {
      const missing = attempt.missing(round);
      if (missing !== undefined) throw failure('DKG-ORDER', `no ${round}`, setup, missing);
    }
  }
  return attempt.number > 0;
}

/** [DKG-COMMIT] */
export function dkgCommit(e: Election): boolean {
  const reveals = e.all('dkg-reveal');
  for (const reveal of reveals) {
    const commit = e.all('dkg-commit').find(({ signer, body }) => signer === reveal.signer && body.attempt === reveal.body.attempt);
    if (commit?.body.digest !== toHex(sha256(bodyBytes(reveal)))) {
      throw failure('DKG-COMMIT', 'the reveal is not the committed one', reveal);
    }
  }
  return reveals.length > 0;
}

/** [DKG-DEGREE], with [ELEMENT] of the commitments. */
export function dkgDegree(e: Election): boolean {
  const reveals = e.all('dkg-reveal');
  for (const reveal of reveals) {
    const { commitments } = reveal.body;
    if (commitments.length !== e.threshold) throw failure('DKG-DEGREE', `${commitments.length} commitments`, reveal);
    commitments.forEach((hex, i) => elementAt(fromHex(hex), `commitment ${i}`, placeOf(reveal), 'DKG-DEGREE'));
  }
  return reveals.length > 0;
}

/** [DKG-POP] */
export function dkgPop(e: Election): boolean {
  const reveals = e.all('dkg-reveal');
  for (const reveal of reveals) {
    const { attempt, commitments, pop } = reveal.body;
    const place = placeOf(reveal);
    const t = elementAt(fromHex(pop.commitment), 'T', place);
    const s = scalarAt(fromHex(pop.response), 'the response', place);
    const c = Transcript.start('dkg-pop', dkgContext(e, attempt))
      .number('trustee', roleNumber(reveal.signer, 'trustee')!)
      .list('commitments', commitments.map(fromHex))
      .item('T', fromHex(pop.commitment))
      .challenge('c');
    const first = decodeElement(fromHex(commitments[0]!))!;
    if (!sumOfMultiples([G, first], [s, -c]).equals(t)) throw failure('DKG-POP', 'the proof does not verify', reveal);
  }
  return reveals.length > 0;
}

/** [DKG-SHARES] */
export function dkgShares(e: Election): boolean {
  const records = e.all('dkg-shares');
  for (const record of records) {
    const to = record.body.shares.map((share) => share.to);
    const all = to.length === e.trustees.length && e.trustees.every((trustee) => to.includes(trustee));
    if (!all) throw failure('DKG-SHARES', 'not one box for every trustee', record);
  }
  return records.length > 0;
}

/** A_jm of an attempt, by trustee number. */
function commitmentsOf(e: Election, attempt: number): Map<string, Element[]> {
  const reveals = e.all('dkg-reveal').filter(({ body }) => body.attempt === attempt);
  return new Map(reveals.map(({ signer, body }) => [signer, body.commitments.map((hex) => decodeElement(fromHex(hex))!)]));
}

/** The sum of x^m A_m: a polynomial in the exponent at x. */
function evaluate(commitments: readonly Element[], x: number): Element {
  return sumOfMultiples(commitments, commitments.map((_, m) => BigInt(x) ** BigInt(m)));
}

function checkTranscripts(e: Election): void {
  for (const ack of e.all('dkg-ack')) {
    const earlier = attemptOf(e, ack.body.attempt).filter(({ type, position }) => type !== 'dkg-ack' && position < ack.position);
    const transcript = sha256(concatText('VEMRE-1/dkg-transcript', ...earlier.map(({ leaf }) => leaf)));
    if (toHex(transcript) !== ack.body.transcript) throw failure('DKG-ACK', 'another transcript', ack);
  }
}

function checkAnswers(e: Election, attempt: number, at: Entry): void {
  const commitments = commitmentsOf(e, attempt);
  for (const { signer, body } of e.all('dkg-complaint').filter((complaint) => complaint.body.attempt === attempt)) {
    const answer = e.all('dkg-answer').find(
      (entry) => entry.body.attempt === attempt && entry.signer === body.against && entry.body.to === signer,
    );
    if (answer === undefined) throw failure('DKG-ACK', `no answer to ${signer}`, at, body.against);
    const share = scalarOfBytes(fromHex(answer.body.share));
    const expected = evaluate(commitments.get(body.against)!, roleNumber(signer, 'trustee')!);
    if (share === null || !multiple(G, share).equals(expected)) {
      throw failure('DKG-ACK', 'the answer does not fit the commitments', answer);
    }
  }
}

/** [DKG-ACK] */
export function dkgAck(e: Election): boolean {
  checkTranscripts(e);
  const setup = e.first('setup');
  if (setup !== undefined) {
    const { attempt } = setup.body;
    const acks = e.all('dkg-ack').filter(({ body }) => body.attempt === attempt);
    const missing = e.trustees.find((trustee) => !acks.some(({ signer }) => signer === trustee));
    if (missing !== undefined) throw failure('DKG-ACK', 'no acknowledgement', setup, missing);
    checkAnswers(e, attempt, setup);
  }
  return e.has('dkg-ack');
}

export interface Keys {
  readonly joint: Element;
  readonly verification: readonly Element[];
}

/** Y and X_1 .. X_n of a complete attempt. @throws CheckFailed [IDENTITY] */
export function keysOf(e: Election, attempt: number, at: Entry): Keys {
  const commitments = [...commitmentsOf(e, attempt).values()];
  const sum = (elements: readonly Element[]) => elements.reduce((total, element) => total.add(element), IDENTITY);
  const joint = sum(commitments.map((row) => row[0]!));
  const verification = e.trustees.map((_, k) => sum(commitments.map((row) => evaluate(row, k + 1))));
  if ([joint, ...verification].some(isIdentity)) throw failure('IDENTITY', 'Y or an X_k is the identity', at, 'tally');
  return { joint, verification };
}

/** The last attempt that every trustee had acknowledged before this place of the tally log, or null. */
function keyBefore(e: Election, position: number): number | null {
  const acks = e.all('dkg-ack').filter((ack) => ack.position < position);
  const complete = (attempt: number) =>
    e.trustees.every((trustee) => acks.some(({ signer, body }) => signer === trustee && body.attempt === attempt));
  return acks.reduce<number | null>((last, { body }) => (complete(body.attempt) ? body.attempt : last), null);
}

/** The equality proof that the share x_k was applied: s G = T1 + c X and s P = T2 + c Q. */
export function equalityHolds(
  proof: Equality, transcript: Transcript, x: Element, p: Element, q: Element, place: Place,
): boolean {
  const t1 = elementAt(fromHex(proof.t1), 'T1', place);
  const t2 = elementAt(fromHex(proof.t2), 'T2', place);
  const s = scalarAt(fromHex(proof.response), 'the response', place);
  const c = transcript.item('T1', fromHex(proof.t1)).item('T2', fromHex(proof.t2)).challenge('c');
  return sumOfMultiples([G, x], [s, -c]).equals(t1) && sumOfMultiples([p, q], [s, -c]).equals(t2);
}

/** The transcript `decrypt` up to the list S; its seed of `d` comes next. */
export function decryptTranscript(
  context: Uint8Array, urn: string, contest: string, trustee: number, x: Element,
  a: readonly Uint8Array[], shares: readonly Uint8Array[],
): Transcript {
  return Transcript.start('decrypt', context)
    .text('urn', urn).text('contest', contest).number('trustee', trustee)
    .item('X', x.toBytes()).list('a', a).list('S', shares);
}

/** The element that the trustees apply their shares to in a drill. */
function drillBase(e: Election, drill: Entry<'drill'>, attempt: number): Element {
  const digest = sha512(concatText('VEMRE-1/drill-r', dkgContext(e, attempt), u32be(drill.body.number)));
  return multiple(G, scalarOfDigest(digest));
}

function drillShare(e: Election, drill: Entry<'drill'>, attempt: number, keys: Keys, a: Element, i: number): void {
  const { trustee, share, proof } = drill.body.shares[i]!;
  const k = roleNumber(trustee, 'trustee')!;
  const s = elementAt(fromHex(share), 'the share', placeOf(drill));
  const context = sha256(concatText('VEMRE-1/drill', dkgContext(e, attempt), u32be(drill.body.number)));
  const x = keys.verification[k - 1]!;
  const transcript = decryptTranscript(context, 'drill', 'drill', k, x, [a.toBytes()], [fromHex(share)]);
  const d = scalarsFromSeed(transcript.seed('d'), 1)[0]!;
  if (!equalityHolds(proof, transcript, x, multiple(a, d), multiple(s, d), placeOf(drill))) {
    throw failure('DRILL', 'the proof does not verify', drill, trustee);
  }
}

/** [DRILL] */
export function drills(e: Election): boolean {
  const setup = e.first('setup');
  let full = false;
  e.all('drill').forEach((drill, i) => {
    const fail = (detail: string) => failure('DRILL', detail, drill, 'tally');
    const after = setup !== undefined && drill.position > setup.position;
    const attempt = after ? setup.body.attempt : keyBefore(e, drill.position);
    if (attempt === null) throw fail('a drill before there is a key');
    if (drill.body.number !== i + 1 || i + 1 >= 2 ** 32) throw fail(`drill ${i + 1} has another number`);
    const names = drill.body.shares.map(({ trustee }) => trustee);
    if (new Set(names).size !== names.length || !names.every((name) => e.trustees.includes(name))) throw fail('not distinct trustees of the manifest');
    if (names.length < e.threshold) throw fail('fewer shares than the threshold');
    const keys = keysOf(e, attempt, drill);
    const base = drillBase(e, drill, attempt);
    names.forEach((_, at) => drillShare(e, drill, attempt, keys, base, at));
    if (!after && attempt === setup?.body.attempt && names.length === e.trustees.length) full = true;
  });
  if (setup !== undefined && !full) throw failure('DRILL', 'no drill with the shares of all before setup', setup, 'tally');
  return e.has('drill') || setup !== undefined;
}

