/** Requests to the page's own origin: bounded in time and size, tried again where that is safe. */

import { language } from '../../texts/language.ts';
import { ServiceRefused, Unreachable } from './failures.ts';

/** Milliseconds without a single byte after which a request is given up. A slow line is not a dead one. */
const SILENCE = 30_000;
const WAITS = [500, 1500, 4000, 8000];
const NOT_NOW = new Set([502, 503, 504]);

export interface Call {
  /** JSON, or bytes that are JSON already and must go out as they are. */
  readonly body?: unknown;
  /** Whether to try again after a lost answer. Only for requests whose repetition changes nothing. */
  readonly repeat?: boolean;
  /** Called before each further attempt. */
  readonly again?: () => void;
}

/** The JSON answer, null for an empty one. Throws ServiceRefused, Unreachable. */
export async function call(method: 'GET' | 'POST' | 'DELETE', path: string, { body, repeat = method === 'GET', again }: Call = {}): Promise<unknown> {
  const headers: Record<string, string> = { 'X-VeMRE': '1', Accept: 'application/json', 'Accept-Language': language() };
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);
  }
  const { status, data } = await request(path, init, null, repeat, again);
  const answer = parsed(data);
  if (status < 200 || status > 299) throw new ServiceRefused(status, answer);
  return answer;
}

/** The bytes at a path, at most `limit` and one more; null where there is no such file.
 *
 * Throws ServiceRefused, Unreachable. `progress` is told how many bytes have come. */
export async function download(path: string, limit: number, again?: () => void, progress?: (bytes: number) => void): Promise<Uint8Array | null> {
  const { status, data } = await request(path, { method: 'GET' }, limit, true, again, progress);
  if (status === 404) return null;
  if (status !== 200) throw new ServiceRefused(status, parsed(data));
  return data;
}

interface Answer {
  readonly status: number;
  readonly data: Uint8Array;
}

async function request(
  path: string, init: RequestInit, limit: number | null, repeat: boolean, again?: () => void, progress?: (bytes: number) => void,
): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const last = !repeat || attempt === WAITS.length;
    try {
      const answer = await once(path, init, limit, progress);
      if (last || !NOT_NOW.has(answer.status)) return answer;
    } catch (error) {
      if (last) throw new Unreachable(error instanceof Error ? error.name : 'unknown');
    }
    again?.();
    await pause(WAITS[attempt]! * (0.75 + Math.random() / 2));
  }
}

async function once(path: string, init: RequestInit, limit: number | null, progress?: (bytes: number) => void): Promise<Answer> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), SILENCE);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(), SILENCE);
  };
  try {
    const response = await fetch(path, { credentials: 'same-origin', redirect: 'error', ...init, signal: stop.signal });
    alive();
    const data = limit === null ? new Uint8Array(await response.arrayBuffer()) : await read(response, limit, alive, progress);
    return { status: response.status, data };
  } finally {
    clearTimeout(timer);
  }
}

/** The body, or its beginning where it is longer than the limit by more than a byte. */
async function read(response: Response, limit: number, alive: () => void, progress?: (bytes: number) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    alive();
    parts.push(value);
    size += value.length;
    progress?.(size);
    if (size > limit) {
      await reader.cancel();
      break;
    }
  }
  const data = new Uint8Array(size);
  let place = 0;
  for (const part of parts) {
    data.set(part, place);
    place += part.length;
  }
  return data;
}

function parsed(data: Uint8Array): unknown {
  try {
    return data.length === 0 ? null : JSON.parse(new TextDecoder().decode(data));
  } catch {
    return null;
  }
}

/** Waits some milliseconds. */
export const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
