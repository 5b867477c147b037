"""Entries that two JSON parsers may read differently. None of them is canonical, so no verifier may accept one."""

from __future__ import annotations

import json

from vemre.params import MAX_ENTRY_BYTES


def differentials(entry: bytes) -> dict[str, bytes]:
    """Spellings of a canonical `entry`, a manifest, by what is odd about each."""

    def swapped(old: bytes, new: bytes) -> bytes:
        assert old in entry
        return entry.replace(old, new, 1)

    return {
        "duplicate key": entry[:-1] + b',"version":1}',
        "duplicate key, other value": b'{"version":2,' + entry[1:],
        "duplicate key inside": swapped(b'"min_batch":2', b'"min_batch":2,"min_batch":2'),
        "NaN": swapped(b'"grace_seconds":0', b'"grace_seconds":NaN'),
        "Infinity": swapped(b'"grace_seconds":0', b'"grace_seconds":Infinity'),
        "minus zero": swapped(b'"grace_seconds":0', b'"grace_seconds":-0'),
        "fraction": swapped(b'"grace_seconds":0', b'"grace_seconds":0.0'),
        "exponent": swapped(b'"grace_seconds":0', b'"grace_seconds":0e0'),
        "2^53": swapped(b'"grace_seconds":0', b'"grace_seconds":9007199254740992'),
        "2^53 + 1": swapped(b'"grace_seconds":0', b'"grace_seconds":9007199254740993'),
        "2^64 + small": swapped(b'"grace_seconds":0', b'"grace_seconds":18446744073709551616'),
        "thousands of digits": swapped(b'"grace_seconds":0', b'"grace_seconds":' + b"9" * 5000),
        "leading zero": swapped(b'"grace_seconds":0', b'"grace_seconds":00'),
        "boolean for a number": swapped(b'"min_batch":2', b'"min_batch":true'),
        "number for a string": swapped(b'"revote":"forbidden"', b'"revote":1'),
        "null for a string": swapped(b'"revote":"forbidden"', b'"revote":null'),
        "text for a number": swapped(b'"min_batch":2', b'"min_batch":"2"'),
        "lone surrogate": swapped(b'"Auditor 1"', b'"\\ud800"'),
        "surrogate pair escaped": swapped(b'"Auditor 1"', b'"\\ud83d\\ude00"'),
        "surrogate as UTF-8": swapped(b'"Auditor 1"', b'"\xed\xa0\x80"'),
        "overlong UTF-8": swapped(b'"Auditor 1"', b'"\xc0\xaf"'),
        "needless escape": swapped(b'"Auditor 1"', b'"\\u0041uditor 1"'),
        "escaped slash": swapped(b'"Auditor 1"', b'"Auditor\\/1"'),
        "raw control character": swapped(b'"Auditor 1"', b'"Auditor\x01"'),
        "upper-case hex": swapped(b'"sign":"', b'"sign":"A')[: len(entry)],
        "white space": b" " + entry,
        "line feed at the end": entry + b"\n",
        "byte order mark": b"\xef\xbb\xbf" + entry,
        "trailing comma": entry[:-1] + b",}",
        "trailing garbage": entry + b"{}",
        "unknown field": entry[:-1] + b',"zzz":1}',
        "unknown field inside": swapped(b'"min_batch":2', b'"min_batch":2,"min_batch2":2'),
        "keys in another order": json.dumps(dict(reversed(json.loads(entry).items())), separators=(",", ":")).encode(),
        "comment": entry + b"/**/",
        "single quotes": entry.replace(b'"', b"'"),
        "nested too deeply": b"[" * 100_000,
        "UTF-16": entry.decode().encode("utf-16"),
        "empty": b"",
        "too long": swapped(b'"Auditor 1"', b'"' + b"A" * MAX_ENTRY_BYTES + b'"'),
    }
