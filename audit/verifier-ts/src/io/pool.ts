/** Several workers, each with one task at a time. */

import { Undecided } from '../core/failure.js';
import { perform, type Tools } from '../core/perform.js';
import { type Answer, type Task, weight, type Workers } from '../core/work.js';

/** What the pool needs of a message port or a worker. */
export interface Channel {
  post(task: Task): void;
  /** What to do with the answer to a task, or with the news that there will be none. */
  listen(answer: (answer: Answer) => void, failed: (message: string) => void): void;
  /** No more tasks will come. */
  close(): void;
}

/** Tasks below this weight, about a second's work, are done at once: to start a worker takes as long. */
const SMALL = 2000;

export class Pool implements Workers {
  private channels: readonly Channel[] | null = null;
  private idle: Channel[] = [];
  private readonly waiting: ((channel: Channel) => void)[] = [];

  /** @param open makes the channels, once the first task comes that is worth sending */
  constructor(private readonly size: number, private readonly open: () => Channel[], private readonly tools: Tools) {}

  /** The check of a single signature, done here. */
  get verify(): Tools['verify'] {
    return this.tools.verify;
  }

  /** One more than there are workers, so that none waits for its next task. */
  get width(): number {
    return this.size + 1;
  }

  private async free(): Promise<Channel> {
    if (this.channels === null) {
      this.channels = this.open();
      this.idle = [...this.channels];
    }
    return this.idle.pop() ?? new Promise<Channel>((resolve) => this.waiting.push(resolve));
  }

  async perform(task: Task): Promise<Answer> {
    if (this.size === 0 || weight(task) < SMALL) return perform(task, this.tools);
    const channel = await this.free();
    try {
      return await new Promise<Answer>((resolve, reject) => {
        channel.listen(resolve, (message) => reject(new Undecided(`a worker failed: ${message}`)));
        channel.post(task);
      });
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.idle.push(channel);
      else next(channel);
    }
  }

  /** End the workers. */
  close(): void {
    for (const channel of this.channels ?? []) channel.close();
  }
}
