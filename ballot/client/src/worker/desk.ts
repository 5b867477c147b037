/** Everything that knows the credential, the randomness, or what an election rests on. */

import {
  Refused, challengePayload, choicesOf, compactChallenge, hex, openElection, parseCredential, parsePolicy, prepare, publicCredential, receiptFile, sign, unhex,
  verifyAnswer, verifyReceipt, wipe, type CheckedReceipt, type Election, type Policy, type Prepared, type Source,
} from '../core/index.ts';
import { utf8 } from '../core/bytes.ts';
import { emblemsOf } from './emblems.ts';
import type { Act, Acts, Desk, Progress, ReceiptSeen, Tell } from './protocol.ts';

/** Where public data comes from. Both tell when something is asked for again, the source how many bytes have come. */
export interface Places {
  policy(again: () => void): Promise<Uint8Array>;
  source(again: () => void, progress: (bytes: number) => void): Source;
}

type Work = { [A in Act]: (given: Acts[A][0]) => Promise<Acts[A][1]> };

/** One voter's desk: one credential, one ballot in the making. */
export class LocalDesk implements Desk {
  #policy: Policy | null = null;
  #election: Election | null = null;
  #voter: { urn: string; credential: string } | null = null;
  #secret: Uint8Array | null = null;
  #prepared: Prepared | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  /** Who is told how far it is, and with what; the source outlives the act that opened it. */
  #tell: Tell = () => undefined;
  #step: Progress['step'] = 'setup';
  readonly #source: Source;

  constructor(private readonly places: Places) {
    this.#source = places.source(this.#again, (bytes) => this.#tell({ step: this.#step, bytes }));
  }

  /** One act at a time. */
  ask<A extends Act>(act: A, given: Acts[A][0], tell: Tell = () => undefined): Promise<Acts[A][1]> {
    const work = this.#work[act] as (given: Acts[A][0]) => Promise<Acts[A][1]>;
    const done = this.#turn.then(() => {
      this.#tell = tell;
      this.#step = act === 'confirm' ? 'roll' : 'setup';
      return work(given);
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  readonly #work: Work = {
    open: async () => {
      const policy = await this.#anchors();
      this.#election = await openElection(this.#source, policy);
      const { id, name, timeline } = this.#election;
      return { id, name, timeline, auditors: policy.witnesses.size };
    },

    confirm: async ({ urn, credential }) => {
      const election = this.#opened();
      await election.confirm(urn, credential);
      this.#voter = { urn, credential };
      const contests = election.contests(urn);
      const emblems = await emblemsOf(contests, this.#source);
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

    challenge: async () => compactChallenge(challengePayload(this.#ready(), this.#opened())),

    sign: async () => {
      const prepared = this.#ready();
      if (this.#secret === null) throw new Refused('ballot-spent');
      const { entry, leaf, tracker } = sign(prepared, this.#secret, this.#opened());
      this.#forget();
      return { entry, leaf: hex(leaf), tracker };
    },

    answer: async ({ answer, entry }) => {
      const checked = verifyAnswer(answer, entry, await this.#anchors());
      return seen(checked, utf8((answer as { receipt: string }).receipt));
    },

    receipt: async ({ receipt, leaf }) => seen(verifyReceipt(receipt, unhex(leaf), await this.#anchors()), receipt),
  };

  /** The policy of the page, read once. */
  async #anchors(): Promise<Policy> {
    this.#policy ??= parsePolicy(await this.places.policy(this.#again));
    return this.#policy;
  }

  readonly #again = (): void => this.#tell({ step: 'again', bytes: 0 });

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
