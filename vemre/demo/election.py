"""A whole election: three services, five custodians, two mixers, two auditors, the voters, from keys to certification.

Every act goes through the commands and the HTTP interface that a real election uses. Nothing here holds a key or
knows a choice but the voters' file, which `vemre.demo.voters` writes.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

from vemre.demo import keyring, local_ca, pef2024, voters
from vemre.demo.auditors import Auditors
from vemre.demo.children import ChildFailed, Children
from vemre.demo.places import AUDITORS, HOST, MIN_BATCH, MIXERS, THRESHOLD, TRUSTEES, Places, election_options, page_url
from vemre.demo.stages import Stages
from vemre.demo.voters import Electorate
from vemre.election import drafts, release
from vemre.errors import Refused
from vemre.messages import RemoteProblem, text
from vemre.records.fields import format_time
from vemre.service import deployment
from vemre.service.client import ServiceClient
from vemre.types import LOG_NAMES, LogName

T = TypeVar("T")
POLL: Final = 0.3
"""Seconds between two looks at the logs, of everybody. A look costs two or three hundredths of a second of processor
time, and a dozen processes look."""
PATIENCE: Final = 300.0
PORT_ATTEMPTS: Final = 5
OFFICIAL: Final = "julia-robles"
"""The official of the demonstration, invented."""
TRUSTED: Final = "SSL_CERT_FILE"
"""The variable that names the authorities which clients trust; the processes inherit it."""
WINDOW: Final = 15 * 86_400
"""Seconds from opening to closing, as the law has it for voting from abroad; the trial's clock jumps over them."""

WAITED_FOR: Final = frozenset(
    {"check-gate", "check-order", "key-not-complete", "logs-out-of-step", "not-cosigned-yet", "opinions-missing"}
    | {"system-opinions-missing", "unavailable"}
)
"""Refusals that only mean that somebody else is not done yet."""


