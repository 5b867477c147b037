"""`vemre export --page`: the verifier's page beside the record, or a word about why not before anything is fetched."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from served import serving_logs

from vemre.cli.main import root
from vemre.types import LOG_NAMES

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
PAGE = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="vemre-record" content="">
"""


def export(out: Path, urls: dict[str, str], *more: str) -> tuple[int, str]:
    places = [word for name, url in urls.items() for word in (f"--{name}-url", url)]
    words = ["--lang", "en", "export", "--policy", str(GOLDEN / "policy.json"), "--out", str(out), *places, *more]
    result = CliRunner().invoke(root, words)
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stderr


def test_the_page_stands_beside_the_record_and_proposes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    monkeypatch.setattr("audit.page._built", lambda: tmp_path / "index.html")
    with serving_logs(GOLDEN / "record", *LOG_NAMES) as urls:
        assert export(tmp_path / "with", dict(urls), "--page")[0] == 0
        assert export(tmp_path / "without", dict(urls))[0] == 0
    added = tmp_path / "with" / "index.html"
    assert added.read_text() == PAGE.replace('record" content=""', 'record" content="./"')
    added.unlink()
    files = [
        {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("with", "without")
    ]
    assert files[0] == files[1] != {}


def test_without_a_built_page_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.page._built", lambda: tmp_path / "none")
    code, err = export(tmp_path / "out", dict.fromkeys(LOG_NAMES, "http://127.0.0.1:1"), "--page")
    assert code == 2
    assert "verifier-page-missing" in err
    assert "make verifier-ts" in err
    assert not (tmp_path / "out").exists()
