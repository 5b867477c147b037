"""The commands ``vemre registry`` and ``vemre ballot`` for officials."""

import json
from pathlib import Path

from click.testing import CliRunner
from served import RegistryUnderTest, listening, roll_file, roll_line

from registry.commands import registry as command

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, words, prog_name="registry")
    return result.exit_code, result.output


def test_init_prints_the_public_half(tmp_path: Path) -> None:
    data = tmp_path / "data"
    words = ["init", "--data", str(data), "--host-name", "vemre.example", "--election-id", ELECTION, "--insecure"]
    code, output = run(*words, "--json")
    assert code == 0, output
    told = json.loads(output.splitlines()[-1])
    assert (told["role"], told["election_id"]) == ("registry", ELECTION)
    assert told["log"].startswith(f"vemre.example/{ELECTION}/registry+")
    assert {path.name for path in data.glob("*.token")} == {"official.token", "roster.token"}
    assert run(*words)[0] == 2


def test_officials_acts(registry: RegistryUnderTest, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(roll_file(roll_line(1), roll_line(2, "17")))
    bad.write_bytes(roll_file(*(roll_line(number, country="XX") for number in range(1, 2000))))
    with listening(registry.station.app) as url:
        where = ["--url", url, "--token-file", str(registry.data / "official.token")]
        code, output = run("import", str(bad), *where)
        assert code == 1
        assert output.count("country-unknown") == 1999
        assert "roll-refused" in output
        for words, told in (
            (("import", str(good)), {"registered": 2, "unchanged": 0}),
            (("issue",), {"issued": 2, "waiting": 2}),
        ):
            code, output = run(*words, *where, "--json")
            assert (code, json.loads(output.splitlines()[-1])) == (0, told)
        assert run("roll", *where)[0] == 0
        assert run("reissue", "--folio", "F-0001", *where)[0] == 0
        code, output = run("block", "--folio", "F-0001", "--reason", "post", *where)
        assert (code, "no-setup" in output) == (1, True)
        code, output = run("marks", *where)
        assert (code, "box-not-closed" in output) == (1, True)
        (tmp_path / "wrong").write_text("x")
        code, output = run("issue", "--url", url, "--token-file", str(tmp_path / "wrong"))
        assert (code, "not-signed-in" in output) == (1, True)
    assert [record.type for record in registry.of_the_roll()] == ["roll", "roll-replace"]
