/**
 * Heavy work as plain data, so that it can be done elsewhere: in other workers, several pieces at a time. What a piece
 * needs goes with it as bytes and texts; nobody keeps group elements longer than a piece takes, which bounds memory.
 */

import type { Body } from './bodies.js';
import { CheckFailed, type CheckId } from './failure.js';
import type { Equality } from './schema.js';

/** Where a value stands, and who answers for it. */
export interface Place {
  readonly where: string;
  readonly party: string;
}

/** [BALLOT-SIGNATURE] of some ballots. */
export interface SignaturesTask {
  readonly kind: 'signatures';
  readonly items: readonly { readonly place: Place; readonly key: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }[];
}

/** [BALLOT-POK] of some ballots. */
export interface BallotsTask {
  readonly kind: 'ballots';
  readonly context: Uint8Array;
  readonly jointKey: Uint8Array;
  readonly ballots: readonly { readonly place: Place; readonly credential: string; readonly body: Body<'ballot'> }[];
}

/** [SHUFFLE] of one record. `input` has been found to hold elements, or is just being looked at by an earlier task. */
export interface ShuffleTask {
  readonly kind: 'shuffle';
  readonly place: Place;
  readonly context: Uint8Array;
  readonly jointKey: Uint8Array;
  readonly urn: string;
  readonly contest: string;
  readonly mixer: number;
  readonly rows: number;
  readonly blocks: number;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly proof: Uint8Array;
}

/** [DECRYPT-PROOF] of one record: `bases` are the elements a, `shares` the S. */
export interface DecryptionTask {
  readonly kind: 'decryption';
  readonly place: Place;
  readonly context: Uint8Array;
  readonly urn: string;
  readonly contest: string;
  readonly trustee: number;
  readonly verificationKey: Uint8Array;
  readonly bases: Uint8Array;
  readonly shares: Uint8Array;
  readonly proof: Equality;
}

/** Plaintexts of some rows, all of whose elements were found good: b - sum of lambda S. Answers with their encodings. */
export interface OpeningTask {
  readonly kind: 'opening';
  readonly masked: Uint8Array;
  readonly shares: readonly Uint8Array[];
  readonly lambda: readonly bigint[];
}

export type Task = SignaturesTask | BallotsTask | ShuffleTask | DecryptionTask | OpeningTask;

export interface Fault extends Place {
  readonly check: CheckId;
  readonly detail: string;
}

/** What a task comes to: the fault that it found, or bytes (none, but for an opening). */
export type Answer = { readonly fault: Fault } | { readonly fault: null; readonly bytes: Uint8Array };

/** Whoever does the work. */
export interface Workers {
  /** How many tasks it is worth having under way. */
  readonly width: number;
  perform(task: Task): Promise<Answer>;
}

/** How much a task is to do, roughly in group elements. */
export function weight(task: Task): number {
  switch (task.kind) {
    case 'signatures': return task.items.length;
    case 'ballots': return task.ballots.length * 8;
    case 'shuffle': return task.proof.length / 32;
    case 'decryption': return task.bases.length / 16;
    case 'opening': return task.masked.length / 32;
  }
}

/**
 * Have tasks done, several at a time, and take their answers in the order of the tasks.
 * @throws CheckFailed for the first task, in that order, that finds a fault; what `tasks` throws comes after the faults
 *   of all tasks before it
 */
export async function inOrder<T extends Task>(
  workers: Workers, tasks: AsyncGenerator<T> | Generator<T>, take: (task: T, bytes: Uint8Array) => void,
): Promise<void> {
  const underWay: { task: T; answer: Promise<Answer> }[] = [];
  const takeOne = async () => {
    const { task, answer } = underWay.shift()!;
    const found = await answer;
    if (found.fault !== null) {
      const { check, detail, where, party } = found.fault;
      throw new CheckFailed(check, detail, where, party);
    }
    take(task, found.bytes);
  };
  for (;;) {
    let step: IteratorResult<T>;
    try {
      step = await tasks.next();
    } catch (error) {
      while (underWay.length > 0) await takeOne();
      throw error;
    }
    if (step.done === true) break;
    if (underWay.length >= workers.width) await takeOne();
    const answer = workers.perform(step.value);
    // A task whose answer is never taken, after an earlier fault, may fail in peace.
    answer.catch(() => undefined);
    underWay.push({ task: step.value, answer });
  }
  while (underWay.length > 0) await takeOne();
}
