/** A worker thread of the command: does one task after another. */

import { parentPort } from 'node:worker_threads';
import { perform } from '../core/perform.js';
import type { Task } from '../core/work.js';
import { nodeTools } from './tools.js';

const tools = await nodeTools();
parentPort!.on('message', (task: Task) => {
  void perform(task, tools).then((answer) => parentPort!.postMessage(answer));
});
