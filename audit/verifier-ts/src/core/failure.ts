/** What a verification can end with, other than success. */

/** Every check id, in the order in which verification goes through them and reports them. */
export const CHECKS = [
  'PARAMS', 'CANONICAL', 'ELEMENT', 'IDENTITY', 'SCALAR', 'BLOB-DIGEST',
  'NOTE', 'LOG', 'CHECKPOINT', 'RECORD-SIGNATURE', 'RECORD-ROLE', 'ORDER',
  'MANIFEST-AUTHORITY', 'MANIFEST-LOGS', 'MANIFEST-AUDITORS', 'MANIFEST-IDS', 'MANIFEST-KEYS', 'MANIFEST-POLICY',
  'MANIFEST-BLOCKS',
  'DKG-ORDER', 'DKG-COMMIT', 'DKG-DEGREE', 'DKG-POP', 'DKG-SHARES', 'DKG-ACK', 'DRILL',
  'ROLL-URNS', 'ROLL-KEYS', 'ROLL-UNIQUE', 'ROLL-COUNT', 'ROLL-FROZEN', 'SETUP', 'SYSTEM-TWO', 'CONTEXT', 'ROWS',
  'BALLOT-CONTEXT', 'BALLOT-TIME', 'BALLOT-ELIGIBLE', 'BALLOT-ONCE', 'BALLOT-CONTESTS', 'BALLOT-FRESH',
  'BALLOT-SIGNATURE', 'BALLOT-POK', 'CLOSE-COUNT', 'RECONCILE', 'TALLY-INPUT',
  'MIX-CHAIN', 'MIX-COUNT', 'SHUFFLE-LENGTH', 'SHUFFLE', 'MIN-BATCH', 'DECRYPT-ONCE', 'DECRYPT-PROOF', 'DECRYPT-QUORUM',
  'RESULT', 'OPINION', 'CERTIFY-TWO', 'GATE',
] as const;

export type CheckId = (typeof CHECKS)[number];

/** A rule is broken: the verdict is "invalid". */
export class CheckFailed extends Error {
  /**
   * @param check the id of the rule
   * @param detail what is wrong, for people (English)
   * @param where the place in the record, such as `tally/12`
   * @param party the role that answers for it, or null where nobody can be named
   */
  constructor(
    readonly check: CheckId,
    readonly detail: string,
    readonly where: string,
    readonly party: string | null,
  ) {
    super(`${check}: ${detail} (${where})`);
    this.name = 'CheckFailed';
  }
}

/** The verifier could not come to a verdict: unusable policy, or media that cannot be read. */
export class Undecided extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Undecided';
  }
}
