/** What one session has: a worker, the election that it verified, the ballot that waits. It ends with the session. */

import type { ElectionSeen, Progress, Tell } from '../../worker/protocol.ts';
import { call, download } from '../kit/api.ts';
import { challengeLink } from '../kit/opening.ts';
import type { Host } from './booth.ts';
import { Device } from './device.ts';
import { keep, letGo } from './kept.ts';
import type { Account } from './session.ts';

const MAX_RECEIPT_BYTES = 1 << 17;

/** Where a session ends. */
export interface Exits {
  leave(): void;
  signInAgain(): void;
}

export class Voter {
  readonly desk = new Device();
  #election: Promise<ElectionSeen> | null = null;
  #told: Progress = { step: 'setup', bytes: 0 };
  #tell: Tell = () => undefined;

  /** The election is public: it is fetched while the voter still signs in. */
  constructor(private readonly exits: Exits) {
    this.election(() => undefined).catch(() => undefined);
  }

  /** The verified election. What went wrong before is tried again. */
  election(tell: Tell): Promise<ElectionSeen> {
    this.#tell = tell;
    tell(this.#told);
    this.#election ??= this.desk.ask('open', null, (progress) => this.#tell((this.#told = progress))).catch((error: unknown) => {
      this.#election = null;
      throw error;
    });
    return this.#election;
  }

  /** The ballot box, for one account. */
  host(account: Account): Host {
    const { leave, signInAgain } = this.exits;
    return {
      keep: ({ entry }, closes) => keep({ credential: account.credential, closes, entry }),
      send: (entry, again) => call('POST', '/ballots', { body: entry, repeat: true, again }),
      receipt: (leaf) => download(`/receipts/${leaf}`, MAX_RECEIPT_BYTES),
      receiptLink: ({ leaf }) => `${location.origin}/recibo#${leaf}`,
      challengeLink: (payload) => challengeLink(`${location.origin}/reto`, payload),
      fileName: 'recibo',
      then: 'receipt-then',
      settled: () => letGo(account.credential),
      signInAgain,
      leave,
    };
  }
}
