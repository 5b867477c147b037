/** The voter's protocol. What a page, a worker or a test may use; everything else is inside. See README.md. */

export { Prepared, prepare, sign, type Signed } from './ballot.ts';
export type { Contest, Offer, Option } from './bodies.ts';
export { hex, systemRandom, unhex, wipe, type Random } from './bytes.ts';
export { challengePayload, checkChallenge, compactChallenge, type Challenged } from './challenge.ts';
export { allowedInWriteIn, choicesOf, problemOf, tidyWriteIn, type Choice, type Choices, type Problem } from './choice.ts';
export { parseCredential, publicCredential } from './credential.ts';
export { openElection, type Election } from './election.ts';
export { CheckFailed, NotFound, Refused } from './errors.ts';
export { leafHash } from './merkle.ts';
export { parsePolicy, type Policy } from './policy.ts';
export {
  receiptFile, searchLog, verifyAnswer, verifyContinued, verifyReceipt, verifyReceiptFile, type CheckedReceipt, type Searched,
} from './receipt.ts';
export type { LogName, Source } from './source.ts';
export { parseShown, shown } from './tracker.ts';
