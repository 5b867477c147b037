/** The steps from a verified election to a receipt, whoever the ballot box is: the real one, or the one to practise with.
 *
 *     papers -> review -> sealed (cast or challenge) -> casting -> receipt
 */

import type { Choice } from '../../core/choice.ts';
import type { Key } from '../../texts/index.ts';
import type { Desk, ElectionSeen, ReceiptSeen, SignedSeen, UrnSeen } from '../../worker/protocol.ts';
import { choiceOf, EMPTY, type Paper } from './marks.ts';

/** What the steps need of their surroundings. */
export interface Host {
  /** Keeps a signed ballot until `settled` or past `closes`, so that the very same bytes can be sent again. */
  keep(signed: SignedSeen, closes: string): void;
  /** Sends a ballot, again if the answer is lost, and gives the answer. Throws ServiceRefused, Unreachable. */
  send(entry: Uint8Array, again: () => void): Promise<unknown>;
  /** The receipt of a ballot with the signatures there are by now. */
  receipt(leaf: string): Promise<Uint8Array | null>;
  /** The address at which another device finds the vote of a receipt. */
  receiptLink(receipt: ReceiptSeen): string;
  /** The address at which another device opens a challenged ballot. */
  challengeLink(payload: Uint8Array): string;
  /** How the name of a receipt's file begins. */
  readonly fileName: string;
  /** What follows the receipt of a ballot that was just cast. */
  readonly then: Key;
  /** The receipt is verified, or the ballot refused for good: nothing is kept any more. */
  settled(): void;
  /** The session is over while a ballot waits for its answer. */
  signInAgain(): void;
  /** The voter leaves. */
  leave(): void;
}

/** One voter with one ballot. */
export class Booth {
  /** One paper per contest of the urn. */
  papers: Paper[];

  constructor(
    readonly desk: Desk,
    readonly host: Host,
    readonly election: ElectionSeen,
    readonly urn: UrnSeen,
  ) {
    this.papers = urn.contests.map(() => EMPTY);
  }

  /** The choices on all papers by contest; null while one says nothing. */
  choices(): Map<string, Choice> | null {
    const found = new Map<string, Choice>();
    for (const [i, { contest }] of this.urn.contests.entries()) {
      const choice = choiceOf(this.papers[i]!);
      if (choice === null) return null;
      found.set(contest.id, choice);
    }
    return found;
  }

  /** Forgets what was marked. */
  clear(): void {
    this.papers = this.urn.contests.map(() => EMPTY);
  }
}
