/** Verification off the page's thread, so that the page never freezes: one worker leads, the others help. */

import { Undecided } from '../src/core/failure.js';
import { perform, type Tools } from '../src/core/perform.js';
import { parsePolicy } from '../src/core/policy.js';
import { verify } from '../src/core/verify.js';
import type { Answer as Done, Task } from '../src/core/work.js';
import { HttpSource } from '../src/io/http.js';
import { trustworthy, webCrypto } from '../src/io/native.js';
import { type Channel, Pool } from '../src/io/pool.js';
import { randomBytes } from '../src/io/random.js';
import { FilesSource } from './files.js';
import type { Answer, Job, Role } from './protocol.js';

const MILLISECONDS = 100;
let last = 0;

const say = (answer: Answer): void => postMessage(answer);

function progress(check: string, done: number, total: number): void {
  const now = performance.now();
  if (now - last < MILLISECONDS) return;
  last = now;
  say({ kind: 'progress', check, done, total });
}

const browserTools = async (): Promise<Tools> => ({ random: randomBytes, verify: await trustworthy(webCrypto()) });

/** A helper behind its port. If it breaks, the page hears of it and ends everything. */
const channel = (port: MessagePort): Channel => ({
  post: (task) => port.postMessage(task),
  listen: (answer) => {
    port.onmessage = (event: MessageEvent<Done>) => answer(event.data);
  },
  close: () => port.close(),
});

async function lead({ policy, record }: Job, helpers: readonly MessagePort[]): Promise<Answer> {
  try {
    const source = 'url' in record ? new HttpSource(record.url) : new FilesSource(record.files);
    const pool = new Pool(helpers.length, () => helpers.map(channel), await browserTools());
    const host = { width: pool.width, verify: pool.verify, perform: (task: Task) => pool.perform(task), progress };
    return { kind: 'outcome', outcome: await verify(source, parsePolicy(policy), host) };
  } catch (error) {
    const message = error instanceof Undecided ? error.message : `internal error: ${String(error)}`;
    return { kind: 'undecided', message };
  }
}

async function help(port: MessagePort): Promise<void> {
  const tools = await browserTools();
  port.onmessage = (event: MessageEvent<Task>) => {
    // What breaks here breaks the worker, so that the page is told.
    const broken = (error: unknown) => setTimeout(() => { throw error; });
    perform(event.data, tools).then((answer) => port.postMessage(answer), broken);
  };
}

addEventListener('message', ({ data: role }: MessageEvent<Role>) => {
  if (role.kind === 'help') void help(role.port);
  else void lead(role.job, role.helpers).then(say);
});
