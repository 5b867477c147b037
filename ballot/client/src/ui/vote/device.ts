/** The page's side of the worker. One worker for a session; ending it takes its memory away. */

import workerAddress from '../../worker/main.ts?worker&url';
import { errorOf, type Act, type Acts, type Desk, type Progress, type Tell, type Told } from '../../worker/protocol.ts';

/** What the browser's types do not know yet. */
interface ScriptAddresses {
  createScriptURL(text: string): unknown;
}
interface ScriptPolicies {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): ScriptAddresses;
}

/** Whether the page may start this script: there is one worker, and nothing else is ever asked for. */
const addresses: ScriptAddresses = ((): ScriptAddresses => {
  const policies = (window as unknown as { trustedTypes?: ScriptPolicies }).trustedTypes;
  const rules = {
    createScriptURL(text: string): string {
      if (text !== workerAddress) throw new TypeError('another script');
      return text;
    },
  };
  return policies?.createPolicy('vemre-worker', rules) ?? rules;
})();

interface Waiting {
  good(value: unknown): void;
  bad(error: Error): void;
  progress?: ((progress: Progress) => void) | undefined;
}

/** A worker, started at once. */
export class Device implements Desk {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended = false;

  constructor() {
    this.#worker = new Worker(addresses.createScriptURL(workerAddress) as string);
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error('the worker does not run'));
    };
  }

  ask<A extends Act>(act: A, given: Acts[A][0], progress?: Tell): Promise<Acts[A][1]> {
    if (this.#ended) return Promise.reject(new Error('ended'));
    const id = this.#next++;
    return new Promise((good, bad) => {
      this.#waiting.set(id, { good: good as (value: unknown) => void, bad, progress });
      this.#worker.postMessage({ id, act, with: given });
    });
  }

  /** Ends it. Whoever waits for it gets an error. */
  end(): void {
    this.#ended = true;
    this.#worker.terminate();
    this.#fail(new Error('ended'));
  }

  #take(told: Told): void {
    const waiting = this.#waiting.get(told.id);
    if (waiting === undefined) return;
    if ('progress' in told) return waiting.progress?.(told.progress);
    this.#waiting.delete(told.id);
    if ('good' in told) waiting.good(told.good);
    else waiting.bad(errorOf(told.bad));
  }

  #fail(error: Error): void {
    for (const { bad } of this.#waiting.values()) bad(error);
    this.#waiting.clear();
  }
}
