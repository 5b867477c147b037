/** Everything that knows the credential, the randomness, or what an election rests on. */

import {
  Refused, challengePayload, choicesOf, hex, openElection, parseCredential, parsePolicy, prepare, publicCredential, receiptFile, sign, unhex,
  verifyAnswer, verifyReceipt, wipe, type CheckedReceipt, type Election, type Policy, type Prepared, type Source,
} from '../core/index.ts';
import { utf8 } from '../core/bytes.ts';
import { emblemsOf } from './emblems.ts';
import type { Act, Acts, Desk, Progress, ReceiptSeen, Tell } from './protocol.ts';

/** Where public data comes from; what is asked says how far it is. */
export interface Places {
  policy(tell: Tell): Promise<Uint8Array>;
  source(step: Progress['step'], tell: Tell): Source;
}

type Work = { [A in Act]: (given: Acts[A][0], tell: Tell) => Promise<Acts[A][1]> };

/** One voter's desk: one credential, one ballot in the making. */
export class LocalDesk implements Desk {
  #policy: Policy | null = null;
  #election: Election | null = null;
  #voter: { urn: string; credential: string } | null = null;
  #secret: Uint8Array | null = null;
  #prepared: Prepared | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly places: Places) {}

  /** One act at a time. */
  ask<A extends Act>(act: A, given: Acts[A][0], tell: Tell = () => undefined): Promise<Acts[A][1]> {
    const work = this.#work[act] as (given: Acts[A][0], tell: Tell) => Promise<Acts[A][1]>;
    const done = this.#turn.then(() => work(given, tell));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  readonly #work: Work = {
    open: async (_, tell) => {
      const policy = await this.#anchors(tell);
      this.#election = await openElection(this.places.source('setup', tell), policy);
      const { id, name, timeline } = this.#election;
      return { id, name, timeline, auditors: policy.witnesses.size };
    },

    confirm: async ({ urn, credential }, tell) => {
      const election = this.#opened();
      const source = this.places.source('roll', tell);
      await election.confirm(urn, credential);
      this.#voter = { urn, credential };
      const contests = election.contests(urn);
      const emblems = await emblemsOf(contests, source);
      return {
        name: election.offer.urns.find(({ id }) => id === urn)!.name,
        contests: contests.map((contest, i) => ({ contest, emblems: emblems[i]!, ...choicesOf(contest) })),
      };
    },

    credential: async ({ text }) => {
      const found = parseCredential(text);
      if (publicCredential(found, this.#opened().id) !== this.#voter?.credential) {
        wipe(found);
        throw new Refused('credential-of-another');
      }
      this.#forget();
      this.#secret = found;
      return null;
    },

    prepare: async ({ choices }) => {
      this.#discard();
      if (this.#voter === null || this.#secret === null) throw new Refused('credential-not-on-roll');
      this.#prepared = prepare(this.#opened(), this.#voter.urn, this.#voter.credential, choices);
      return { fingerprint: this.#prepared.fingerprintShown };
    },

    discard: async () => {
      this.#discard();
      return null;
    },

    challenge: async () => challengePayload(this.#ready(), this.#opened()),

    sign: async () => {
      const prepared = this.#ready();
      if (this.#secret === null) throw new Refused('ballot-spent');
      const { entry, leaf, tracker } = sign(prepared, this.#secret, this.#opened());
      this.#forget();
      return { entry, leaf: hex(leaf), tracker };
    },

    answer: async ({ answer, entry }, tell) => {
      const checked = verifyAnswer(answer, entry, await this.#anchors(tell));
      return seen(checked, utf8((answer as { receipt: string }).receipt));
    },

    receipt: async ({ receipt, leaf }, tell) => seen(verifyReceipt(receipt, unhex(leaf), await this.#anchors(tell)), receipt),
  };

  /** The policy of the page, read once. */
  async #anchors(tell: Tell): Promise<Policy> {
    this.#policy ??= parsePolicy(await this.places.policy(tell));
    return this.#policy;
  }

  #opened(): Election {
    if (this.#election === null) throw new Refused('no-setup');
    return this.#election;
  }

  #ready(): Prepared {
    if (this.#prepared === null) throw new Refused('ballot-spent');
    return this.#prepared;
  }

  #discard(): void {
    this.#prepared?.discard();
    this.#prepared = null;
  }

  #forget(): void {
    this.#discard();
    if (this.#secret !== null) wipe(this.#secret);
    this.#secret = null;
  }
}

function seen(checked: CheckedReceipt, receipt: Uint8Array): ReceiptSeen {
  const { leaf, tracker, index, size, auditors, missing, quorumReached } = checked;
  return { leaf: hex(leaf), tracker, index, size, auditors: auditors.length, missing: missing.length, quorumReached, file: receiptFile(receipt, leaf) };
}
