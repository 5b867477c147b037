"""The file of witnesses: everything that C2SP tlog-policy allows is read, everything else is refused."""

import pytest

from vemre.crypto.signing import SigningKey
from vemre.log.note import KeyType, Vkey
from vemre.log.signer import MLDSACosigner
from vemre.log.witness_policy import MAX_WITNESS_POLICY_BYTES, WitnessPolicy, WitnessPolicyError


def vkey(seed: int, type_: KeyType = KeyType.COSIGNATURE) -> Vkey:
    return Vkey(f"w{seed}.example/w", type_, SigningKey.from_seed(bytes([seed]) * 32).public)


LOG = vkey(1, KeyType.ED25519)
A, B, C = vkey(2), vkey(3), MLDSACosigner("pq.example/w", bytes(32)).vkey


def test_a_whole_file() -> None:
    text = f"""
# a comment
  # another
log {LOG} https://vemre.example/log
\twitness\tañejo   {A} https://w.example:8443/a/b/\t
witness B {B}
witness \u2028 {C} http://[::1]:8000
group g1 1 añejo B
group g2 all g1
group g3 any g2 \u2028
quorum g3
""".encode()
    policy = WitnessPolicy.parse(text)
    assert policy.logs == (LOG,)
    assert [(found.name, found.vkey, found.url) for found in policy.witnesses] == [
        ("añejo", A, "https://w.example:8443/a/b"),
        ("B", B, None),
        ("\u2028", C, "http://[::1]:8000"),
    ]


@pytest.mark.parametrize("text", ["quorum none\n", "witness A {A}\nquorum A\n", "log {L}\nquorum\tnone\n"])
def test_small_files(text: str) -> None:
    WitnessPolicy.parse(text.format(A=A, L=LOG).encode())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (0, ""),
        (0, "witness A {A}\n"),
        (0, "quorum none"),
        (0, "quorum none\nwitness A {A}"),
        (1, "quorum A\nwitness A {A}\n"),
        (2, "quorum none\nquorum none\n"),
        (1, "quorum\n"),
        (1, "quorum none none\n"),
        (1, "Witness A {A}\nquorum none\n"),
        (1, "include x\nquorum none\n"),
        (1, "witness A\nquorum none\n"),
        (1, "witness A {A} https://a.example b\nquorum none\n"),
        (1, "witness none {A}\nquorum none\n"),
        (2, "witness A {A}\nwitness A {B}\nquorum none\n"),
        (2, "witness A {A}\nwitness B {A}\nquorum none\n"),
        (1, "witness A {L}\nquorum none\n"),
        (1, "log {A}\nquorum none\n"),
        (2, "log {L}\nlog {L}\nquorum none\n"),
        (1, "log\nquorum none\n"),
        (1, "log {L} x y\nquorum none\n"),
        (1, "log {L} not-an-address\nquorum none\n"),
        (2, "witness A {A}\ngroup g 2 A\nquorum none\n"),
        (2, "witness A {A}\ngroup g 0 A\nquorum none\n"),
        (2, "witness A {A}\ngroup g 01 A\nquorum none\n"),
        (2, "witness A {A}\ngroup g most A\nquorum none\n"),
        (2, "witness A {A}\ngroup g all\nquorum none\n"),
        (2, "witness A {A}\ngroup A all A\nquorum none\n"),
        (2, "witness A {A}\ngroup g all g\nquorum none\n"),
        (2, "witness A {A}\ngroup g 1 A A\nquorum none\n"),
        (2, "witness A {A}\ngroup g 1 none\nquorum none\n"),
        (1, "group g 1 A\nwitness A {A}\nquorum none\n"),
        (3, "witness A {A}\ngroup g 1 A\ngroup h 1 A\nquorum none\n"),
        (1, "witness A {A}\r\nquorum none\n"),
        (1, "witness\x0bA {A}\nquorum none\n"),
        (1, "# \x00\nquorum none\n"),
        (1, "# \x7f\nquorum none\n"),
        (1, "witness\u00a0A {A}\nquorum none\n"),
        (1, "witness A {A}x\nquorum none\n"),
    ],
)
def test_anything_else_is_refused_with_its_line(line: int, text: str) -> None:
    with pytest.raises(WitnessPolicyError) as error:
        WitnessPolicy.parse(text.format(A=A, B=B, L=LOG).encode())
    assert error.value.line == line, str(error.value)


@pytest.mark.parametrize(
    "url",
    ["ftp://w.example", "w.example", "https://", "https://u:p@w.example", "https://w.example?x=1", "https://w.example#",
     "https://w.example:99999", "https://w.example:x", "https://[::1", "//w.example", "https://w.éxample/"],
)  # fmt: skip
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(WitnessPolicyError):
        WitnessPolicy.parse(f"witness A {A} {url}\nquorum none\n".encode())


def test_size_and_number_are_bounded() -> None:
    end = b"quorum none\n"
    WitnessPolicy.parse(b"#" * (MAX_WITNESS_POLICY_BYTES - 1 - len(end)) + b"\n" + end)
    with pytest.raises(WitnessPolicyError):
        WitnessPolicy.parse(b"#" * (MAX_WITNESS_POLICY_BYTES - len(end)) + b"\n" + end)
    lines = [f"witness w{n} {vkey(n)}\n" for n in range(1, 66)]
    WitnessPolicy.parse("".join([*lines[:64], "quorum none\n"]).encode())
    with pytest.raises(WitnessPolicyError, match="line 65"):
        WitnessPolicy.parse("".join([*lines, "quorum none\n"]).encode())
    with pytest.raises(WitnessPolicyError):
        WitnessPolicy.parse(b"# \xff\nquorum none\n")
