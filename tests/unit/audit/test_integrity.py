"""An auditor compares machines with the audited release, puts it on the record, and anybody can judge the records."""

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deployed
import pytest
from click.testing import CliRunner
from served import listening, serving_logs, token_of
from served_tally import TallyUnderTest, write_policy
from simulator import Simulator

from audit import keys
from audit.integrity import judge as judging
from audit.integrity.record import log_of
from vemre.cli.main import root
from vemre.crypto.keyfile import KeyFile
from vemre.election import drafts, release
from vemre.errors import Refused
from vemre.records import vote_bodies as v
from vemre.records.record import Record
from vemre.service import deployment, integrity_routes
from vemre.storage import keyfiles
from vemre.types import LogName

CODE = "vemre/inner/code.py"
ALTERED = "tally/inner/code.py"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.stdout, result.stderr


def as_json(*arguments: object) -> tuple[int, Any]:
    code, out, err = run(*arguments, "--json")
    assert out, err
    return code, last_line(out)


def last_line(out: str) -> Any:
    """The JSON that a command printed; the service in the same process logs before it."""
    return json.loads(out.splitlines()[-1])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A machine as it was audited."""
    return deployed.source_tree(tmp_path / "tree")


@pytest.fixture
def audited(tree: Path, tmp_path: Path) -> Path:
    """The audited list."""
    path = tmp_path / "release.json"
    assert run("release", tree, "--out", path)[0] == 0
    return path


def election(audited: Path, stage: str = "open") -> Simulator:
    """An election whose setup names the audited release."""
    sim = Simulator().reach("roll")
    lnere = {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}
    digest = release.digest(release.parse_list(audited.read_bytes()))
    registry = sim.checkpoint("registry")
    sim.append("tally", "authority", drafts.setup(sim.view, registry=registry, lnere=lnere, release=digest))
    for role in sim.auditors:
        sim.append("tally", role, drafts.audit_plan(b"plan", ["source"]))
        sim.append("tally", role, drafts.system_opinion(sim.view, favourable=True, report=role.encode()))
    if stage == "open":
        sim.open_box()
    return sim


# --- release and compare, on a tree -------------------------------------------------------------------------------


def test_release_is_one_digest_and_a_list(tree: Path, audited: Path) -> None:
    code, out, _ = run("release", tree)
    assert (code, out.strip()) == (0, release.digest(release.parse_list(audited.read_bytes())))
    assert as_json("release", tree)[1] == {"release": out.strip(), "files": json.loads(audited.read_bytes())}
    assert run("release", tree, "--out", audited)[0] == 2
    (tree / "vemre" / "link").symlink_to("nowhere")
    code, out, err = run("release", tree)
    assert (code, out) == (2, "")
    assert "release-strange" in err


def test_compare_finds_what_was_altered_added_and_removed(tree: Path, audited: Path) -> None:
    assert as_json("integrity", "compare", audited, tree)[0] == 0
    (tree / CODE).write_text("NAME = 'evil'\n")
    (tree / "registry" / "more.py").write_text("")
    (tree / "ballot" / "py.typed").unlink()
    (tree / "audit" / "link").symlink_to("/etc")
    code, answer = as_json("integrity", "compare", audited, tree)
    assert code == 1
    assert (answer["same"], answer["changed"], answer["added"]) == (False, [CODE], ["registry/more.py"])
    assert answer["missing"] == ["ballot/py.typed"]
    assert answer["strange"] == [{"path": "audit/link", "reason": "a symbolic link"}]
    assert answer["undeclared"] == sorted([CODE, "registry/more.py", "ballot/py.typed", "audit/link"])
    code, out, _ = run("integrity", "compare", audited, tree)
    assert code == 1
    assert all(path in out for path in answer["undeclared"])
    assert "DIFFERS" in out


def test_declared_exceptions_are_shown_and_excused(tree: Path, audited: Path, tmp_path: Path) -> None:
    (tree / CODE).write_text("NAME = 'other'\n")
    (tree / "registry" / "more.py").write_text("")
    exceptions = tmp_path / "exceptions.json"
    exceptions.write_text(json.dumps({CODE: "patched for the trial"}))
    code, answer = as_json("integrity", "compare", audited, tree, "--exceptions", exceptions)
    assert (code, answer["undeclared"]) == (1, ["registry/more.py"])
    exceptions.write_text(json.dumps({CODE: "patched for the trial", "registry/": "so it is"}))
    code, answer = as_json("integrity", "compare", audited, tree, "--exceptions", exceptions)
    assert (code, answer["same"], answer["changed"]) == (0, True, [CODE])
    assert "declared exception" in run("integrity", "compare", audited, tree, "--exceptions", exceptions)[1]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"vemre/a.py":"x"}', b"[]", b"\x00" * 50])
def test_a_list_that_is_none_decides_nothing(tree: Path, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(data)
    code, _, err = run("integrity", "compare", path, tree)
    assert code == 2
    assert "file-unusable" in err


def test_what_cannot_be_decided_ends_with_two(tree: Path, audited: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    policy = tmp_path / "policy.json"
    assert run("integrity", "compare", audited, tmp_path / "empty")[0] == 2
    assert run("integrity", "compare", tmp_path / "missing", tree)[0] == 2
    assert run("integrity", "compare", audited, tree, "--policy", policy)[0] == 2
    assert run("integrity", "compare", tmp_path / "empty")[0] == 2
    assert run("integrity", "compare", tmp_path / "empty", tree, "--policy", policy)[0] == 2


# --- records --------------------------------------------------------------------------------------------------------


@pytest.fixture
def record(audited: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[int, Any]]]:
    """Runs `vemre audit integrity record` against a tally service; `record.tally` is that service."""
    sim = election(audited)
    box = TallyUnderTest(sim, tmp_path)
    public = {
        "role": "auditor/1",
        "name": "Auditor 1",
        "sign": sim.keys["auditor/1"].public.hex(),
        "witness": [str(sim.witnesses["auditor/1"].vkey)],
    }
    secret = {"sign": sim.keys["auditor/1"].seed().hex(), "witness": sim.witness_keys["auditor/1"].seed().hex()}
    data = tmp_path / "auditor"
    data.mkdir()
    keyfiles.create(data / keys.KEY_FILE, KeyFile(keys.KIND, public, secret, insecure=True), b"", os.urandom)
    with (
        box.running() as tally,
        listening(tally.station.app) as url,
        serving_logs(box.record, "registry", "ballot") as logs,
    ):
        urls = ("--registry-url", logs["registry"], "--ballot-url", logs["ballot"], "--tally-url", url)

        def words(role: str, *more: object) -> tuple[object, ...]:
            options = ("--data", data, "--policy", write_policy(sim, tmp_path), "--insecure", "--release", audited)
            places = () if "--out" in more else urls
            return ("integrity", "record", "--role", role, *options, *places, *more)

        def call(role: str, *more: object) -> tuple[int, Any]:
            return as_json(*words(role, *more))

        def refused(role: str, *more: object) -> tuple[int, str]:
            code, _, err = run(*words(role, *more))
            return code, err.partition("[")[2].partition("]")[0]

        call.tally, call.refused = tally, refused  # type: ignore[attr-defined]
        yield call


def statements(tally: TallyUnderTest) -> list[tuple[Record, v.Integrity]]:
    return [(entry, entry.body) for entry in tally.entries() if isinstance(entry.body, v.Integrity)]


def judged(tally: TallyUnderTest, tmp_path: Path, *more: object) -> tuple[int, Any]:
    """What anybody finds in the exported record."""
    folder = tally.stick("exported")
    policy = write_policy(tally.sim, tmp_path)
    code, report = as_json("verify", folder, "--policy", policy)
    assert (code, report["verdict"]) == (0, "valid")
    return as_json("integrity", "compare", folder, "--policy", policy, *more)


def test_an_auditor_puts_a_clean_machine_on_the_record(record: Any, tree: Path, tmp_path: Path) -> None:
    code, answer = record("mixer/1", "--tree", tree)
    assert (code, answer["differences"], answer["undeclared"]) == (0, [], [])
    ((entry, body),) = statements(record.tally)
    assert (entry.signer, body.role, body.differences) == ("auditor/1", "mixer/1", [])
    assert record("mixer/1", "--tree", tree)[1]["index"] == answer["index"]
    assert len(statements(record.tally)) == 1
    code, found = judged(record.tally, tmp_path)
    assert (code, found["same"]) == (0, True)


def test_an_altered_machine_is_on_the_record_too(record: Any, tree: Path, tmp_path: Path) -> None:
    (tree / ALTERED).write_text("NAME = 'evil'\n")
    code, answer = record("tally", "--tree", tree)
    assert (code, answer["differences"], answer["undeclared"]) == (1, [ALTERED], [ALTERED])
    code, _ = judged(record.tally, tmp_path, "--list", tmp_path / "release.json")
    assert code == 1
    # Without the list nobody can say what differs, until somebody's clean statement holds it.
    code, _, err = run("integrity", "compare", tmp_path / "exported", "--policy", tmp_path / "policy.json")
    assert code == 2
    assert "integrity-no-list" in err
    (tree / ALTERED).write_text("NAME = 'tally'\n")
    assert record("registry", "--tree", tree, "--log", "tally")[0] == 0
    code, found = judged(record.tally, tmp_path)
    assert (code, [item["undeclared"] for item in found["records"]]) == (1, [[ALTERED], []])


def test_declared_exceptions_stand_beside_the_record(record: Any, tree: Path, tmp_path: Path) -> None:
    (tree / ALTERED).write_text("NAME = 'patched'\n")
    exceptions = tmp_path / "exceptions.json"
    exceptions.write_text(json.dumps({ALTERED: "the trial's patch"}))
    for _ in range(2):
        code, answer = record("tally", "--tree", tree, "--exceptions", exceptions)
        assert (code, answer["differences"], answer["undeclared"]) == (0, [ALTERED], [])
    ((_, body),) = statements(record.tally)
    (incident,) = record.tally.incidents()
    assert release.parse_exceptions_text(incident) == (body.files.sha256, {ALTERED: "the trial's patch"})
    code, found = judged(record.tally, tmp_path, "--list", tmp_path / "release.json")
    assert (code, found["records"][0]["differences"], found["records"][0]["undeclared"]) == (0, [ALTERED], [])


def test_a_role_or_a_list_that_is_not_the_election_s(record: Any, tree: Path, audited: Path) -> None:
    assert record.refused("trustee/9", "--tree", tree) == (2, "integrity-role-unknown")
    (tree / CODE).write_text("")
    audited.unlink()
    assert run("release", tree, "--out", audited)[0] == 0
    assert record.refused("tally", "--tree", tree) == (2, "release-not-audited")
    assert not statements(record.tally)


def test_without_a_network_it_is_written(record: Any, tree: Path, tmp_path: Path) -> None:
    (tree / ALTERED).write_text("")
    exceptions = tmp_path / "exceptions.json"
    exceptions.write_text(json.dumps({ALTERED: "why not"}))
    stick, out = record.tally.stick("stick"), tmp_path / "act"
    code, answer = record("tally", "--tree", tree, "--from", stick, "--out", out, "--exceptions", exceptions)
    assert (code, answer["files"]) == (0, [str(tmp_path / "act-exceptions"), str(out)])
    for name in answer["files"]:
        assert record.tally.post(Path(name).read_bytes()).status_code == 201
    assert judged(record.tally, tmp_path, "--list", tmp_path / "release.json")[0] == 0


def test_where_statements_belong() -> None:
    roles = ("registry", "ballot-box", "tally", "trustee/1", "mixer/2", "auditor/1", "authority")
    assert [log_of(role) for role in roles] == ["registry", "ballot", *["tally"] * 5]


# --- judging --------------------------------------------------------------------------------------------------------


def state(sim: Simulator, files: dict[str, str], differences: list[str], *, signer: str = "tally", **other: str) -> str:
    """A statement in the log, true or not; gives the digest of its list."""
    data = release.encode_list(files)
    body = v.Integrity("tally", other.get("release", sim.view.setup.release), drafts.blob_of(data), differences)  # type: ignore[union-attr]
    sim.append("tally", signer, drafts.Draft(body, (data,)))
    return body.files.sha256


def test_a_statement_that_hides_a_difference_is_false(audited: Path) -> None:
    sim, files = election(audited), release.parse_list(audited.read_bytes())
    state(sim, {**files, CODE: "00" * 32}, [])
    (finding,) = judging.judge(sim.view, files, ())
    assert (finding.problem, finding.differences, finding.undeclared, finding.good) == (
        "false-list",
        [CODE],
        [CODE],
        False,
    )
    (finding,) = judging.judge(sim.view, files, {CODE})
    assert (finding.undeclared, finding.good) == ([], False)


def test_a_statement_about_another_release_is_none_about_this_one(audited: Path) -> None:
    sim, files = election(audited), release.parse_list(audited.read_bytes())
    state(sim, files, [], release="12" * 32)
    (finding,) = judging.judge(sim.view, files, ())
    assert (finding.problem, finding.good) == ("other-release", False)


@pytest.mark.parametrize(("declarer", "good"), [("auditor/2", True), ("tally", False), ("authority", False)])
def test_only_auditors_excuse(audited: Path, declarer: str, good: bool) -> None:
    sim, files = election(audited), release.parse_list(audited.read_bytes())
    digest = state(sim, {**files, CODE: "00" * 32}, [CODE])
    text = release.exceptions_text(digest, {CODE: "trust me"})
    sim.append("tally", declarer, drafts.incident(release.EXCEPTIONS, text, sim.time))
    (finding,) = judging.judge(sim.view, files, ())
    assert finding.good is good
    assert judging.judge(sim.view, files, {CODE})[0].good


def test_an_exception_is_for_one_statement_alone(audited: Path) -> None:
    sim, files = election(audited), release.parse_list(audited.read_bytes())
    digest = state(sim, {**files, CODE: "00" * 32}, [CODE])
    state(sim, {**files, CODE: "11" * 32}, [CODE])
    text = release.exceptions_text(digest, {CODE: "this one"})
    sim.append("tally", "auditor/1", drafts.incident(release.EXCEPTIONS, text, sim.time))
    sim.append("tally", "auditor/1", drafts.incident("other", text, sim.time))
    assert [finding.good for finding in judging.judge(sim.view, files, ())] == [True, False]


def test_what_a_record_lacks_is_told(audited: Path) -> None:
    early = Simulator().reach("roll")
    with pytest.raises(Refused, match="integrity-no-setup"):
        judging.judge(early.view, None, ())
    sim = election(audited, "setup")
    with pytest.raises(Refused, match="integrity-none"):
        judging.judge(sim.view, None, ())
    state(sim, {"vemre/x.py": "00" * 32}, [CODE])
    with pytest.raises(Refused, match="integrity-no-list"):
        judging.judge(sim.view, None, ())
    with pytest.raises(Refused, match="release-not-audited"):
        judging.judge(sim.view, {"vemre/x.py": "00" * 32}, ())


# --- the service about itself ---------------------------------------------------------------------------------------


@pytest.fixture
def here(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree as the installation of the service."""
    real = deployment.scan
    monkeypatch.setattr(integrity_routes.deployment, "scan", lambda: real(tree))
    return tree


