"""Random damage to a record's folder and to a policy file: what a disk, a stick or a prankster leaves behind."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
from forge import Forgery
from mutations import Alteration, another, files_of

from vemre.crypto import canonical
from vemre.errors import CheckFailed

HUGE = 11 << 30
"""More bytes than any file of a record may have; written as a hole, it takes no space."""


# --- files ----------------------------------------------------------------------------------------------------------


def paths_of(record: Path) -> list[Path]:
    """Everything in a record: folders and files."""
    return sorted(record.rglob("*"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def lose(draw: random.Random, record: Path) -> Alteration:
    """A folder or a file is gone."""
    path = draw.choice(paths_of(record))
    _remove(path)
    return f"{path.relative_to(record)} is gone"


def lose_folder(draw: random.Random, record: Path) -> Alteration:
    """A folder is gone, or empty."""
    path = draw.choice([path for path in paths_of(record) if path.is_dir()])
    _remove(path)
    if empty := draw.random() < 0.5:
        path.mkdir()
    return f"{path.relative_to(record)} is {'empty' if empty else 'gone'}"


def folder_for_file(draw: random.Random, record: Path) -> Alteration:
    """A folder stands where a file should, or a file where a folder should."""
    path = draw.choice(paths_of(record))
    was_folder = path.is_dir()
    _remove(path)
    if was_folder:
        path.write_bytes(b"x" * draw.randrange(3))
    else:
        path.mkdir()
        if draw.random() < 0.5:
            (path / "inside").write_bytes(b"x")
    return f"{path.relative_to(record)} is a {'file' if was_folder else 'folder'}"


def link(draw: random.Random, record: Path) -> Alteration:
    """A link stands where a file or a folder should: to the thing itself elsewhere, to nothing, or to itself."""
    path = draw.choice(paths_of(record))
    how = draw.choice(["same", "nothing", "itself"])
    target = record.parent / f"{record.name}.elsewhere"
    if how == "same":
        path.rename(target)
    else:
        _remove(path)
    path.symlink_to(path.name if how == "itself" else target)
    return f"{path.relative_to(record)} is a link to {how}"


def pipe(draw: random.Random, record: Path) -> Alteration:
    """A named pipe stands where a file or a folder should."""
    path = draw.choice(paths_of(record))
    _remove(path)
    os.mkfifo(path)
    return f"{path.relative_to(record)} is a pipe"


def hole(draw: random.Random, record: Path) -> Alteration:
    """A file has eleven gigabytes."""
    path = draw.choice(files_of(record))
    os.truncate(path, HUGE)
    return f"{path.relative_to(record)} has {HUGE} bytes"


def empty(draw: random.Random, record: Path) -> Alteration:
    """A file has no bytes."""
    path = draw.choice(files_of(record))
    path.write_bytes(b"")
    return f"{path.relative_to(record)} is empty"


def rename(draw: random.Random, record: Path) -> Alteration:
    """A file has another name."""
    path = draw.choice(paths_of(record))
    name = path.name
    new = draw.choice([name.upper(), name + " ", name + "x", f"0{name}", name[:-1] or "x", name[::-1]])
    if new != name and not (path.parent / new).exists():
        path.rename(path.parent / new)
    return f"{path.relative_to(record)} is named {new!r}"


def add(draw: random.Random, record: Path) -> Alteration:
    """A file or folder more, that may be named like one that counts."""
    folder = draw.choice([path for path in paths_of(record) if path.is_dir()])
    name = draw.choice(
        [draw.randbytes(32).hex(), draw.randbytes(32).hex().upper(), "000", "001", "checkpoint~", "\u00f1"]
    )
    path = folder / name
    if path.exists():
        return "nothing"
    how = draw.choice(["file", "file", "empty", "folder", "link", "pipe", "hole"])
    if how == "folder":
        path.mkdir()
    elif how == "link":
        path.symlink_to(draw.choice(files_of(record)))
    elif how == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"" if how == "empty" else draw.randbytes(40))
        if how == "hole":
            os.truncate(path, HUGE)
    return f"{path.relative_to(record)} is there, {how}"


def edit_note(draw: random.Random, record: Path) -> Alteration:
    """Lines of a checkpoint are removed, doubled, swapped or spelt otherwise."""
    path = draw.choice([record / name / "checkpoint" for name in forge.LOGS])
    lines = path.read_bytes().split(b"\n")
    i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
    how = draw.choice(["removed", "doubled", "swapped", "spelt", "spelt", "spelt"])
    if how == "removed":
        del lines[i]
    elif how == "doubled":
        lines.insert(j, lines[i])
    elif how == "swapped":
        lines[i], lines[j] = lines[j], lines[i]
    else:
        place = draw.randrange(len(lines[i]) + 1)
        odd = draw.choice(
            [b" ", b"\r", b"\t", "\u2028".encode(), "\u2014".encode(), b"=", b"0", b"+", b"\xff", b"\0", b"A"]
        )
        lines[i] = lines[i][:place] + odd + lines[i][place + draw.randrange(2) :]
        how = f"spelt with {odd!r} at {place}"
    path.write_bytes(b"\n".join(lines))
    return f"line {i} of {path.relative_to(record)} is {how} ({j})"


FILES: list[Callable[[random.Random, Path], Alteration]] = [
    lose, lose_folder, folder_for_file, link, link, pipe, hole, empty, rename, add, add, *[edit_note] * 3,
]  # fmt: skip


def damage_files(draw: random.Random, record: Path, target: Path) -> Alteration:
    """A copy of the record with other files."""
    shutil.copytree(record, target)
    return draw.choice(FILES)(draw, target)


# --- the spelling of entries -----------------------------------------------------------------------------------------


def respell(draw: random.Random, record: Path, keys: forge.Keys, target: Path) -> Alteration:
    """An entry has other bytes, and its log is hashed and signed anew over them."""
    forgery = Forgery.open(record, keys)
    entries = {name: [canonical.encode(entry) for entry in log] for name, log in forgery.logs.items()}
    name = draw.choice(forge.LOGS)
    i = draw.randrange(len(entries[name]))
    entries[name][i], done = _respelt(draw, entries[name][i])
    shutil.copytree(record, target)
    shutil.rmtree(target / name)
    forge.write_log(target / name, entries[name], forgery._checkpoint(name, entries[name], len(entries[name])))
    return f"{name}/{i}: {done}"


ODD = [
    b" ", b"\\u0061", b"\\/", b"1.0", b"-0", b"1e1", b"true", b"null", b"{}", b"[[[[[[[[[[[[[[[[[]", b"\xff", b"\0",
    "\ud7ff\u00f1\u0301".encode(), b"\xed\xa0\x80", b"\\ud800", b"9007199254740993", b'"', b",", b'"a":1,', b"0", b"F",
]  # fmt: skip
"""What may stand in a text where it should not."""


def _respelt(draw: random.Random, data: bytes) -> tuple[bytes, str]:
    place = draw.randrange(len(data))
    odd = draw.choice(ODD)
    how = draw.choice(["inserted", "replaced", "value", "value", "doubled", "cut", "order"])
    if how == "cut":
        return data[:place], f"cut at {place}"
    if how == "doubled":
        return data + data[place:], f"doubled from {place}"
    if how == "order":
        pairs = list(json.loads(data).items())
        draw.shuffle(pairs)
        return json.dumps(dict(pairs), separators=(",", ":"), ensure_ascii=False).encode(), "other order"
    if how == "value":
        value = json.loads(data)
        holder: Any = value
        while True:
            key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            if not isinstance(holder[key], dict | list) or not holder[key] or draw.random() < 0.1:
                break
            holder = holder[key]
        was = holder[key]
        how = draw.choice(["gone", "more", "other"])
        if how == "gone":
            del holder[key]
        elif how == "more" and isinstance(holder, dict):
            holder[str(key) + "x"] = was
        else:
            holder[key] = draw.choice([another(draw, was), None, True, 1.5, -1, 2**53, [was], {"a": was}, str(was)])
        try:
            return canonical.encode(value), f"{key} is {how}"
        except (ValueError, TypeError, CheckFailed):
            return json.dumps(
                value, separators=(",", ":"), sort_keys=True
            ).encode(), f"{key} is {how}, as no record can"
    end = place + (len(odd) if how == "replaced" else 0)
    return data[:place] + odd + data[end:], f"{odd!r} {how} at {place}"


# --- the policy -----------------------------------------------------------------------------------------------------


def damage_policy(draw: random.Random, policy: Path, target: Path) -> Alteration:
    """A copy of the policy file with other bytes or other values; or something else in its place."""
    data = policy.read_bytes()
    how = draw.choice(["bytes", "bytes", "values", "values", "values", "values", "place"])
    if how == "bytes":
        data, done = _respelt(draw, data)
        target.write_bytes(data)
        return f"policy: {done}"
    if how == "place":
        what = draw.choice(["gone", "folder", "hole", "empty", "link"])
        if what == "folder":
            target.mkdir()
        elif what == "hole":
            target.write_bytes(data)
            os.truncate(target, HUGE)
        elif what == "empty":
            target.write_bytes(b"")
        elif what == "link":
            target.symlink_to(policy)
        return f"policy: {what}"
    value = json.loads(data)
    done = draw.choice(POLICIES)(draw, value)
    target.write_bytes(json.dumps(value, ensure_ascii=draw.random() < 0.5, indent=draw.choice([None, 1])).encode())
    return f"policy: {done}"


def _quorum(draw: random.Random, value: Any) -> Alteration:
    value["quorum"] = draw.choice([-1, 0, 1, 2, 3, 2.0, 2.5, "2", None, True, [2], 2**53, 10**30])
    return f"quorum {value['quorum']!r}"


def _names(draw: random.Random, value: Any) -> Alteration:
    """An auditor has another id."""
    new = draw.choice(
        ["auditor/3", "auditor/02", "auditor/0", "auditor", "mixer/1", "", "__proto__", "constructor", "2"]
    )
    old = draw.choice(sorted(value["auditors"]))
    value["auditors"][new] = value["auditors"].pop(old)
    return f"{old} is {new!r}"


def _third(draw: random.Random, value: Any) -> Alteration:
    """One auditor more, with keys of another."""
    of = draw.choice(sorted(value["auditors"]))
    value["auditors"]["auditor/3"] = json.loads(json.dumps(value["auditors"][of]))
    value["quorum"] = draw.choice([2, 3])
    return f"auditor/3 as {of}, quorum {value['quorum']}"


def _witness(draw: random.Random, value: Any) -> Alteration:
    """The list of an auditor's witness keys is another."""
    one, two = sorted(value["auditors"])[:2]
    lines = value["auditors"][one]["witness"]
    other = value["auditors"][two]["witness"]
    how = draw.choice(["none", "twice", "both", "swapped", "log", "odd"])
    if how == "none":
        lines.clear()
    elif how == "twice":
        lines.append(lines[0])
    elif how == "both":
        lines.append(other[0])
    elif how == "swapped":
        lines[0], other[0] = other[0], lines[0]
    elif how == "log":
        lines.append(value["logs"][draw.choice(forge.LOGS)])
    else:
        lines[0] = another(draw, lines[0])
    return f"witness keys {how}"


def _logs(draw: random.Random, value: Any) -> Alteration:
    """The key of a log is another's."""
    name = draw.choice(forge.LOGS)
    how = draw.choice(["log", "witness", "odd", "none"])
    if how == "log":
        value["logs"][name] = value["logs"][draw.choice(forge.LOGS)]
    elif how == "witness":
        value["logs"][name] = value["auditors"][draw.choice(sorted(value["auditors"]))]["witness"][0]
    elif how == "odd":
        value["logs"][name] = another(draw, value["logs"][name])
    else:
        del value["logs"][name]
    return f"log {name}: {how}"


def _field(draw: random.Random, value: Any) -> Alteration:
    """Any value is another."""
    holder: Any = value
    while True:
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw.random() < 0.1:
            break
        holder = holder[key]
    holder[key] = another(draw, holder[key])
    return f"{key} is {str(holder[key])[:60]!r}"


POLICIES: list[Callable[[random.Random, Any], Alteration]] = [
    _quorum,
    _names,
    _third,
    _witness,
    _witness,
    _logs,
    _field,
    _field,
]
