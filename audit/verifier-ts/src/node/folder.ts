/** A record in a folder of the file system. */

import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Undecided } from '../core/failure.js';
import type { RecordSource } from '../core/source.js';

/** Errors that say "there is no such file", as opposed to "the medium fails". */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);
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
      // Only regular files are opened: a pipe or device of that name would hang the verifier.
      if (!(await stat(full)).isFile()) return null;
      return pieces(await open(full, 'r'), path);
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

  async hasFolder(name: string): Promise<boolean> {
    return (await this.list(name)).length > 0;
  }
}

/** @throws Undecided unless the path is a folder */
export async function openFolder(path: string): Promise<FolderSource> {
  const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
  if (!isFolder) throw new Undecided(`${path} is not a folder that can be read`);
  return new FolderSource(path);
}
