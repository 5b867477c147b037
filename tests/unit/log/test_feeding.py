"""What a log makes of a witness's answers, and how long it waits."""

import pytest

from vemre.log.feeding import MAX_PAUSE, Next, judge, pause


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Next.VERIFY),
        (409, b"3\n", Next.RETRY),
        (409, b"0\n", Next.RETRY),
        (409, b"9\n", Next.RETRY),
        # It followed by itself, and is ahead of what was sent: no alarm.
        (409, b"10\n", Next.RETRY),
        (409, b"12\n", Next.RETRY),
        (409, b"13\n", Next.ALARM),
        (409, b"9223372036854775807\n", Next.ALARM),
        (409, b"5\n", Next.FINAL),
        (409, b"", Next.FINAL),
        (409, b"3", Next.FINAL),
        (409, b"03\n", Next.FINAL),
        (409, b"+3\n", Next.FINAL),
        (409, b"3\n\n", Next.FINAL),
        (409, "٣\n".encode(), Next.FINAL),
        (409, b"9223372036854775808\n", Next.FINAL),
        (409, b"9" * 5000 + b"\n", Next.FINAL),
        (400, b"", Next.FINAL),
        (403, b"", Next.FINAL),
        (404, b"", Next.FINAL),
        (422, b"", Next.FINAL),
        (429, b"", Next.LATER),
        (500, b"", Next.LATER),
        (503, b"", Next.LATER),
        (307, b"", Next.FINAL),
        (204, b"", Next.FINAL),
    ],
)
def test_every_answer(status: int, body: bytes, expected: Next) -> None:
    assert judge(status, body, old=5, sent=10, now=12, retried=False).next is expected


def test_retried_once_and_then_after_a_pause() -> None:
    first = judge(409, b"7\n", old=5, sent=10, now=10, retried=False)
    assert (first.next, first.size) == (Next.RETRY, 7)
    assert judge(409, b"7\n", old=7, sent=10, now=10, retried=True).next is Next.FINAL
    assert judge(409, b"8\n", old=7, sent=10, now=10, retried=True).next is Next.LATER
    assert judge(409, b"11\n", old=7, sent=10, now=10, retried=True).next is Next.ALARM


def test_the_same_size_with_another_root_is_final_and_looked_into() -> None:
    verdict = judge(409, b"10\n", old=10, sent=10, now=10, retried=False)
    assert (verdict.next, verdict.contradiction) == (Next.FINAL, True)
    # But a cosignature whose answer was lost is asked for again.
    assert judge(409, b"10\n", old=5, sent=10, now=10, retried=False).next is Next.RETRY


def test_what_contradicts_the_log_is_looked_into() -> None:
    def contradiction(status: int, body: bytes = b"") -> bool:
        return judge(status, body, old=5, sent=10, now=10, retried=False).contradiction

    assert contradiction(422)
    assert contradiction(409, b"11\n")
    assert not any(contradiction(status) for status in (200, 400, 403, 404, 429, 500))
    assert not contradiction(409, b"7\n")


def test_pauses_grow_to_a_cap_and_scatter() -> None:
    assert [pause(n, None, 1.0) for n in (1, 2, 3, 7, 8, 10**6)] == [1, 2, 4, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE]
    assert pause(3, None, 0.0) == 2
    assert 2 < pause(3, None, 0.5) < 4


@pytest.mark.parametrize(("asked", "seconds"), [("0", 1), ("7", 7), ("3600", MAX_PAUSE), ("999999999", MAX_PAUSE)])
def test_the_witness_may_ask_for_a_pause_within_the_cap(asked: str, seconds: float) -> None:
    assert pause(1, asked, 1.0) == seconds


@pytest.mark.parametrize("asked", ["", "-1", "1.5", "1e9", "٣", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 5000])
def test_other_wishes_are_not_heard(asked: str) -> None:
    assert pause(1, asked, 1.0) == 1
