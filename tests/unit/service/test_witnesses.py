"""Who a log's witnesses are, how they stand, and what everybody sees of it."""

from pathlib import Path
from typing import Any

import pytest

from vemre.crypto.signing import SigningKey
from vemre.errors import Refused
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import MAX_NOTE_BYTES, KeyType, Note, Vkey
from vemre.log.signer import Ed25519Cosigner, MLDSACosigner
from vemre.log.witness_policy import PolicyWitness, WitnessPolicy
from vemre.service.metrics import Metrics
from vemre.service.witnesses import FRESH_SECONDS, Witness, Witnesses, list_witnesses, read_policy

LOG = Vkey("vemre.example/ballot", KeyType.ED25519, SigningKey.from_seed(bytes([9]) * 32).public)


def vkey(seed: int, name: str | None = None) -> Vkey:
    public = SigningKey.from_seed(bytes([seed]) * 32).public
    return Vkey(name or f"w{seed}.example/w", KeyType.COSIGNATURE, public)


AUDITORS = {"auditor/1": [vkey(1), vkey(2)], "auditor/2": [vkey(3), vkey(1)]}


def policy(*witnesses: Vkey, url: str | None = "http://w.example", logs: tuple[Vkey, ...] = ()) -> WitnessPolicy:
    return WitnessPolicy(logs, tuple(PolicyWitness(f"w{i}", key, url) for i, key in enumerate(witnesses)))


def test_auditors_come_from_the_election_and_addresses_from_the_file() -> None:
    plain = list_witnesses(None, AUDITORS, LOG, [LOG])
    assert plain == tuple(
        Witness(vkey(n), auditor, None) for n, auditor in ((1, "auditor/1"), (2, "auditor/1"), (3, "auditor/2"))
    )
    found = list_witnesses(policy(vkey(5), vkey(3), logs=(vkey(8), LOG)), AUDITORS, LOG, [LOG])
    assert [(witness.auditor, witness.url) for witness in found] == [
        ("auditor/1", None),
        ("auditor/1", None),
        ("auditor/2", "http://w.example"),
        (None, "http://w.example"),
    ]


@pytest.mark.parametrize(
    "file",
    [
        policy(vkey(5), logs=(vkey(8),)),
        policy(vkey(1, "another.example")),
        policy(vkey(9)),
        policy(*(vkey(n) for n in range(20, 33))),
    ],
    ids=["other logs", "an auditor under another name", "the log itself", "too many"],
)
def test_files_that_do_not_fit_the_election(file: WitnessPolicy) -> None:
    with pytest.raises(Refused, match="witnesses-unusable"):
        list_witnesses(file, AUDITORS, LOG, [LOG])


def test_a_key_that_could_be_taken_for_an_auditors_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Four bytes of key id can be collided with on purpose; here all of one name have the same.
    monkeypatch.setattr(Vkey, "key_id", property(lambda _self: b"\0\0\0\0"))
    assert list_witnesses(policy(vkey(5)), AUDITORS, LOG, [LOG])[-1].auditor is None
    with pytest.raises(Refused, match="one like it"):
        list_witnesses(policy(vkey(5, "w1.example/w")), AUDITORS, LOG, [LOG])


def test_as_many_as_a_reader_takes_fit_into_a_note() -> None:
    several = [MLDSACosigner(f"pq{n}.example/w", bytes([n]) * 32).vkey for n in range(12)]
    assert len(list_witnesses(policy(*several), AUDITORS, LOG, [LOG])) == 15
    long = [MLDSACosigner("x" * 3000 + str(n), bytes([n]) * 32).vkey for n in range(12)]
    with pytest.raises(Refused, match=str(MAX_NOTE_BYTES)):
        list_witnesses(policy(*long), AUDITORS, LOG, [LOG])


def test_the_longest_checkpoint_is_still_a_note(served: Any) -> None:
    cosigners = [MLDSACosigner(f"pq{n}.example/w", bytes([n]) * 32) for n in range(13)]
    list_witnesses(policy(*(c.vkey for c in cosigners)), served.auditors, served.signer.vkey, [served.signer.vkey])
    served.append(b"a")
    checkpoint = Checkpoint.parse(Note.parse(served.store.checkpoint).text)
    lines = "".join(str(cosigner.cosign(checkpoint, 1)) for cosigner in cosigners)
    served.store.add_cosignatures(1, lines, [cosigner.vkey for cosigner in cosigners])
    served.cosign(1)
    assert len(Note.parse(served.store.published_checkpoint()).signatures) == 16
    # A record that cites it must not grow with them.
    opened = served.store.latest_cosigned(served.auditors, 2)
    assert opened is not None
    assert len(opened.note.signatures) == 3


def test_reading_the_file(tmp_path: Path) -> None:
    path = tmp_path / "witnesses"
    assert read_policy(None) is None
    with pytest.raises(FileNotFoundError):
        read_policy(path)
    path.write_text(f"witness a {vkey(5)}\nquorum b\n")
    with pytest.raises(Refused) as refused:
        read_policy(path)
    assert (refused.value.code, refused.value.params["line"]) == ("witnesses-unusable", 2)
    path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(Refused):
        read_policy(path)


