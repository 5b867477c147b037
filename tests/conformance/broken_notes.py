"""Checkpoints that are malformed, badly signed or too little cosigned [NOTE], and their neighbours that are good.

All signatures are right for the bytes that stand there, so that nothing but the spelling is wrong.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import forge
from bench import Draft, copy, forged, plain
from elections import Seeded

from vemre.log.note import KeyType, SignatureLine, Vkey
from vemre.log.signer import Ed25519Cosigner

Change = Callable[[Draft], None]
BROKEN: list[tuple[str, str, Change]] = []
"""(stage, about, change): a change that makes the tally log's checkpoint one that nobody may accept."""
GOOD: list[tuple[str, str, Change]] = []
"""(stage, about, change): odd, and yet right."""

LOG = "tally"
CHECKPOINT = "tally/checkpoint"


def broken(about: str, stage: str = "configuration") -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        BROKEN.append((stage, about, change))
        return change

    return keep


def good(about: str, stage: str = "configuration") -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        GOOD.append((stage, about, change))
        return change

    return keep


def base(stage: str) -> Draft:
    """The election that the change is made to."""
    return copy(plain(None if stage == "configuration" else stage))


# --- the three lines --------------------------------------------------------------------------------------------


def text_change(about: str, change: Callable[[Draft, str], str], stage: str = "configuration") -> None:
    """Another text of the note, signed by everybody."""
    broken(about, stage)(lambda d: d.set_note(LOG, change(d, d.text(LOG))))


def size(about: str, spelling: str, stage: str = "configuration") -> None:
    text_change(about, lambda d, _: d.text(LOG, size=spelling), stage)


size("The size of a checkpoint has a leading zero.", "01")
size("The size of a checkpoint has a plus sign.", "+1")
size("The size of a checkpoint is negative.", "-1")
size("A space stands before the size of a checkpoint.", " 1")
size("A space stands after the size of a checkpoint.", "1 ")
size("The size of a checkpoint has an underscore between its digits.", "1_4", "keys")
size("The size of a checkpoint is written in Arabic-Indic digits.", "\u0661")
size("The size of a checkpoint is written in full-width digits.", "\uff11")
size("The size of a checkpoint is hexadecimal.", "0x1")
size("The size of a checkpoint has a fraction.", "1.0")
size("The size of a checkpoint has an exponent.", "1e0")
size("The size of a checkpoint is 2^63.", str(2**63))
size("The size of a checkpoint is 2^64 + 1.", str(2**64 + 1))
size("The size of a checkpoint is missing.", "")


def root(about: str, change: Callable[[str], str]) -> None:
    text_change(about, lambda d, text: d.text(LOG, root=change(text.split("\n")[2])))


