/** Distributed key generation: from its records to the joint key. Source: docs/spec/key-generation.md. */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equal, hex, u32be, unhex, utf8 } from './bytes.ts';
import type { DkgAnswer, Manifest, Setup } from './bodies.ts';
import { CheckFailed, located } from './errors.ts';
import { GENERATOR, decode, publicMultiple, sum, ZERO, type Element } from './group.ts';
import { canonical } from './json.ts';
import { isOf, type Entry } from './record.ts';
import { scalarOf } from './scalars.ts';
import { Transcript } from './transcript.ts';

const STAGES = ['dkg-commit', 'dkg-reveal', 'dkg-shares'];
export const DKG_TYPES = new Set([...STAGES, 'dkg-ack', 'dkg-complaint', 'dkg-answer']);

/** The records of one attempt. */
class Attempt {
  readonly records: Entry[] = [];
  /** Who did what: "type signer", and for complaints and answers "type complainer accused". */
  readonly done = new Map<string, Entry>();
  readonly commitments = new Map<string, Element[]>();

  constructor(
    readonly number: number,
    readonly context: Uint8Array,
    private readonly members: readonly string[],
    private readonly threshold: number,
  ) {}

  /** One record more: one of each by each trustee, stage after stage. */
  admit(record: Entry): void {
    const { type, signer, where } = record;
    const stage = stageOf(type);
    const fits =
      this.records.every((earlier) => stageOf(earlier.type) <= stage) &&
      STAGES.slice(0, stage).every((before) => this.complete(before)) &&
      this.follows(record) && !this.done.has(keyOf(record));
    if (!fits) throw new CheckFailed('DKG-ORDER', `${type} of ${signer}: out of order, or a second one`, where);
    if (isOf(record, 'dkg-reveal')) this.reveal(record);
    if (isOf(record, 'dkg-shares')) {
      const to = record.body.shares.map((share) => share.to).sort();
      if (to.join() !== [...this.members].sort().join()) throw new CheckFailed('DKG-SHARES', 'not one box for every trustee', where);
    }
    if (isOf(record, 'dkg-ack')) {
      const leaves = this.records.filter((earlier) => earlier.type !== 'dkg-ack').map((earlier) => earlier.leaf);
      const transcript = hex(sha256(concat(utf8('VEMRE-1/dkg-transcript'), ...leaves)));
      if (record.body.transcript !== transcript) throw new CheckFailed('DKG-ACK', 'acknowledges another view of the attempt', where);
    }
    this.done.set(keyOf(record), record);
    this.records.push(record);
  }

  complete(type: string): boolean {
    return this.members.every((member) => this.done.has(`${type} ${member}`));
  }

  /** Every trustee acknowledged, every complaint was answered rightly. */
  checkComplete(): void {
    if (!this.complete('dkg-ack')) throw new CheckFailed('DKG-ACK', 'not all trustees acknowledged');
    for (const record of this.records) {
      if (!isOf(record, 'dkg-complaint')) continue;
      const answer = this.done.get(`dkg-answer ${record.signer} ${record.body.against}`);
      if (answer === undefined || !this.holds(record.signer, record.body.against, answer.body as DkgAnswer)) {
        throw new CheckFailed('DKG-ACK', 'a complaint was not answered, or wrongly', record.where);
      }
    }
  }

  private follows(record: Entry): boolean {
    if (isOf(record, 'dkg-complaint')) {
      return this.members.includes(record.body.against) && !this.done.has(`dkg-ack ${record.signer}`);
    }
    return !isOf(record, 'dkg-answer') || this.done.has(`dkg-complaint ${record.body.to} ${record.signer}`);
  }

