/** What Node lends: random bytes, Ed25519 of its own library, worker threads. */

import { createPublicKey, verify } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Verify } from '../core/ed25519.js';
import type { Tools } from '../core/perform.js';
import type { Answer } from '../core/work.js';
import { trustworthy } from '../io/native.js';
import { type Channel, Pool } from '../io/pool.js';
import { randomBytes } from '../io/random.js';

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const library: Verify = (key, message, signature) => {
  const imported = createPublicKey({ key: Buffer.concat([PREFIX, key]), format: 'der', type: 'spki' });
  return verify(null, message, imported, signature);
};

export const nodeTools = async (): Promise<Tools> => ({ random: randomBytes, verify: await trustworthy(library) });

/** As many threads as the machine has processors, up to this number: each takes some 100 MB. */
const MOST = 8;

function channel(helper: URL): Channel {
  const worker = new Worker(helper);
  let waiting: { answer: (answer: Answer) => void; failed: (message: string) => void } | null = null;
  let dead: string | null = null;
  const die = (message: string) => {
    dead ??= message;
    waiting?.failed(dead);
  };
  worker.on('message', (answer: Answer) => {
    // A thread without a task does not keep the command from ending.
    worker.unref();
    waiting?.answer(answer);
  });
  worker.on('error', (error: Error) => die(error.message));
  worker.on('exit', () => die('it ended'));
  return {
    post(task) {
      worker.ref();
      worker.postMessage(task);
    },
    listen(answer, failed) {
      waiting = { answer, failed };
      if (dead !== null) failed(dead);
    },
    close: () => void worker.terminate(),
  };
}

/** @param helper the built program of the threads, which stands beside the command */
export async function nodePool(helper = new URL('./helper.mjs', import.meta.url)): Promise<Pool> {
  const size = Math.min(availableParallelism(), MOST);
  return new Pool(size, () => Array.from({ length: size }, () => channel(helper)), await nodeTools());
}
