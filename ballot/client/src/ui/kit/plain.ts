/** Texts from outside, without what would make them look like others. */

/** Controls, and marks that turn the direction of writing or hide letters: they could make a name look like another. */
const TRICKS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A text from outside as it may be shown. */
export const plain = (text: string): string => text.replace(TRICKS, '\ufffd');
