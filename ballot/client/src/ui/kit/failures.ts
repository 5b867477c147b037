/** What requests fail with. Without any text of the pages: the worker has these too. */

import { language } from '../../texts/language.ts';
import { plain } from './plain.ts';

/** One language's words: what is the matter, in a few words and in full, and what to do next. */
export interface Wording {
  readonly title: string;
  readonly detail: string;
  readonly next: string;
}

/** A refusal by a service (RFC 9457, as docs/spec says), or an answer that is none. */
export class ServiceRefused extends Error {
  override readonly name = 'ServiceRefused';
  /** The code of `vemre/messages`, or `http-<status>`. */
  readonly code: string;
  readonly #words: Readonly<Record<string, Wording | null>>;

  constructor(readonly status: number, readonly document: unknown) {
    super(`HTTP ${status}`);
    const said = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
    this.code = typeof said['code'] === 'string' && /^[a-z0-9-]{1,60}$/.test(said['code']) ? said['code'] : `http-${status}`;
    this.#words = { es: wording(said['es']), en: wording(said['en']) };
  }

  words(): Wording | null {
    return this.#words[language()] ?? null;
  }
}

/** Nobody answered, or not in time. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

function wording(value: unknown): Wording | null {
  const said = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { title, detail, next } = said;
  if (typeof title !== 'string' || typeof detail !== 'string' || typeof next !== 'string') return null;
  return { title: plain(title), detail: plain(detail), next: plain(next) };
}
