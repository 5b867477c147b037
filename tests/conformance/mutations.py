"""Random alterations of an election record: of its bytes, and of its records with everything signed anew."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
from forge import Forgery

from vemre.errors import CheckFailed
from vemre.log.tiles import decode_bundle, encode_bundle

Alteration = str
"""What was done, for whoever reads a failure."""


# --- bytes ----------------------------------------------------------------------------------------------------------


def files_of(record: Path) -> list[Path]:
    """Every file of a record that has any bytes."""
    return [path for path in sorted(record.rglob("*")) if path.is_file() and path.stat().st_size]


def flip_bit(draw: random.Random, record: Path) -> Alteration:
    """One bit of any file."""
    path = draw.choice(files_of(record))
    data = bytearray(path.read_bytes())
    place, bit = draw.randrange(len(data)), draw.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {bit} of byte {place} of {path.relative_to(record)}"


def cut_or_grow(draw: random.Random, record: Path) -> Alteration:
    """A file ends earlier or later."""
    path = draw.choice(files_of(record))
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data))] if draw.random() < 0.5 else data + draw.randbytes(1))
    return f"{path.relative_to(record)} has {path.stat().st_size} bytes instead of {len(data)}"


def remove_file(draw: random.Random, record: Path) -> Alteration:
    """A file is gone."""
    path = draw.choice(files_of(record))
    path.unlink()
    return f"{path.relative_to(record)} is gone"


def swap_files(draw: random.Random, record: Path) -> Alteration:
    """Two files have each other's bytes."""
    one, two = draw.sample(files_of(record), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return f"{one.relative_to(record)} and {two.relative_to(record)} are swapped"


def swap_in_bundle(draw: random.Random, record: Path) -> Alteration:
    """Two entries of a bundle change places, and nothing else changes."""
    path = draw.choice([path for path in files_of(record) if "entries" in path.parts])
    width = int(path.name)
    entries = decode_bundle(path.read_bytes(), width)
    i, j = draw.randrange(width), draw.randrange(width)
    entries[i], entries[j] = entries[j], entries[i]
    path.write_bytes(encode_bundle(entries))
    return f"entries {i} and {j} of {path.relative_to(record)} are swapped"


BYTES: list[Callable[[random.Random, Path], Alteration]] = [
    flip_bit, flip_bit, flip_bit, cut_or_grow, remove_file, swap_files, swap_in_bundle,
]  # fmt: skip


def alter_bytes(draw: random.Random, record: Path, target: Path) -> Alteration:
    """A copy of the record with other bytes."""
    shutil.copytree(record, target)
    return draw.choice(BYTES)(draw, target)


# --- records --------------------------------------------------------------------------------------------------------


def move_entries(draw: random.Random, forgery: Forgery) -> Alteration:
    """An entry is removed, doubled, or changes places with another."""
    name = draw.choice(forge.LOGS)
    log = forgery.logs[name]
    i, j = draw.randrange(len(log)), draw.randrange(len(log))
    how = draw.choice(["removed", "doubled", "swapped"])
    what = f"{name}/{i} ({log[i]['type']})"
    if how == "removed":
        del log[i]
    elif how == "doubled":
        log.insert(j, dict(log[i]))
    else:
        log[i], log[j] = log[j], log[i]
    return f"{what} is {how}, {j}"


def edit_field(draw: random.Random, forgery: Forgery) -> Alteration:
    """Some value of a body, or the signer, is another."""
    name = draw.choice(forge.LOGS)
    place = draw.randrange(len(forgery.logs[name]))
    entry = forgery.logs[name][place]
    where = f"{name}/{place} ({entry['type']})"
    if draw.random() < 0.1:
        entry["signer"] = draw.choice(sorted(forgery.keys.roles))
        return f"{where} is signed by {entry['signer']}"
    holder, path = entry["body"], []
    while True:
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        path.append(key)
        if isinstance(holder[key], dict | list) and holder[key] and draw.random() < 0.9:
            holder = holder[key]
            continue
        was = holder[key]
        if isinstance(holder, list) and draw.random() < 0.5:
            change_list(draw, holder, key)
        else:
            holder[key] = another(draw, was)
        return f"{where}, {path}: was {str(was)[:70]!r}"


def change_list(draw: random.Random, items: list[Any], i: int) -> None:
    """An item is removed, doubled or moved."""
    how = draw.randrange(3)
    item = items.pop(i)
    if how:
        items.insert(draw.randrange(len(items) + 1), item)
    if how == 1:
        items.insert(i, item)


def another(draw: random.Random, value: Any) -> Any:
    """A value much like this one."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return draw.choice([0, "x", [], {}])
    if isinstance(value, int):
        return draw.choice([value + 1, max(0, value - 1), 0, 2**53 - 1])
    if draw.random() < 0.15:
        return draw.choice(["", 0, None, value.upper(), value + " "])
    if not value:
        return "x"
    place = draw.randrange(len(value))
    digit = draw.choice("0123456789abcdef")
    return value[:place] + digit + value[place + 1 :]


def edit_blob(draw: random.Random, forgery: Forgery) -> Alteration:
    """A record names a blob with other bytes."""
    named = [
        (f"{name}/{i} ({entry['type']})", holder, key)
        for name in forge.LOGS
        for i, entry in enumerate(forgery.logs[name])
        for holder, key in blob_fields(entry["body"])
        if forgery.blobs[holder[key]["sha256"]]
    ]
    where, holder, key = draw.choice(named)
    data = bytearray(forgery.blobs[holder[key]["sha256"]])
    place = draw.randrange(len(data))
    how = draw.choice(["flipped", "flipped", "cut", "zero", "swapped"])
    if how == "flipped":
        data[place] ^= 1 << draw.randrange(8)
    elif how == "cut":
        del data[place:]
    elif how == "zero":
        data[place // 32 * 32 : place // 32 * 32 + 32] = bytes(32)
    else:
        data[:32], data[-32:] = data[-32:], data[:32]
    holder[key] = forgery.put_blob(bytes(data))
    return f"{where}, {key}: {how} at {place}"


def blob_fields(value: Any) -> list[tuple[Any, Any]]:
    """Where a body names blobs."""
    found = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(inner, dict) and set(inner) == {"sha256", "size"}:
            found.append((value, key))
        else:
            found += blob_fields(inner)
    return found


RECORDS: list[Callable[[random.Random, Forgery], Alteration]] = [move_entries, edit_field, edit_field, edit_blob]


def alter_records(draw: random.Random, record: Path, keys: forge.Keys, target: Path) -> Alteration:
    """A copy of the record with other records, signed anew by everybody or by the writers of the logs alone."""
    while True:
        forgery = Forgery.open(record, keys)
        done = draw.choice(RECORDS)(draw, forgery)
        resign = draw.random() < 0.9
        try:
            forgery.write(target, resign=resign)
        except (AssertionError, LookupError, TypeError, CheckFailed):
            # What cites itself, or cannot even be written, is drawn again.
            continue
        return done if resign else f"{done}, with its old signatures"
