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

export async function droppedFiles(transfer: DataTransfer): Promise<Found> {
  // The list of items is gone after the first wait, so all entries are taken at once.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: Found = [];
  for (const entry of entries) await walk(entry, entry.name, found);
  return found;
}
