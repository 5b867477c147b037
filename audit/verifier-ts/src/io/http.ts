/** A record served by HTTP below a common prefix. */

import { Undecided } from '../core/failure.js';
import type { RecordSource } from '../core/source.js';

const PARTIAL = /^(.*)\.p\/([0-9]+)$/;
const SECONDS = 60;

/** Node says why in the cause of the error; a browser says nothing. */
function reason(error: unknown): string {
  const code = ((error as { cause?: { code?: unknown } }).cause ?? {}).code;
  if (typeof code !== 'string') return String(error);
  if (!/CERT|VERIFY|ALTNAME/.test(code)) return code;
  return `certificate not trusted: ${code} (NODE_EXTRA_CA_CERTS names a file of further authorities)`;
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new Undecided(`the server stopped answering: ${String(error)}`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The beginning of a full tile or bundle: what its partial predecessor of this width held. */
async function* beginning(path: string, width: number, full: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of full) {
    parts.push(piece);
    length += piece.length;
    if (length > 256 * 65537) break;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  if (!path.includes('/tile/entries/')) {
    yield bytes.subarray(0, 32 * width);
    return;
  }
  let end = 0;
  for (let i = 0; i < width && end + 2 <= bytes.length; i += 1) end += 2 + bytes[end]! * 256 + bytes[end + 1]!;
  yield bytes.subarray(0, end);
}

export class HttpSource implements RecordSource {
  private readonly base: string;

  constructor(url: string) {
    this.base = url.endsWith('/') ? url : `${url}/`;
  }

  private async fetch(path: string): Promise<AsyncIterable<Uint8Array> | null> {
    let response: Response;
    try {
      response = await fetch(this.base + path, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(SECONDS * 1000) });
    } catch (error) {
      throw new Undecided(`${path} cannot be fetched: ${reason(error)}`);
    }
    if (response.status === 404 || response.status === 410) return null;
    if (!response.ok) throw new Undecided(`${path}: the server answers ${response.status}`);
    return response.body === null ? (async function* () {})() : pieces(response.body);
  }

  /** A server may have dropped a partial tile whose full tile exists by now. */
  async open(path: string): Promise<AsyncIterable<Uint8Array> | null> {
    const found = await this.fetch(path);
    const partial = PARTIAL.exec(path);
    if (found !== null || partial === null) return found;
    const full = await this.fetch(partial[1]!);
    return full === null ? null : beginning(path, Number(partial[2]), full);
  }

  async size(): Promise<null> {
    return null;
  }

  async blobNames(): Promise<null> {
    return null;
  }

  async hasFolder(): Promise<null> {
    return null;
  }
}
