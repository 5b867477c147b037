"""The hooks file, the commands about it, and the example of somebody else's hook."""

import json
import shutil
import tomllib
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.hooks.document import KINDS
from audit.hooks.settings import HookSetting, parse
from vemre.cli.main import root
from vemre.crypto.signing import SigningKey
from vemre.errors import Refused
from vemre.log.signer import LogSigner

EXAMPLE = Path(__file__).parents[4] / "examples" / "audit-hook"
GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"
Install = Callable[[Path], None]


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout, result.stderr


def test_a_hooks_file_says_what_it_says() -> None:
    text = b"""
[hooks.file]
use = "jsonl"
file = "/tmp/x"

[hooks.alarm_2]
use = "webhook"
events = ["finding", "incident"]
timeout = 2.5
queue = 7
url = "https://alarm.example/"
"""
    assert parse(text) == (
        HookSetting("file", "jsonl", {"file": "/tmp/x"}),
        HookSetting("alarm_2", "webhook", {"url": "https://alarm.example/"}, ("finding", "incident"), 2.5, 7),
    )
    assert parse(b"") == ()
    assert HookSetting("x", "y", {}).events == tuple(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x = 1",
        "hooks = 1",
        "[other]",
        "[hooks]\na = 1",
        "[hooks.a]",
        "[hooks.a]\nuse = 1",
        "[hooks.A]\nuse = 'jsonl'",
        "[hooks.a-b]\nuse = 'jsonl'",
        "[hooks.a]\nuse = 'jsonl'\nevents = []",
        "[hooks.a]\nuse = 'jsonl'\nevents = 'finding'",
        "[hooks.a]\nuse = 'jsonl'\nevents = ['other']",
        "[hooks.a]\nuse = 'jsonl'\nevents = [['finding']]",
        "[hooks.a]\nuse = 'jsonl'\ntimeout = 0",
        "[hooks.a]\nuse = 'jsonl'\ntimeout = true",
        "[hooks.a]\nuse = 'jsonl'\ntimeout = nan",
        "[hooks.a]\nuse = 'jsonl'\ntimeout = inf",
        "[hooks.a]\nuse = 'jsonl'\nqueue = 0",
        "[hooks.a]\nuse = 'jsonl'\nqueue = 1.5",
        "[hooks.a]\nuse = 'jsonl'\n[hooks.a]\nuse = 'jsonl'",
        "\n".join(f"[hooks.a{number}]\nuse = 'jsonl'" for number in range(33)),
        b"\xff",
    ],
)
def test_anything_else_is_refused(text: str | bytes, tmp_path: Path) -> None:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ValueError):
        parse(data)
    (tmp_path / "hooks.toml").write_bytes(data)
    code, out, err = run("hooks", "test", "--hooks", tmp_path / "hooks.toml")
    assert (code, out) == (2, "")
    assert "hooks-file-unusable" in err


def test_a_hook_that_nobody_installed_is_named() -> None:
    with pytest.raises(Refused) as refused:
        parse(b"[hooks.a]\nuse = 'pager'")
    assert refused.value.code == "hook-unknown"
    assert refused.value.params == {"hook": "a", "use": "pager", "known": "jsonl, prometheus, webhook"}


def test_two_hooks_of_one_name_are_not_chosen_between(tmp_path: Path, install: Install) -> None:
    about = tmp_path / "rival-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[vemre.audit_hooks]\nwebhook = rival:Webhook\n")
    install(tmp_path)
    with pytest.raises(Refused, match="hook-ambiguous"):
        parse(b"[hooks.a]\nuse = 'webhook'")


def test_the_list_names_what_is_installed() -> None:
    code, out, _ = run("hooks", "list", "--json")
    assert code == 0
    assert [hook["use"] for hook in json.loads(out)["hooks"]] == ["jsonl", "prometheus", "webhook"]
    assert "audit.hooks.webhook:Webhook" in run("hooks", "list")[1]


