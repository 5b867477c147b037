/** The few things that every host of this code has (Node, pages, workers) and that the language does not declare. */

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(data: Uint8Array): string;
}

declare const crypto: { getRandomValues(into: Uint8Array): Uint8Array };
