"""The federal offer of 2024 for demonstrations: its contests, and generated voters and votes in its shape.

What is real and what is generated is said in `data/pef-2024.json` and in examples/pef-2024/README.md. Nothing here
draws a key: the seed of a demonstration decides who votes what, never a secret.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from vemre.election.choice import Choice, Marks, Null, WriteIn, blocks_needed
from vemre.records.fields import Bilingual
from vemre.records.setup_bodies import Coalition, Contest, Offer, Option, Urn

GENERATED: Final = Bilingual(
    es="Datos de demostración: los electores y los votos son generados, no reales.",
    en="Demonstration data: voters and votes are generated, not real.",
)
"""Stands wherever something of a demonstration is shown."""

COLUMNS: Final = ("folio", "clave_de_elector", "names", "country", "entity", "district", "email", "phone", "modality")
"""The header of a roll file."""

ASSUMED_COUNTRIES: Final = (("US", 80), ("CA", 6), ("ES", 5), ("DE", 4), ("GB", 3), ("FR", 2))
"""Percent of the generated voters by country of residence: assumed, no official figure."""

_CAPITAL: Final = "09"
_DIGITS: Final = ("Cero", "Uno", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete", "Ocho", "Nueve")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_VOTERS: Final = 10_000_000


@dataclass(frozen=True)
class Entity:
    """A federal entity: its urn, its number, and its weight among the generated voters."""

    urn: str
    code: str
    name: str
    weight: int


@dataclass(frozen=True)
class GeneratedVoter:
    """One line of a generated roll, in the order of `COLUMNS`."""

    folio: str
    clave_de_elector: str
    names: str
    country: str
    entity: str
    district: str
    email: str
    phone: str
    modality: str


class Draws:
    """Numbers that follow from a seed and a label alone, in whatever order they are asked for."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def below(self, bound: int, *label: str | int) -> int:
        """A number in [0, bound), for bounds far below 2^64."""
        name = json.dumps([self._seed, *label], ensure_ascii=False).encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:16], "big") % bound


