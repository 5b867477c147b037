/** Where the vectors are, and an election record on disk as a source. */

import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NotFound, type Source } from '../src/core/index.ts';

/** This file runs as ballot/client/node_modules/.vemre/test/files.js. */
const VECTORS = fileURLToPath(new URL('../../../../../tests/vectors/', import.meta.url));

export const vectorPath = (name: string): string => path.join(VECTORS, name);
// Vectors are the tests' own; what they hold is theirs to know.
export const vectors = (name: string): any => JSON.parse(readFileSync(vectorPath(name), 'utf8'));

/** A record on disk. `altered` stands in for files, by their path below the record; null for one that is missing. */
export function folderSource(record: string, altered: Readonly<Record<string, Uint8Array | null>> = {}): Source & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async get(name, log) {
      const file = log === 'blob' ? `blob/${name}` : `${log}/${name === 'cosigned' ? 'checkpoint' : name}`;
      asked.push(file);
      const other = altered[file];
      if (other === null) throw new NotFound(file);
      try {
        return other ?? new Uint8Array(await readFile(path.join(record, file)));
      } catch {
        throw new NotFound(file);
      }
    },
  };
}
