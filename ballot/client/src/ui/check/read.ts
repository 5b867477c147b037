/** What a voter brings to be checked: a typed code, a link, a QR code before the camera or in a picture, a file. */

import { unhex } from '../../core/bytes.ts';
import { parseShown } from '../../core/tracker.ts';
import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { fill, h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { hasCamera, readPicture, scan, type Scanner } from '../kit/scan.ts';
import type { Wanted } from './outcome.ts';

const LEAF = /^[0-9a-f]{64}$/;
const MAX_FILE_BYTES = 1 << 20;

/** What is after the `#` of a link, or the text itself. */
export function fragmentOf(text: string): string {
  const place = text.indexOf('#');
  return (place < 0 ? text : text.slice(place + 1)).trim();
}

/** The ballot that a link, a leaf hash or a tracker names, or null. */
export function wantedOf(text: string): Wanted | null {
  const found = fragmentOf(text);
  if (LEAF.test(found)) return { kind: 'leaf', bytes: unhex(found) };
  const bytes = parseShown(found);
  return bytes && { kind: 'tracker', bytes };
}

/** The host of a link to another place than this page's, or null: it is of another election, or a trap. */
export function otherHost(text: string, here: string): string | null {
  try {
    const { host, protocol } = new URL(text.trim());
    return (protocol === 'https:' || protocol === 'http:') && host !== here ? host : null;
  } catch {
    return null;
  }
}

/** The camera's button, and the picture's. `found` gets each text that is read, and says whether it will do.
 *
 * The camera is on from the press of the button until a code is found, the button is pressed again, or the part leaves
 * the page. */
export function codeReader(found: (text: string) => boolean): Child {
  const place = h('div', { class: 'scanner' });
  const said = h('p', { class: 'wrong', id: 'scan-error' });
  let scanner: Scanner | null = null;
  const stop = (): void => {
    scanner?.stop();
    scanner = null;
    fill(place);
    toggle.textContent = t('scan');
  };
  const toggle = button(t('scan'), () => {
    if (scanner !== null) return stop();
    fill(said);
    toggle.disabled = true;
    void scan(t('scan-camera'), (text) => {
      const good = found(text);
      if (good) stop();
      return good;
    }).then((opened) => {
      scanner = opened;
      fill(place, opened.view, h('p', { class: 'small' }, t('scan-how')));
      toggle.textContent = t('scan-stop');
    }, () => {
      fill(said, t('scan-no-camera'));
      announce(t('scan-no-camera'), true);
    }).finally(() => (toggle.disabled = false));
  }, 'plain', { id: 'scan' });
  return [
    hasCamera() && h('div', { class: 'acts' }, toggle),
    place,
    filePicker('picture', t('scan-picture'), 'image/*', (file) => {
      fill(said);
      void readPicture(file).then((text) => {
        if (text !== null && found(text)) return;
        fill(said, t('scan-nothing'));
        announce(t('scan-nothing'), true);
      });
    }),
    said,
  ];
}

/** A button for a file. */
export function filePicker(id: string, label: string, accept: string, chosen: (file: File) => void, hint?: string): HTMLElement {
  const input = h('input', {
    id, type: 'file', accept, class: 'unseen', 'aria-describedby': hint === undefined ? null : `${id}-hint`,
    onchange: () => {
      const file = input.files?.[0];
      if (file !== undefined) chosen(file);
      // The same file may be chosen again.
      input.value = '';
    },
  });
  return h('div', { class: 'field' },
    h('label', { class: 'button file', for: id }, label, input),
    hint !== undefined && h('p', { class: 'hint', id: `${id}-hint` }, hint),
  );
}

/** The bytes of a chosen file; of one that is too long only that much. */
export async function bytesOf(file: Blob): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(0, MAX_FILE_BYTES).arrayBuffer());
}
