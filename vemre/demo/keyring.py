"""`DIR/keys/keys.json`: every secret of a demonstration, marked insecure, for whoever wants to forge its record.

    {"insecure": true, "note": ..., "roles": {role: {"sign", "box"?, "share"?}}, "logs": {log: seed},
     "witnesses": [{"auditor", "name", "seed"}], "credentials": {public: seed}}

All values are hex. With them anybody can sign an altered record as everyone, and see that it is refused all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from vemre.cli import files
from vemre.crypto import keyfile
from vemre.crypto.credential import Credential
from vemre.crypto.keyfile import KeyFile
from vemre.log.note import Vkey
from vemre.messages import text
from vemre.storage import keyfiles
from vemre.types import LogName

NOTE: Final = "Demonstration keys. They protect nothing: never use them for anything else."


def open_insecure(path: Path) -> KeyFile:
    """A key file of the demonstration. Raises KeyFileError for any that is protected."""
    data = keyfiles.read(path)
    kind, _, _ = keyfile.read_public(data)
    return keyfile.open_sealed(data, b"", kind, allow_insecure=True)


def collect(
    services: Mapping[LogName, Path], people: Mapping[str, Path], credentials: Iterable[str], election_id: str
) -> dict[str, Any]:
    """All secrets. `services` are key files by log, `people` those of authority, trustees, mixers and auditors by role
    id, `credentials` the voters' credentials as they were delivered."""
    roles: dict[str, dict[str, str]] = {}
    logs: dict[str, str] = {}
    witnesses = []
    for log, path in services.items():
        key = open_insecure(path)
        roles[str(key.public["role"])] = {"sign": key.secret["sign"]}
        logs[log] = key.secret["log"]
    for role, path in people.items():
        key = open_insecure(path)
        roles[role] = _secrets(key.secret)
        if "witness" in key.secret:
            name = Vkey.parse(key.public["witness"][0]).name
            witnesses.append({"auditor": role, "name": name, "seed": key.secret["witness"]})
    keys = [Credential.parse(shown).signing_key(election_id) for shown in credentials]
    return {
        "insecure": True,
        "note": NOTE,
        "roles": roles,
        "logs": logs,
        "witnesses": witnesses,
        "credentials": {key.public.hex(): key.seed().hex() for key in keys},
    }


def write(folder: Path, keys: Mapping[str, Any]) -> None:
    """Write the keys and a page that says what they are."""
    folder.mkdir(mode=0o700)
    files.write(folder / "keys.json", json.dumps(keys, indent=1).encode() + b"\n", private=True)
    page = "\n\n".join(text("demo-keys-readme", language) for language in ("es", "en"))
    files.write(folder / "README.md", page.encode() + b"\n")


def _secrets(secret: Mapping[str, Any]) -> dict[str, str]:
    """The keys among what a key file holds: a trustee's also has its state."""
    found = {name: secret[name] for name in ("sign", "box") if isinstance(secret.get(name), str)}
    if isinstance(secret.get("share"), Mapping):
        found["share"] = secret["share"]["share"]
    return found