def other_padding_bits(text: str) -> str:
    """The same bytes, with bits set that base64 leaves unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return f"{text[:-2]}{alphabet[alphabet.index(text[-2]) + 1]}="


def hash_of(text: str, change: Callable[[bytes], bytes]) -> str:
    return base64.b64encode(change(base64.b64decode(text))).decode()


root("The root of a checkpoint has set bits where base64 has none.", other_padding_bits)
root("The root of a checkpoint lacks its padding.", lambda text: text.rstrip("="))
root("The root of a checkpoint has one padding sign too many.", lambda text: text + "=")
root("The root of a checkpoint is in hex.", lambda text: base64.b64decode(text).hex())
root("The root of a checkpoint has a space inside.", lambda text: f"{text[:8]} {text[8:]}")
root("The root of a checkpoint has 31 bytes.", lambda text: hash_of(text, lambda data: data[:-1]))
root("The root of a checkpoint has 33 bytes.", lambda text: hash_of(text, lambda data: data + b"\0"))
text_change("A checkpoint has an extension line.", lambda _, text: f"{text}extension\n")
text_change("A checkpoint has an empty line at the end of its text.", lambda _, text: f"{text}\n")
text_change("A checkpoint is of another log.", lambda d, text: text.replace(d.origin(LOG), d.origin("ballot")))
text_change("The origin of a checkpoint has a space at its end.", lambda d, text: text.replace("\n", " \n", 1))
text_change("The lines of a checkpoint end in CR LF.", lambda _, text: text.replace("\n", "\r\n"))
text_change(
    "The lines of a checkpoint are separated by U+2028.", lambda _, text: f"{text[:-1]}\n".replace("\n", "\u2028", 2)
)
text_change(
    "The lines of a checkpoint are separated by U+0085.", lambda _, text: f"{text[:-1]}\n".replace("\n", "\x85", 2)
)
text_change("A byte order mark stands before a checkpoint.", lambda _, text: f"\ufeff{text}")
text_change("A checkpoint has a tab in its text.", lambda _, text: text.replace("\n", "\t\n", 1))


# --- signature lines ----------------------------------------------------------------------------------------------

UNKNOWN = "example.org/unknown"


def unknown_line(payload: bytes = b"\1\2\3\4" + b"s" * 64, name: str = UNKNOWN) -> str:
    """A well-formed line of a key that nobody knows."""
    return f"\u2014 {name} {base64.b64encode(payload).decode()}\n"


def lines_change(about: str, change: Callable[[Draft, list[str]], Sequence[str]], *, right: bool = False) -> None:
    """Other lines below the right text."""

    def apply(d: Draft) -> None:
        text = d.text(LOG)
        d.set_note(LOG, text, change(d, d.lines(LOG, text)))

    (good if right else broken)(about)(apply)


def with_line(about: str, line: str) -> None:
    lines_change(about, lambda _, lines: [*lines, line])


def flipped(line: str) -> str:
    """The line with its last signature byte changed."""
    dash, name, data = line.rstrip("\n").split(" ")
    raw = bytearray(base64.b64decode(data))
    raw[-40] ^= 1
    return f"{dash} {name} {base64.b64encode(raw).decode()}\n"


lines_change("A checkpoint has no line of its log.", lambda _, lines: lines[1:])
lines_change("The line of the log is wrong.", lambda _, lines: [flipped(lines[0]), *lines[1:]])
lines_change("The line of the log stands twice.", lambda _, lines: [lines[0], *lines])
lines_change("The line of a witness stands twice.", lambda _, lines: [*lines, lines[1]])
lines_change(
    "Two auditors are counted for one witness whose line stands twice.", lambda _, lines: [*lines[:2], lines[1]]
)
lines_change("The line of a witness is wrong.", lambda _, lines: [*lines[:2], flipped(lines[2])])
lines_change("A checkpoint is cosigned by one auditor.", lambda _, lines: lines[:2])
lines_change("A checkpoint is cosigned by nobody.", lambda _, lines: lines[:1])
lines_change("A checkpoint has no signature line.", lambda _, __: [])
lines_change(
    "The log's line stands under the name of the log and another key's id.",
    lambda d, lines: [str(SignatureLine(d.origin(LOG), b"\0\0\0\0", b"s" * 64)), *lines[1:]],
)
lines_change(
    "The cosignatures are of another checkpoint of the log.",
    lambda d, lines: [lines[0], *d.lines(LOG, d.text(LOG, size=2))[1:]],
)
with_line("An unknown key's line has a hyphen in place of the dash.", unknown_line().replace("\u2014", "-"))
with_line("An unknown key's line has an en dash in place of the dash.", unknown_line().replace("\u2014", "\u2013"))
with_line("An unknown key's line has two spaces after the dash.", unknown_line().replace(" ", "  ", 1))
with_line("An unknown key's line has a space at its end.", unknown_line().replace("\n", " \n"))
with_line("An unknown key's line has a no-break space in its name.", unknown_line(name="a\u00a0b"))
with_line("An unknown key's line has a plus sign in its name.", unknown_line(name="a+b"))
with_line("An unknown key's line has no name.", unknown_line(name=""))
with_line("An unknown key's line has a key id and no signature.", unknown_line(b"\1\2\3\4"))
with_line("An unknown key's line is in the alphabet for URLs.", unknown_line(b"\xff" * 67).replace("/", "_"))
with_line("An unknown key's line lacks its padding.", unknown_line().replace("=", ""))
with_line("An unknown key's line ends in CR LF.", unknown_line().replace("\n", "\r\n"))
with_line("An unknown key's line lacks its line feed.", unknown_line().rstrip("\n"))
with_line("An empty line stands after the lines.", "\n")


@broken("A checkpoint has no empty line before its lines.")
def no_empty_line(d: Draft) -> None:
    d.files[CHECKPOINT] = d.files[CHECKPOINT].replace(b"\n\n", b"\n")


@broken("A checkpoint is not UTF-8.")
def not_utf8(d: Draft) -> None:
    d.files[CHECKPOINT] += unknown_line(name="x?x").encode().replace(b"x?x", b"x\xffx")


@broken("A checkpoint is empty.")
def empty(d: Draft) -> None:
    d.files[CHECKPOINT] = b""


@broken("The folder of a log has tiles and no checkpoint.")
def missing(d: Draft) -> None:
    del d.files[CHECKPOINT]


@broken("A checkpoint has 65,537 bytes.")
def too_long(d: Draft) -> None:
    d.files[CHECKPOINT] = padded(d.files[CHECKPOINT], 65_537)


@good("A checkpoint has 65,536 bytes, most of them in the line of a key that nobody knows.")
def longest(d: Draft) -> None:
    d.files[CHECKPOINT] = padded(d.files[CHECKPOINT], 65_536)


def padded(note: bytes, size: int) -> bytes:
    """The note with an unknown line that brings it to a size."""
    room = size - len(note) - len(unknown_line(b"", "").encode())
    payload = base64.b64encode(b"x" * (room // 4 * 3 - 3))
    name = "n" * (room - len(payload))
    return note + f"\u2014 {name} {payload.decode()}\n".encode()


@broken("A witness states a time beyond 2^63 - 1.")
def late_witness(d: Draft) -> None:
    text = d.text(LOG)
    one, two = d.witnesses()
    d.set_note(LOG, text, [d.log_line(LOG, text), d.witness_line(one, text), d.witness_line(two, text, 2**63)])


@good("A witness states the last possible time.")
def last_time(d: Draft) -> None:
    text = d.text(LOG)
    one, two = d.witnesses()
    d.set_note(LOG, text, [d.log_line(LOG, text), d.witness_line(one, text, 0), d.witness_line(two, text, 2**63 - 1)])


@broken("A witness signs the note as a log does, without a time.")
def witness_without_time(d: Draft) -> None:
    text, (one, two) = d.text(LOG), d.witnesses()
    bare = str(SignatureLine(two.vkey.name, two.vkey.key_id, two._key.sign(text.encode())))
    d.set_note(LOG, text, [d.log_line(LOG, text), d.witness_line(one, text), bare])


@broken("A log of no entries has another root than the empty tree's.")
def empty_log_with_a_root(d: Draft) -> None:
    d.set_note("ballot", f"{d.origin('ballot')}\n0\n{base64.b64encode(bytes(32)).decode()}\n")


@good("A log that has not begun has a checkpoint of size 0.")
def empty_log(d: Draft) -> None:
    d.set_note("ballot", f"{d.origin('ballot')}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")


lines_change(
    "A checkpoint has lines of keys that nobody knows, of unknown types, and under known names.",
    lambda d, lines: [
        unknown_line(),
        *lines,
        unknown_line(b"\0" * 5),
        unknown_line(name="\u00f1and\u00fa\u200b"),
        unknown_line(b"\0\0\0\0" + b"s" * 2428, d.witnesses()[0].vkey.name),
        unknown_line(),
    ],
    right=True,
)


# --- who counts ----------------------------------------------------------------------------------------------------


def witness(name: str) -> Ed25519Cosigner:
    """A further witness key."""
    return Ed25519Cosigner(f"{name}.example/w", forge.SigningKey.generate(Seeded(name)))


def give(d: Draft, auditor: str, vkey: str, *, manifest: bool = True) -> None:
    """A further witness key for an auditor, in the policy and (as it must be) in the manifest."""
    d.policy["auditors"][auditor]["witness"].append(vkey)
    if manifest:
        number = int(auditor.split("/")[1]) - 1
        d.files = forged(d, lambda f: f.body(LOG, "manifest")["auditors"][number]["witness"].append(vkey)).files


def cosigned_by(d: Draft, *witnesses: Ed25519Cosigner) -> None:
    text = d.text(LOG)
    d.set_note(LOG, text, [d.log_line(LOG, text), *(d.witness_line(one, text) for one in witnesses)])


@broken("Two witness keys of one auditor are not two auditors.")
def one_auditor_twice(d: Draft) -> None:
    spare = witness("spare")
    give(d, "auditor/1", str(spare.vkey))
    cosigned_by(d, d.witnesses()[0], spare)


@good("An auditor's spare witness key stands in for the first.")
def spare_key(d: Draft) -> None:
    spare = witness("spare")
    give(d, "auditor/1", str(spare.vkey))
    cosigned_by(d, d.witnesses()[1], spare)


@good("An auditor cosigns with two keys, beside the other auditor.")
def all_keys(d: Draft) -> None:
    spare = witness("spare")
    give(d, "auditor/1", str(spare.vkey))
    cosigned_by(d, *d.witnesses(), spare)


@broken("An auditor's spare witness line is wrong although the quorum stands without it.")
def wrong_spare(d: Draft) -> None:
    spare, text = witness("spare"), d.text(LOG)
    give(d, "auditor/1", str(spare.vkey))
    text = d.text(LOG)
    d.set_note(LOG, text, [*d.lines(LOG, text), flipped(d.witness_line(spare, text))])


@broken("A witness key that the policy gives to both auditors counts once.")
def key_of_both(d: Draft) -> None:
    first, _ = d.witnesses()
    give(d, "auditor/2", str(first.vkey), manifest=False)
    cosigned_by(d, first)


@broken("The log's own key, listed as an auditor's witness, counts for nobody.")
def log_as_witness(d: Draft) -> None:
    key = forge.SigningKey.from_seed(d.election.log_seeds[LOG])
    own = Ed25519Cosigner("own.example/w", key)
    give(d, "auditor/2", str(own.vkey), manifest=False)
    cosigned_by(d, d.witnesses()[0], own)


@broken("The key of another log signs a checkpoint in the name of this one.")
def key_of_another_log(d: Draft) -> None:
    text = d.text(LOG)
    key = forge.SigningKey.from_seed(d.election.log_seeds["ballot"])
    vkey = Vkey(d.origin(LOG), KeyType.ED25519, key.public)
    line = str(SignatureLine(vkey.name, vkey.key_id, key.sign(text.encode())))
    d.set_note(LOG, text, [line, *d.lines(LOG, text)[1:]])
