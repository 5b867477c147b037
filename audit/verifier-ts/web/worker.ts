/** Verification off the page's thread, so that the page never freezes. */

import { Undecided } from '../src/core/failure.js';
import { parsePolicy } from '../src/core/policy.js';
import { verify } from '../src/core/verify.js';
import { HttpSource } from '../src/io/http.js';
import { randomBytes } from '../src/io/random.js';
import { FilesSource } from './files.js';
import type { Answer, Job } from './protocol.js';

const MILLISECONDS = 100;
let last = 0;

const say = (answer: Answer): void => postMessage(answer);

function progress(check: string, done: number, total: number): void {
  const now = performance.now();
  if (now - last < MILLISECONDS) return;
  last = now;
  say({ kind: 'progress', check, done, total });
}

async function run({ policy, record }: Job): Promise<Answer> {
  try {
    const source = 'url' in record ? new HttpSource(record.url) : new FilesSource(record.files);
    return { kind: 'outcome', outcome: await verify(source, parsePolicy(policy), { random: randomBytes, progress }) };
  } catch (error) {
    const message = error instanceof Undecided ? error.message : `internal error: ${String(error)}`;
    return { kind: 'undecided', message };
  }
}

addEventListener('message', (event: MessageEvent<Job>) => void run(event.data).then(say));