class Demonstration:
    """One run. The methods are its stages, in order."""

    def __init__(self, places: Places, children: Children, stages: Stages, electorate: Electorate, count: int) -> None:
        self.places = places
        self.children = children
        self.stages = stages
        self.electorate = electorate
        self.offer = pef2024.offer(pef2024.entities(count))
        self.election_id = str(uuid.uuid4())
        self.urls: dict[LogName, str] = {}
        self.auditors = Auditors(places, children)
        self.official_token = ""
        """What an official signs in with at the registry's pages."""
        self.visitor: dict[str, str] = {}
        """How one signs in as a voter here: address, password, secret of the codes; and the credential."""
        self.verdicts: dict[str, str] = {}
        """What each verifier says of the exported record, by the language it is written in."""
        self._public: list[dict[str, Any]] = []
        self.clients: dict[LogName, ServiceClient] = {}
        self._trusted_before = os.environ.get(TRUSTED)

    def run(self) -> None:
        """From the keys to the certified result."""
        with self.stages.stage("keys", trustees=TRUSTEES, mixers=MIXERS, auditors=AUDITORS):
            self.make_certificate()
            self.make_keys()
            self.write_manifest()
        with self.stages.stage("services"):
            self.start_services()
        with self.stages.stage("key-generation", trustees=TRUSTEES, threshold=THRESHOLD):
            self.generate_key()
        with self.stages.stage("setup", registered=self.electorate.registered):
            self.set_up()
        with self.stages.stage("cast", voters=len(self.electorate.voting)):
            self.cast()
        self.hold()
        with self.stages.stage("close"):
            self.close()
        with self.stages.stage("mix", mixers=MIXERS):
            self.mix()
        with self.stages.stage("decrypt", threshold=THRESHOLD, trustees=TRUSTEES):
            self.decrypt()
        with self.stages.stage("certify", auditors=AUDITORS):
            self.certify()

    def pages(self) -> dict[LogName, str]:
        """The addresses of the services' pages, for a browser."""
        return {name: page_url(int(url.rpartition(":")[2])) for name, url in self.urls.items()}

    def shut(self) -> None:
        """Close the connections, and trust again what was trusted before."""
        for client in self.clients.values():
            client.close()
        if self._trusted_before is None:
            os.environ.pop(TRUSTED, None)
        else:
            os.environ[TRUSTED] = self._trusted_before

    # --- before the first record ------------------------------------------------------------------------------

    def make_certificate(self) -> None:
        """An authority for this machine alone; everybody here trusts it, and it only."""
        local_ca.make(self.places.certificates)
        os.environ[TRUSTED] = str(self.places.authority_certificate)

    def make_keys(self) -> None:
        """Everybody makes their own keys."""
        service = ("--host-name", HOST, "--election-id", self.election_id, "--insecure", "--json")
        jobs: list[tuple[str, Sequence[object]]] = [
            (f"init-{name}", (name, "init", "--data", self.places.service(name), *service)) for name in LOG_NAMES
        ]
        key = self.places.authority_key
        key.parent.mkdir(parents=True)
        jobs.append(("init-authority", ("tally", "authority", "init", "--key", key, "--insecure", "--json")))
        for kind, count, name in (("trustee", TRUSTEES, "Custodia"), ("mixer", MIXERS, "Mezcla")):
            for k in range(1, count + 1):
                key = self.places.person_key(kind, k)
                key.parent.mkdir(parents=True)
                options = ("--key", key, "--number", k, "--name", f"{name} {k}", "--insecure", "--json")
                jobs.append((f"init-{kind}-{k}", (kind, "init", *options)))
        for k in range(1, AUDITORS + 1):
            words = ("--number", k, "--name", f"Auditoría {k}", "--witness", f"auditor{k}.{HOST}/witness")
            data = self.places.auditor(k)
            jobs.append((f"init-auditor-{k}", ("audit", "init", "--data", data, *words, "--insecure", "--json")))
        self._public = [json.loads(output) for output in self.children.run_all(jobs)]
        self._write_json(self.places.authority / "public-keys.json", self._public)

    def write_manifest(self) -> None:
        """The authority puts manifest and policy together."""
        folder, now = self.places.authority, int(time.time())
        (folder / "offer.json").write_bytes(drafts.offer_blob(self.offer))
        # The window begins a moment ago, so that nobody waits for the second to be over.
        opens, closes = format_time(now - 1), format_time(now - 1 + WINDOW)
        self.children.run(
            "manifest", "tally", "manifest", "assemble", folder / "public-keys.json",
            "--offer", folder / "offer.json", "--out", folder,
            "--name-es", text("demo-election-name", "es"), "--name-en", text("demo-election-name", "en"),
            "--opens", opens, "--closes", closes,
            "--threshold", THRESHOLD, "--min-batch", MIN_BATCH, "--mixers", MIXERS,
        )  # fmt: skip
        self.places.policy.write_bytes((folder / "policy.json").read_bytes())

    def start_services(self) -> None:
        """The three services, on free ports; then the manifest; then the auditors, who see everything from now on."""
        for name in LOG_NAMES:
            config = self.places.work / f"{name}.toml"
            lines = [f"trial_clock_file = {json.dumps(str(self.places.clock))}"] if name == "ballot" else []
            if name != "tally":
                lines += [f"mail_folder = {json.dumps(str(self.places.mail(name)))}"]
                lines += [f"sms_folder = {json.dumps(str(self.places.text_messages(name)))}"]
            config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._serve_all()
        for name in LOG_NAMES:
            token = self.places.token(name).read_text(encoding="ascii").strip()
            self.clients[name] = ServiceClient(self.urls[name], token=token, timeout=120.0)
        folder = self.places.authority
        self.children.run(
            "manifest-sign", "tally", "manifest", "sign", folder / "manifest.json", "--offer", folder / "offer.json",
            "--key", self.places.authority_key, "--tally-url", self.urls["tally"], "--insecure",
        )  # fmt: skip
        self.auditors.start(self.urls)

    def _serve_all(self) -> None:
        """Each service has to know the others' addresses before it starts, so the ports are looked for first; where
        somebody takes one meanwhile, others are."""
        for attempt in range(PORT_ATTEMPTS):
            ports = _free_ports(len(LOG_NAMES) + AUDITORS)
            of_logs = dict(zip(LOG_NAMES, ports, strict=False))
            self.urls = {name: f"https://127.0.0.1:{port}" for name, port in of_logs.items()}
            self.auditors.settle(ports[len(LOG_NAMES) :], self._public)
            try:
                self.children.serve([(name, self._serve(name, of_logs[name])) for name in LOG_NAMES])
                return
            except ChildFailed as failure:
                if "address-in-use" not in failure.tail or attempt + 1 == PORT_ATTEMPTS:
                    raise
                self.children.stop(*LOG_NAMES)

    def _serve(self, name: LogName, port: int) -> list[object]:
        others = [part for other in LOG_NAMES if other != name for part in (f"--{other}-url", self.urls[other])]
        roster = ["--roster-token-file", self.places.token("registry", "roster")] if name == "ballot" else []
        data: tuple[object, ...] = ("--data", self.places.service(name), "--policy", self.places.policy)
        data += ("--port", port, "--witnesses", self.places.witnesses, *self.places.https_options())
        if name != "tally":
            # The name that a browser shows, and that passkeys are bound to.
            data += ("--public-url", page_url(port))
        return [name, "serve", *data, *others, *roster, "--config", self.places.work / f"{name}.toml", "--insecure"]

    # --- key generation, roll, setup, opening ------------------------------------------------------------------

    def generate_key(self) -> None:
        """All custodians generate the key and drill; meanwhile the registry imports its roll and issues credentials."""
        trustees = self._all_trustees()
        roll = pef2024.write_roll(self.electorate.roll)
        (self.places.root / "roll.csv").write_bytes(roll)
        self.official("registry", "roll-import", roll, "text/csv")
        self.enrol()
        self.official("registry", "credentials")
        self.official("registry", "roll")
        self._finish_drill(trustees)

    def _all_trustees(self, *options: str) -> list[str]:
        names = [f"trustee-{k}" for k in range(1, TRUSTEES + 1)]
        for k, name in enumerate(names, 1):
            self.children.attend(name, "trustee", *self._attend("trustee", k), *options)
        return names

    def _finish_drill(self, trustees: list[str]) -> None:
        """A drill in which all custodians take part; they come back when there is something to do, and then not all."""
        self._until(self._drill_is_complete)
        self.official("tally", "drill")
        self.children.stop(*trustees)

    def enrol(self) -> None:
        """An official gets a token for the pages. Who enrols besides those of the imported roll: here nobody."""
        data = ("--data", self.places.service("registry"), "--role", "official")
        made = self.children.run("official", "registry", "token", OFFICIAL, *data, "--json")
        self.official_token = Path(json.loads(made)["file"]).read_text(encoding="ascii").strip()

    def _drill_is_complete(self) -> bool:
        drill = self.clients["tally"].get_json("/drills/next")
        return len(drill["trustees"]) == TRUSTEES

    def set_up(self) -> None:
        """The authority binds everything, both auditors give their opinion on the system, the box opens."""
        lnere = self.places.authority / "lnere.json"
        self._write_json(lnere, self.electorate.registered_by_urn(self.offer))
        self._order("setup", "--lnere", lnere, "--release", release_digest())
        self.official("ballot", "roster")
        self.official("ballot", "access-links")
        self._until(self._all_cosigned)
        self.auditors.judge_system(self.urls, release_digest())
        self._order("open")

    # --- voting ------------------------------------------------------------------------------------------------

    def cast(self) -> None:
        """The voters, over HTTP: each follows the link, sets up the access, signs in, and casts with the
        credential; every receipt is checked."""
        credentials = self._credentials()
        links = self._until(lambda: self._complete(voters.link_tokens(self.places.mail("ballot"))))
        self._welcome(credentials, links)
        path = self.places.work / "voters.jsonl"
        voters.write_voters(path, self.electorate, self.offer, credentials, links)
        self.children.run(
            "voters", "voter", "simulate", *self._election(), "--voters", path, "--concurrency", 4,
            "--receipts", self.places.root / "receipts", "--json", show=True,
        )  # fmt: skip

    def _welcome(self, credentials: dict[str, str], links: dict[str, str]) -> None:
        """The voter whom nobody plays sets up an access, for whoever runs the demonstration."""
        visitor = self.electorate.visitor
        link = self.places.work / "link"
        link.write_text(links[visitor.email], encoding="utf-8")
        self.children.run(
            "visitor", "voter", "access", "--ballot-url", self.urls["ballot"], "--link", link,
            "--digits", visitor.phone[-4:], "--keep", self.places.visitor_access, "--json",
        )  # fmt: skip
        kept = json.loads(self.places.visitor_access.read_text(encoding="utf-8"))
        self.visitor = {**kept, "credential": credentials[visitor.email]}

    def _credentials(self) -> dict[str, str]:
        return self._until(lambda: self._complete(voters.credentials(self.places.mail("registry"))))

    def _complete(self, letters: dict[str, str]) -> dict[str, str]:
        """The letters, once everybody has one: they are handed over in the background."""
        return letters if len(letters) >= self.electorate.registered else {}

    def hold(self) -> None:
        """While people may still vote: here nothing."""

    def close(self) -> None:
        """The end of the vote, a last drill, the marks, the list to mix, and the decision on small batches."""
        self.places.clock.write_text(f"{WINDOW}\n", encoding="ascii")
        self.official("ballot", "close")
        # Before mixing: a share that is lost by now is found in time.
        self._finish_drill(self._all_trustees("--drill"))
        self.official("registry", "marks")
        self.official("tally", "tally-input")
        if any(0 < rows < MIN_BATCH for rows in self._turnout().values()):
            self._order("decide", "--reason", text("demo-small-batch", "es"))

    def _turnout(self) -> dict[str, int]:
        turnout: dict[str, int] = self.clients["ballot"].get_json("/turnout")["ballots"]
        return turnout

    # --- after the vote ----------------------------------------------------------------------------------------

    def mix(self) -> None:
        """Both mixers, one after the other on every batch."""
        names = [f"mixer-{k}" for k in range(1, MIXERS + 1)]
        for k, name in enumerate(names, 1):
            self.children.attend(name, "mixer", *self._attend("mixer", k))
        self.children.wait(*names, seconds=PATIENCE)

    def decrypt(self) -> None:
        """As many custodians as are needed, then the count."""
        names = [f"trustee-{k}" for k in range(1, THRESHOLD + 1)]
        for k, name in enumerate(names, 1):
            self.children.attend(name, "trustee", *self._attend("trustee", k))
        self._until(lambda: not self._count()["missing"])
        # They have done their part; what follows is verified by the auditors and by everybody.
        self.children.stop(*names)
        self._until(lambda: self._count()["result"])

    def _count(self) -> dict[str, Any]:
        """Count what can be counted; says what is missing."""
        answer: dict[str, Any] = self.official("tally", "results")
        return answer

    def certify(self) -> None:
        """Both auditors verify everything anew and give their opinion; the authority certifies."""
        self._until(self._all_cosigned)
        self.auditors.judge_count(self.urls)
        self._order("certify")
        self._until(self._all_cosigned)

    # --- afterwards ----------------------------------------------------------------------------------------------

    def export(self) -> None:
        """The record, as anybody gets it from the services."""
        self.children.run("export", "export", *self._election(), "--out", self.places.record)

    def verify(self) -> dict[str, Any]:
        """The record, as anybody verifies it, with every verifier there is; gives the report of the first."""
        record, policy = self.places.record, self.places.policy
        output = self.children.run("verify", "audit", "verify", record, "--policy", policy, "--json", ok=(0, 1))
        (self.places.root / "report.json").write_bytes(output)
        report: dict[str, Any] = json.loads(output)
        self.verdicts = {"Python": report["verdict"]}
        if self.auditors.second_verifier is not None:
            command = [*self.auditors.second_verifier, str(record), "--policy", str(policy), "--json"]
            second = self.children.run_program("verify-second", command, ok=(0, 1))
            self.verdicts["TypeScript"] = json.loads(second)["verdict"]
        return report

    def leave_keys(self) -> None:
        """All keys, for whoever wants to forge the record."""
        shown = list(self._credentials().values())
        keys = keyring.collect(self.places.service_keys(), self.places.people_keys(), shown, self.election_id)
        keyring.write(self.places.keys, keys)

    # --- the means -----------------------------------------------------------------------------------------------

    def _election(self) -> list[str]:
        return election_options(self.places.policy, self.urls)

    def _attend(self, kind: str, number: int) -> list[object]:
        key = self.places.person_key(kind, number)
        insecure = ("--insecure", "--insecure-reference")
        return ["attend", "--key", key, *self._election(), *insecure, "--yes", "--poll", POLL]

    def _order(self, act: str, *options: object) -> None:
        """An act of the authority, once what it builds on is cosigned."""
        self._until(self._all_cosigned)
        key = ("--key", self.places.authority_key, "--insecure")
        self.children.run(f"authority-{act}", "tally", act, *options, *key, *self._election())

    def _all_cosigned(self) -> bool:
        for client in self.clients.values():
            size = int(client.request("GET", "/log/checkpoint").split(b"\n")[1])
            if size:
                client.request("GET", "/log/cosigned", params={"size": size})
        return True

    def official(self, service: LogName, act: str, data: bytes = b"", media_type: str = "application/json") -> Any:
        """An official act over HTTP, repeated while it waits for somebody."""
        client = self.clients[service]
        body = data or (b"{}" if service == "ballot" else b"")
        return self._until(lambda: client.decode(client.post(f"/official/{act}", body, media_type)))

    def _until(self, act: Callable[[], T]) -> T:
        """The first answer of `act` that is neither false nor a refusal that can be waited for."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.children.check()
            problem: RemoteProblem | None = None
            try:
                if answer := act():
                    return answer
            except RemoteProblem as refusal:
                if refusal.code not in WAITED_FOR:
                    raise
                problem = refusal
            if time.monotonic() > deadline:
                raise problem or Refused("nothing-happens", seconds=int(PATIENCE))
            time.sleep(POLL)

    @staticmethod
    def _write_json(path: Path, value: Any) -> None:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _free_ports(count: int) -> list[int]:
    """Free ports, all different; nobody else is kept from taking one."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def release_digest() -> str:
    """The release that runs here."""
    return release.digest(deployment.scan(caches=False).files)
