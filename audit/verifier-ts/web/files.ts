/** A record among files that were dropped on the page or picked. */

import { Undecided } from '../src/core/failure.js';
import type { RecordSource } from '../src/core/source.js';

/** What this module needs of a `File`. */
export interface Readable {
  readonly size: number;
  stream(): ReadableStream<Uint8Array>;
}

async function* pieces(file: Readable, path: string): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new Undecided(`${path} cannot be read: ${String(error)}`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The files below the folder that holds the record: the one with `tally/checkpoint`, or else the one that was picked. */
export function recordFiles<T>(files: readonly (readonly [path: string, file: T])[]): (readonly [path: string, file: T])[] {
  const marker = 'tally/checkpoint';
  const candidates = files
    .map(([path]) => path)
    .filter((path) => path === marker || path.endsWith(`/${marker}`))
    .map((path) => path.slice(0, path.length - marker.length));
  const shortest = candidates.sort((a, b) => a.length - b.length)[0];
  const folders = new Set(files.map(([path]) => path.slice(0, path.indexOf('/') + 1)));
  const root = shortest ?? (folders.size === 1 ? [...folders][0]! : '');
  return files.filter(([path]) => path.startsWith(root)).map(([path, file]) => [path.slice(root.length), file] as const);
}

export class FilesSource implements RecordSource {
  private readonly files: ReadonlyMap<string, Readable>;

  constructor(files: readonly (readonly [path: string, file: Readable])[]) {
    this.files = new Map(files);
  }

  async open(path: string): Promise<AsyncIterable<Uint8Array> | null> {
    const file = this.files.get(path);
    return file === undefined ? null : pieces(file, path);
  }

  async size(path: string): Promise<number | null> {
    return this.files.get(path)?.size ?? null;
  }

  async blobNames(): Promise<string[]> {
    const below = [...this.files.keys()].filter((path) => path.startsWith('blob/')).map((path) => path.slice('blob/'.length));
    return below.filter((name) => !name.includes('/'));
  }

  async hasFolder(name: string): Promise<boolean> {
    return [...this.files.keys()].some((path) => path.startsWith(`${name}/`));
  }
}
