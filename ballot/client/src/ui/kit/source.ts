/** The three logs as the ballot box serves them: its own, and its copies of the other two. One origin for everything. */

import { NotFound } from '../../core/errors.ts';
import type { LogName, Source } from '../../core/source.ts';
import { download } from './api.ts';

/** A source over HTTP, below the path `base`. `again` is called when a request is tried again, `progress` with the bytes
 * read in all.
 *
 * What it throws beside NotFound: ServiceRefused, Unreachable. */
export function httpSource(base = '', again?: () => void, progress?: (bytes: number) => void): Source {
  let before = 0;
  return {
    async get(path, log, limit) {
      const data = await download(base + addressOf(path, log), limit, again, (bytes) => progress?.(before + bytes));
      if (data === null) throw new NotFound(`${log}/${path}`);
      before += data.length;
      return data;
    },
  };
}

/** Where a file of a log is, below that path. */
export function addressOf(path: string, log: LogName | 'blob'): string {
  if (log === 'blob') return `/blob/${path}`;
  if (log !== 'ballot') return `/mirror/${log}/${path}`;
  return `/log/${path === 'cosigned' ? 'cosigned?size=1' : path}`;
}