  private reveal({ body, plain, signer, where }: Entry<'dkg-reveal'>): void {
    const committed = this.done.get(`dkg-commit ${signer}`) as Entry<'dkg-commit'>;
    if (committed.body.digest !== hex(sha256(canonical(plain)))) {
      throw new CheckFailed('DKG-COMMIT', 'the reveal is not the one that was committed to', where);
    }
    const elements = located(where, () => body.commitments.map((text) => decode(unhex(text), true)));
    if (elements.length !== this.threshold || elements.some((element) => element.is0())) {
      throw new CheckFailed('DKG-DEGREE', 'not as many commitments as the threshold, or an identity', where);
    }
    const c = Transcript.of('dkg-pop', this.context)
      .add('trustee', numberOf(signer))
      .addList('commitments', body.commitments.map(unhex))
      .add('T', unhex(body.pop.commitment))
      .challenge('c');
    const t = located(where, () => decode(unhex(body.pop.commitment)));
    const s = scalarOf(unhex(body.pop.response));
    if (s === null) throw new CheckFailed('SCALAR', 'a response that is not reduced', where);
    if (!generatorTimes(s).equals(t.add(publicMultiple(elements[0]!, c)))) {
      throw new CheckFailed('DKG-POP', 'the proof of possession does not verify', where);
    }
    this.commitments.set(signer, elements);
  }

  private holds(complainer: string, accused: string, answer: DkgAnswer): boolean {
    const share = scalarOf(unhex(answer.share));
    return share !== null && generatorTimes(share).equals(evaluate(this.commitments.get(accused)!, numberOf(complainer)));
  }
}

/** The key generation of a tally log, record by record. */
export class KeyGeneration {
  private attempt: Attempt | null = null;

  constructor(
    private readonly manifest: Manifest,
    private readonly manifestDigest: Uint8Array,
  ) {}

  /** One record of `DKG_TYPES`. Throws CheckFailed(DKG-ORDER, -COMMIT, -DEGREE, -POP, -SHARES or -ACK; ELEMENT, SCALAR). */
  admit(record: Entry): void {
    const { attempt: number } = record.body as { attempt: number };
    const last = this.attempt?.number ?? 0;
    if (number === last + 1) {
      const context = sha256(concat(utf8('VEMRE-1/dkg'), this.manifestDigest, u32be(number)));
      const { members, threshold } = this.manifest.trustees;
      this.attempt = new Attempt(number, context, members.map(({ id }) => id), threshold);
    } else if (number !== last) {
      throw new CheckFailed('DKG-ORDER', `attempt ${number} after attempt ${last}`, record.where);
    }
    this.attempt!.admit(record);
  }

  /** Y of the last attempt, which is complete and the one that `setup` states. Throws CheckFailed(DKG-ORDER, DKG-ACK,
   * IDENTITY or SETUP). */
  jointKey(setup: Setup, where: string): Element {
    const attempt = this.attempt;
    if (attempt === null || setup.attempt !== attempt.number || !STAGES.every((stage) => attempt.complete(stage))) {
      throw new CheckFailed('DKG-ORDER', 'setup does not name the last attempt, or it is not complete', where);
    }
    located(where, () => attempt.checkComplete());
    // The sum of all dealers' polynomials, coefficient by coefficient.
    const dealers = [...attempt.commitments.values()];
    const joint = Array.from({ length: this.manifest.trustees.threshold }, (_, m) => sum(dealers.map((one) => one[m]!)));
    const verification = this.manifest.trustees.members.map((_, k) => evaluate(joint, k + 1));
    if ([joint[0]!, ...verification].some((key) => key.is0())) throw new CheckFailed('IDENTITY', 'a key is the identity', where);
    const stated = [setup.joint_key, ...setup.verification_keys].map(unhex);
    const found = [joint[0]!, ...verification].map((key) => key.toBytes());
    if (stated.length !== found.length || !found.every((key, i) => equal(key, stated[i]!))) {
      throw new CheckFailed('SETUP', 'the keys in the setup are not those of the key generation', where);
    }
    return joint[0]!;
  }
}

const generatorTimes = (s: bigint): Element => publicMultiple(GENERATOR, s);

/** sum_m k^m A_m. */
function evaluate(commitments: readonly Element[], k: number): Element {
  return commitments.reduceRight((value, commitment) => publicMultiple(value, BigInt(k)).add(commitment), ZERO);
}

const numberOf = (role: string): number => Number(role.split('/')[1]);
const stageOf = (type: string): number => (STAGES.includes(type) ? STAGES.indexOf(type) : STAGES.length);

function keyOf(record: Entry): string {
  if (isOf(record, 'dkg-complaint')) return `${record.type} ${record.signer} ${record.body.against}`;
  if (isOf(record, 'dkg-answer')) return `${record.type} ${record.body.to} ${record.signer}`;
  return `${record.type} ${record.signer}`;
}