class Clock:
    now = 1_700_000_000

    def __call__(self) -> int:
        return self.now


def test_how_a_witness_stands(served: Any) -> None:
    served.append(b"a", b"b")
    served.cosign(2, "auditor/1")
    clock, metrics = Clock(), Metrics()
    key = {auditor: keys[0] for auditor, keys in served.auditors.items()}
    listed = list_witnesses(None, served.auditors, served.signer.vkey, [])
    witnesses = Witnesses(listed, served.store, clock, metrics)

    def states() -> list[str]:
        return [witnesses.state(key["auditor/1"]), witnesses.state(key["auditor/2"])]

    # What it cosigned before this start is known.
    assert states() == ["ok", "waiting"]
    served.append(b"c")
    assert states() == ["waiting", "waiting"]
    witnesses.cosigned(key["auditor/1"], 3, clock.now)
    served.append(b"d")
    assert states() == ["ok", "waiting"]
    clock.now += FRESH_SECONDS
    assert states() == ["waiting", "waiting"]
    witnesses.failed(key["auditor/1"], "HTTP 500")
    assert states() == ["failing", "waiting"]
    witnesses.cosigned(key["auditor/1"], 1, clock.now)
    assert witnesses.standing(key["auditor/1"]).size == 3
    assert states() == ["ok", "waiting"]
    witnesses.alarm(key["auditor/2"])
    witnesses.cosigned(key["auditor/2"], 4, clock.now)
    assert states() == ["ok", "alarm"]

    text = metrics.render().decode()
    for name, value in (("auditor1.example/w1", (3, 0, 0, 1)), ("auditor2.example/w1", (4, 0, 1, 0))):
        labels = f'{{key="{next(k for k in witnesses.vkeys if k.name == name).key_id.hex()}",witness="{name}"}}'
        for metric, expected in zip(
            ("cosigned_size", "cosigned_age_seconds", "alarm", "failures_total"), value, strict=True
        ):
            assert f"vemre_witness_{metric}{labels} {float(expected)}\n" in text, (name, metric)


def test_the_public_list(served: Any) -> None:
    served.append(b"a")
    answer = served.client.get("/log/witnesses")
    assert answer.headers["access-control-allow-origin"] == "*"
    first, second = answer.json()
    expected = {
        "name": "auditor1.example/w1",
        "vkey": str(served.auditors["auditor/1"][0]),
        "auditor": "auditor/1",
        "fed": False,
        "state": "waiting",
        "size": None,
        "time": None,
    }
    assert first == expected
    assert second["auditor"] == "auditor/2"
    served.client.post(
        "/log/cosignatures", content=served.cosignature("auditor/1", 1), headers={"Content-Type": "text/plain"}
    )
    expected |= {"state": "ok", "size": 1, "time": 1_700_000_000}
    assert served.client.get("/log/witnesses").json()[0] == expected


def test_observers_are_kept_and_shown_and_count_for_nothing(served: Any) -> None:
    observer = Ed25519Cosigner("observer.example/w", SigningKey.from_seed(bytes([7]) * 32))
    listed = list_witnesses(policy(observer.vkey), served.auditors, served.signer.vkey, [])
    served.witnesses.__init__(listed, served.store, Clock(), Metrics())
    served.append(b"a")
    served.cosign(1, "auditor/1")
    checkpoint = Checkpoint.parse(Note.parse(served.store.checkpoint).text)
    line = str(observer.cosign(checkpoint, 1_700_000_000))
    answer = served.client.post("/log/cosignatures", content=line, headers={"Content-Type": "text/plain"})
    assert answer.json()["accepted"] == ["observer.example/w"]
    assert line in served.client.get("/log/checkpoint").text
    refused = served.client.get("/log/cosigned")
    assert refused.json()["code"] == "not-cosigned-yet"
    assert "Yet to cosign: auditor/2." in refused.json()["en"]["detail"]
    served.cosign(1, "auditor/2")
    assert line not in served.client.get("/log/cosigned").text


def test_every_reader_of_the_log_may_come_from_any_page(served: Any) -> None:
    served.append(b"a")
    for path in ("/log/checkpoint", "/log/cosigned", "/log/tile/0/9", "/log/nothing", "/blob/x", "/log/witnesses"):
        answer = served.client.get(path)
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin", path
    for answer in (
        served.client.post("/log/cosignatures", content="x", headers={"Content-Type": "text/plain"}),
        served.client.options(
            "/log/checkpoint", headers={"Origin": "https://x", "Access-Control-Request-Method": "GET"}
        ),
        served.client.get("/health"),
        served.client.get("/metrics"),
        served.client.get("/logsx"),
    ):
        assert "access-control-allow-origin" not in answer.headers
