/** Does one task. Runs wherever the host has workers: nothing here knows of a record. */

import { checkProofs, checkSignatures } from './ballots.js';
import { checkDecryption, open } from './decryption.js';
import type { Verify } from './ed25519.js';
import { CheckFailed } from './failure.js';
import { checkShuffle } from './mixing.js';
import type { Answer, Task } from './work.js';

/** What a task needs of its host. */
export interface Tools {
  /** Unpredictable bytes, for the weights of batches. */
  random(length: number): Uint8Array;
  /** Ed25519 as docs/spec/records.md has it. */
  readonly verify: Verify;
}

const NOTHING = new Uint8Array();

async function done(task: Task, tools: Tools): Promise<Uint8Array> {
  switch (task.kind) {
    case 'signatures': return checkSignatures(task, tools.verify).then(() => NOTHING);
    case 'ballots': return checkProofs(task, tools.random), NOTHING;
    case 'shuffle': return checkShuffle(task, tools.random), NOTHING;
    case 'decryption': return checkDecryption(task), NOTHING;
    case 'opening': return open(task);
  }
}

export async function perform(task: Task, tools: Tools): Promise<Answer> {
  try {
    return { fault: null, bytes: await done(task, tools) };
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    const { check, detail, where, party } = error;
    return { fault: { check, detail, where, party: party! } };
  }
}