@cache
def source() -> dict[str, Any]:
    """The data file. Do not change what it returns."""
    text = resources.files("vemre.demo").joinpath("data/pef-2024.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def entities(count: int | None = None) -> list[Entity]:
    """All 32 entities, or the `count` with the greatest weight, by number. Raises ValueError outside 1..32."""
    found = [Entity(e["id"], e["code"], e["name"], e["assumed_internet_registrations"]) for e in source()["entities"]]
    if count is None:
        return found
    if not 1 <= count <= len(found):
        raise ValueError(f"between 1 and {len(found)} entities")
    heaviest = sorted(found, key=lambda entity: (-entity.weight, entity.code))[:count]
    return sorted(heaviest, key=lambda entity: entity.code)


# --- the offer -----------------------------------------------------------------------------------------------


def offer(chosen: Sequence[Entity] | None = None) -> Offer:
    """The offer for these entities (all): an urn each, with presidency, senate and, where there was one, governor."""
    of = entities() if chosen is None else chosen
    contests = [_presidency()]
    urns = []
    for entity in of:
        local = [_senate(entity)]
        if entity.code in source()["contests"]["gubernatura"]:
            local.append(_governorship(entity))
        contests += local
        urns.append(Urn(entity.urn, entity.name, [contests[0].id, *(contest.id for contest in local)]))
    return Offer(urns, contests)


def _presidency() -> Contest:
    """Every party's box names its candidate."""
    candidates: dict[str, str] = source()["presidency_candidates"]
    coalition_of = {member: coalition["id"] for coalition in source()["coalitions"] for member in coalition["members"]}
    options = [
        Option(party["id"], candidates[coalition_of.get(party["id"], party["id"])], party["short"])
        for party in source()["parties"]
    ]
    coalitions = [Coalition(c["id"], candidates[c["id"]], list(c["members"])) for c in source()["coalitions"]]
    title = Bilingual("Presidencia de los Estados Unidos Mexicanos", "Presidency of the United Mexican States")
    return _contest("presidencia", title, options, coalitions)


def _senate(entity: Entity) -> Contest:
    title = Bilingual(f"Senadurías: {entity.name}", f"Senate: {entity.name}")
    return _contest(f"senadurias-{entity.code}", title, _parties(), _coalitions())


def _governorship(entity: Entity) -> Contest:
    office = ("Jefatura de Gobierno", "Head of Government") if entity.code == _CAPITAL else ("Gubernatura", "Governor")
    title = Bilingual(f"{office[0]}: {entity.name}", f"{office[1]}: {entity.name}")
    return _contest(f"gubernatura-{entity.code}", title, _parties(), _coalitions())


def _parties() -> list[Option]:
    """Boxes that name the parties: the data holds no candidates."""
    return [Option(party["id"], party["name"], party["short"]) for party in source()["parties"]]


def _coalitions() -> list[Coalition]:
    """A coalition stands for its candidates, whom the data does not name."""
    return [Coalition(c["id"], c["name"], list(c["members"])) for c in source()["coalitions"]]


def _contest(id_: str, title: Bilingual, options: list[Option], coalitions: list[Coalition]) -> Contest:
    legend, longest = source()["legend"], source()["write_in_bytes"]
    contest = Contest(id_, title, legend, options, coalitions, longest, 1)
    return Contest(id_, title, legend, options, coalitions, longest, blocks_needed(contest))


# --- the roll ------------------------------------------------------------------------------------------------


def generate_roll(seed: str, internet: int, chosen: Sequence[Entity] | None = None) -> Iterator[GeneratedVoter]:
    """A roll with exactly `internet` voters by Internet, and voters by post and in person in the proportions of 2024.

    Entities have their parts by weight, at least one Internet voter each while there are enough. Raises ValueError
    for more voters than there are generated telephone numbers.
    """
    totals, draws = source()["source_totals"], Draws(seed)
    of = entities() if chosen is None else list(chosen)
    counts = {
        "internet": internet,
        "post": round(internet * totals["post"] / totals["internet"]),
        "in-person": round(internet * totals["in_person"] / totals["internet"]),
    }
    if not 0 <= sum(counts.values()) < _MAX_VOTERS:
        raise ValueError(f"fewer than {_MAX_VOTERS} voters in all")
    parts = {modality: apportion(count, of, at_least_one=modality == "internet") for modality, count in counts.items()}
    serial = 0
    for entity in of:
        for modality, part in parts.items():
            for _ in range(part[entity.urn]):
                serial += 1
                yield _voter(draws, serial, entity, modality)


def apportion(count: int, of: Sequence[Entity], *, at_least_one: bool = False) -> dict[str, int]:
    """`count` divided among entities by weight (largest remainders), by urn.

    `at_least_one` gives each entity one, at the cost of the greatest, where `count` is enough for that.
    """
    total = sum(entity.weight for entity in of)
    parts = {entity.urn: count * entity.weight // total for entity in of}
    by_remainder = sorted(of, key=lambda entity: (-(count * entity.weight % total), entity.code))
    for entity in by_remainder[: count - sum(parts.values())]:
        parts[entity.urn] += 1
    if at_least_one and count >= len(of):
        for urn in [urn for urn, part in parts.items() if not part]:
            parts[max(parts, key=parts.__getitem__)] -= 1
            parts[urn] = 1
    return parts


def write_roll(voters: Iterable[GeneratedVoter]) -> bytes:
    """The CSV file of a roll (UTF-8, line feeds)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(voter) for voter in voters)
    return text.getvalue().encode()


def _voter(draws: Draws, serial: int, entity: Entity, modality: str) -> GeneratedVoter:
    """A person who obviously does not exist."""
    number = f"{serial:07d}"
    return GeneratedVoter(
        folio=f"GEN-{number}",
        clave_de_elector=f"X{_base26(serial)}000101{entity.code}X000",
        names="Votante Generado " + " ".join(_DIGITS[int(digit)] for digit in number),
        country=_country(draws, serial),
        entity=entity.code,
        # Every entity has at least two federal districts.
        district=str(1 + draws.below(2, "district", serial)),
        email=f"votante{number}@example.org",
        phone=f"+1555{number}",
        modality=modality,
    )


def _base26(serial: int) -> str:
    return "".join(_LETTERS[serial // 26**place % 26] for place in reversed(range(5)))


def _country(draws: Draws, serial: int) -> str:
    drawn = draws.below(100, "country", serial)
    for country, percent in ASSUMED_COUNTRIES:
        if drawn < percent:
            return country
        drawn -= percent
    raise AssertionError("the percentages add up to 100")


# --- the votes -----------------------------------------------------------------------------------------------


def generate_choice(seed: str, voter: str, contest: Contest) -> Choice:
    """What the voter (any name for it, such as the folio) chooses in a contest.

    Nulls and write-ins are as frequent as in the presidential count of 2024; all else is even: one vote in five is a
    combination, options are as likely as one another. That says nothing about anybody's result.
    """
    draws = Draws(seed)
    label = (voter, contest.id)
    totals = source()["source_totals"]
    drawn = draws.below(totals["internet_votes_presidency"], "kind", *label)
    if drawn < totals["nulls_presidency"]:
        return Null()
    if drawn < totals["nulls_presidency"] + totals["write_ins_presidency"] and contest.write_in_bytes:
        return WriteIn(f"Candidatura generada {1 + draws.below(9, 'text', *label)}"[: contest.write_in_bytes])
    if contest.coalitions and not draws.below(5, "combination", *label):
        return _combination(draws, label, contest)
    return Marks((draws.below(len(contest.options), "option", *label),))


def _combination(draws: Draws, label: tuple[str, str], contest: Contest) -> Marks:
    """Two or more members of one coalition."""
    coalition = contest.coalitions[draws.below(len(contest.coalitions), "coalition", *label)]
    members = list(coalition.members)
    if len(members) > 2 and draws.below(2, "all", *label):
        del members[draws.below(len(members), "left out", *label)]
    index_of = {option.id: index for index, option in enumerate(contest.options)}
    return Marks(tuple(sorted(index_of[member] for member in members)))
