/** Files of a folder that is dropped on the page. */

type Found = [path: string, file: File][];

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** `readEntries` answers in portions; an empty one is the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return all;
    all.push(...portion);
  }
}

async function walk(entry: FileSystemEntry, path: string, found: Found): Promise<void> {
  if (entry.isFile) found.push([path, await fileOf(entry as FileSystemFileEntry)]);
  else for (const child of await children(entry as FileSystemDirectoryEntry)) await walk(child, `${path}/${child.name}`, found);
}

/** The newer way, which not every browser has. The types that TypeScript knows lack what is listed here. */
type Handle = FileSystemFileHandle | (FileSystemDirectoryHandle & { values(): AsyncIterable<Handle> });
type Item = DataTransferItem & { getAsFileSystemHandle?(): Promise<Handle | null> };

async function walkHandle(handle: Handle, path: string, found: Found): Promise<void> {
  if (handle.kind === 'file') found.push([path, await handle.getFile()]);
  else for await (const child of handle.values()) await walkHandle(child, `${path}/${child.name}`, found);
}

export async function droppedFiles(transfer: DataTransfer): Promise<Found> {
  // The list of items is gone after the first wait, so everything is taken from it at once.
  const items = [...transfer.items] as Item[];
  const entries = items.map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const handles = items.map(async (item) => (await item.getAsFileSystemHandle?.().catch(() => null)) ?? null);
  const found: Found = [];
  try {
    for (const entry of entries) await walk(entry, entry.name, found);
    return found;
  } catch (error) {
    // Chromium gives a page that was opened from a disk entries that it may not read, and handles that it may.
    const opened = (await Promise.all(handles)).filter((handle) => handle !== null);
    if (opened.length === 0) throw error;
    found.length = 0;
    for (const handle of opened) await walkHandle(handle, handle.name, found);
    return found;
  }
}
