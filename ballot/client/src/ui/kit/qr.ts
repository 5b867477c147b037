/** QR codes as pictures. Reading them is in scan.ts, which not every page needs. */

import encodeQR from 'qr';
import { svg } from './dom.ts';

/** The longest text (bytes) that fits into a code at the lowest correction. */
export const MAX_QR = 2953;
/** Longer ones have many dots already; phones read fewer and larger ones more easily than well corrected ones. */
const LONG = 250;

/** A code with its white border, black on white whatever the page's colours; `label` says what it is.
 *
 * Throws RangeError for a text that does not fit. */
export function qrPicture(text: string, label: string): SVGSVGElement {
  if (new TextEncoder().encode(text).length > MAX_QR) throw new RangeError('too long for a QR code');
  const rows = encodeQR(text, 'raw', { ecc: text.length > LONG ? 'low' : 'medium', border: 4 });
  const path = rows.map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join('')).join('');
  return svg('svg', { class: 'qr', viewBox: `0 0 ${rows.length} ${rows.length}`, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' },
    svg('rect', { width: rows.length, height: rows.length, fill: '#fff' }),
    svg('path', { d: path, fill: '#000' }),
  );
}