def test_the_service_states_what_it_has_installed(record: Any, here: Path, audited: Path, tmp_path: Path) -> None:
    tally: TallyUnderTest = record.tally

    def ask(data: bytes = audited.read_bytes(), **headers: str) -> Any:
        return tally.client.post(
            "/official/integrity",
            content=data,
            headers={**token_of(tally.data), "Content-Type": "application/json", **headers},
        )

    first = ask()
    assert (first.status_code, first.json()["differences"]) == (201, [])
    assert (ask().status_code, ask().json()) == (200, first.json())
    (here / ALTERED).write_text("")
    assert ask().json()["differences"] == [ALTERED]
    assert [(entry.signer, body.role, body.differences) for entry, body in statements(tally)] == [
        ("tally", "tally", []),
        ("tally", "tally", [ALTERED]),
    ]
    assert ask(Authorization="Bearer x").status_code == 401
    assert ask(b"{}").status_code == 422
    assert ask(b"\xff").status_code == 422
    assert ask(b"x" * (release.MAX_LIST_BYTES + 1)).status_code == 413
    other = ask(release.encode_list({"vemre/a.py": "00" * 32}))
    assert (other.status_code, other.json()["code"]) == (409, "release-not-audited")
    assert judged(tally, tmp_path)[1]["records"][1]["undeclared"] == [ALTERED]


