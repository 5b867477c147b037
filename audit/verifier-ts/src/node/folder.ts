/** A record in a folder of the file system. */

import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Undecided } from '../core/failure.js';
import type { RecordSource } from '../core/source.js';

/** Errors that say "there is no such file", as opposed to "the medium fails". */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENXIO', 'ENAMETOOLONG', 'ELOOP']);
/** Links are not followed, for a record has none; and opening a pipe must not wait for somebody who writes. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const PIECE = 1 << 20;

function absent(error: unknown, path: string): null {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (ABSENT.has(code)) return null;
  throw new Undecided(`${path} cannot be read (${code || String(error)})`);
}

async function* pieces(file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const buffer = new Uint8Array(PIECE);
      const { bytesRead } = await file.read(buffer, 0, PIECE, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw new Undecided(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  } finally {
    await file.close();
  }
}

export class FolderSource implements RecordSource {
  constructor(private readonly folder: string) {}

  async open(path: string): Promise<AsyncIterable<Uint8Array> | null> {
    const full = join(this.folder, path);
    try {
      const file = await open(full, FLAGS);
      // A folder, pipe or device of that name is no file of a record.
      if ((await file.stat()).isFile()) return pieces(file, path);
      await file.close();
      return null;
    } catch (error) {
      return absent(error, path);
    }
  }

  async size(path: string): Promise<number | null> {
    try {
      const found = await lstat(join(this.folder, path));
      return found.isFile() ? found.size : null;
    } catch (error) {
      return absent(error, path);
    }
  }

  private async list(folder: string): Promise<string[]> {
    try {
      return await readdir(join(this.folder, folder));
    } catch (error) {
      return absent(error, folder) ?? [];
    }
  }

  blobNames(): Promise<string[]> {
    return this.list('blob');
  }

  /** An empty folder, a file or a dangling link of that name is something too: a log that has not begun has none. */
  async hasFolder(name: string): Promise<boolean> {
    try {
      await lstat(join(this.folder, name));
      return true;
    } catch (error) {
      return absent(error, name) ?? false;
    }
  }
}

/** @throws Undecided unless the path is a folder */
export async function openFolder(path: string): Promise<FolderSource> {
  const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
  if (!isFolder) throw new Undecided(`${path} is not a folder that can be read`);
  return new FolderSource(path);
}