@pytest.mark.usefixtures("naughty")
def test_the_test_tells_of_every_event_of_every_hook(tmp_path: Path) -> None:
    file = tmp_path / "hooks.toml"
    file.write_text(
        f"""
[hooks.out]
use = "jsonl"
file = "-"
events = ["finding"]
[hooks.raising]
use = "naughty-raising"
folder = "{tmp_path / "a"}"
[hooks.dying]
use = "naughty-dying"
folder = "{tmp_path / "b"}"
[hooks.refusing]
use = "naughty-refusing"
"""
    )
    code, out, _ = run("hooks", "test", "--hooks", file, "--json")
    report = json.loads(out)
    assert (code, report["ok"]) == (1, False)
    assert report["hooks"]["out"] == {kind: "delivered" if kind == "finding" else "not-heard" for kind in KINDS}
    assert set(report["hooks"]["raising"].values()) == {"ValueError"}
    assert set(report["hooks"]["dying"].values()) == {"the process ended"}
    assert set(report["hooks"]["refusing"].values()) == {"HookError: no pager here"}
    file.write_text('[hooks.numbers]\nuse = "prometheus"\n')
    assert run("hooks", "test", "--hooks", file)[0] == 0


@pytest.mark.usefixtures("naughty")
@pytest.mark.parametrize("use", ["pager", "naughty-refusing"])
def test_a_witness_does_not_start_with_a_hook_that_cannot_be(use: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = run("init", "--data", data, "--number", 1, "--name", "A", "--witness", "a.example/w", "--insecure")
    assert made[0] == 0
    (tmp_path / "hooks.toml").write_text(f"[hooks.a]\nuse = '{use}'\n")
    log = str(LogSigner("example.org/log", SigningKey.from_seed(bytes(32))).vkey)
    code, out, err = run(
        "witness", "serve", "--data", data, "--consistency-log", log, "--insecure", "--hooks", tmp_path / "hooks.toml"
    )
    assert (code, out) == (2, "")
    assert ("hook-unknown" if use == "pager" else "hook-unusable") in err


# --- the example ----------------------------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path: Path, install: Install) -> None:
    """The example installed, as a package manager would: its module, and what its pyproject.toml says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (about / "entry_points.txt").write_text(groups)
    shutil.copy(EXAMPLE / "vemre_alarm_file.py", site)
    install(site)


@pytest.mark.usefixtures("example")
def test_the_example_is_found_and_leaves_letters(tmp_path: Path) -> None:
    _, out, _ = run("hooks", "list", "--json")
    assert {"use": "alarm-file", "from": "vemre-alarm-file 1.0.0", "object": "vemre_alarm_file:AlarmFile"} in (
        json.loads(out)["hooks"]
    )
    spool = tmp_path / "spool"
    spool.mkdir()
    file = tmp_path / "hooks.toml"
    file.write_text(f'[hooks.letters]\nuse = "alarm-file"\nfolder = "{spool}"\nto = "guardia@auditoria.example"\n')
    code, out, _ = run("hooks", "test", "--hooks", file, "--json")
    assert code == 0, out
    assert json.loads(out)["hooks"]["letters"]["finding"] == "delivered"
    assert json.loads(out)["hooks"]["letters"]["entry"] == "not-heard"
    letters = {path.name: message_from_bytes(path.read_bytes(), policy=policy.default) for path in spool.iterdir()}
    assert set(letters) == {"finding-0000.eml", "incident-tally-2.eml"}
    finding = letters["finding-0000.eml"]
    assert finding["To"] == "guardia@auditoria.example"
    assert finding["Subject"] == "[vemre audit hooks test] FINDING NOTE"
    assert "this is no finding" in finding.get_content()


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize(
    "settings", ['to = "x@y.example"', 'folder = "/nonexistent"\nto = "x@y.example"', 'folder = "/"\nto = "x y"']
)
def test_the_example_refuses_settings_that_do_not_serve(settings: str, tmp_path: Path) -> None:
    (tmp_path / "hooks.toml").write_text(f'[hooks.letters]\nuse = "alarm-file"\n{settings}\n')
    assert run("hooks", "test", "--hooks", tmp_path / "hooks.toml")[0] == 1