@pytest.mark.parametrize("name", ["registry", "ballot", "tally"])
def test_every_service_has_the_command(name: LogName, record: Any, here: Path, audited: Path) -> None:
    tally: TallyUnderTest = record.tally
    with listening(tally.station.app) as url:
        options = ["--url", url, "--token-file", str(tally.data / "official.token"), "--release", str(audited)]
        result = CliRunner().invoke(root, ["--lang", "en", name, "integrity", *options])
        assert result.exit_code == 0, result.output
        assert "SAME" in result.stdout
        (here / ALTERED).write_text("")
        result = CliRunner().invoke(root, ["--lang", "en", name, "integrity", *options, "--json"])
    assert (result.exit_code, last_line(result.stdout)["differences"]) == (1, [ALTERED])


def test_a_wheel_takes_along_all_that_is_built() -> None:
    root_folder = Path(__file__).resolve().parents[3]
    script = (root_folder / "audit/verifier-ts/build.mjs").read_text()
    built = {f"audit/verifier-ts/{name}" for name in re.findall(r"at\('(dist/[^']+\.(?:mjs|html))'\)", script)}
    pages = (root_folder / "ballot/client/build.mjs").read_text()
    built |= {f"ballot/client/{folder}/**" for folder in re.findall(r"process.argv\[2\] \?\? at\('(\w+)'\)", pages)}
    project = tomllib.loads((root_folder / "pyproject.toml").read_text())
    assert len(built) > 3
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"]) == built
