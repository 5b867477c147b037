/** Reading a QR code with the camera, or from a picture file. Nothing of either leaves the device. */

import decodeQR from 'qr/decode.js';
import { h } from './dom.ts';

const LARGEST = 1600;

/** A camera that looks for a code. `stop` may be called at any time, more than once. */
export interface Scanner {
  readonly view: HTMLElement;
  stop(): void;
}

/** Whether this browser lets a page ask for a camera at all. */
export const hasCamera = (): boolean => typeof navigator.mediaDevices?.getUserMedia === 'function';

/** Opens the camera and calls `found` with each text that it reads, until that says true or the view is off the page.
 *
 * The caller puts the view there at once: nothing is read before. Rejects where there is no camera or the voter says no. */
export async function scan(label: string, found: (text: string) => boolean): Promise<Scanner> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  const video = h('video', { playsinline: true, muted: true, 'aria-label': label, class: 'camera' });
  video.muted = true;
  video.srcObject = stream;
  let timer = 0;
  const stop = (): void => {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  const look = (): void => {
    // A voter who has gone on is not filmed any longer.
    if (!video.isConnected) return stop();
    const text = video.videoWidth > 0 ? read(video, video.videoWidth, video.videoHeight) : null;
    if (text !== null && found(text)) return stop();
    timer = window.setTimeout(look, 150);
  };
  await video.play();
  timer = window.setTimeout(look, 0);
  return { view: video, stop };
}

/** The text of the code in a picture file, or null. */
export async function readPicture(file: Blob): Promise<string | null> {
  try {
    // Not as an element of the page: its policy takes pictures from nowhere but its own origin.
    const picture = await createImageBitmap(file);
    try {
      return read(picture, picture.width, picture.height);
    } finally {
      picture.close();
    }
  } catch {
    return null;
  }
}

function read(from: CanvasImageSource, width: number, height: number): string | null {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const canvas = h('canvas', { width: Math.round(width * scale), height: Math.round(height * scale) });
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.drawImage(from, 0, 0, canvas.width, canvas.height);
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height), { timeLimit: 200 });
  } catch {
    return null;
  }
}
