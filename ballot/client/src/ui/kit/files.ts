/** Files that the voter keeps. */

import { h } from './dom.ts';

/** Hands a file to the browser's downloads. */
export function saveFile(name: string, type: string, data: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([data as Uint8Array<ArrayBuffer>], { type }));
  const link = h('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // Some browsers begin to read only after the click was handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
