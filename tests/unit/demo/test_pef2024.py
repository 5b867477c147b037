"""The offer of 2024 and what is generated in its shape."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from registry.core import COLUMNS, Known, read_roll
from vemre.demo import pef2024
from vemre.election.choice import Choice, Marks, Null, WriteIn, invalid
from vemre.election.drafts import offer_blob
from vemre.election.rules import manifest
from vemre.records.record import parse_value
from vemre.records.setup_bodies import Contest, Offer

EXAMPLE = Path(__file__).parents[3] / "examples" / "pef-2024"
OFFER = pef2024.offer()


def contest(id_: str) -> Contest:
    return next(found for found in OFFER.contests if found.id == id_)


def test_the_offer_has_every_entity_and_contest() -> None:
    assert len(OFFER.urns) == 32
    assert len(OFFER.contests) == 1 + 32 + 7
    governors = {urn.id[-2:] for urn in OFFER.urns if len(urn.contests) == 3}
    assert governors == {"07", "09", "11", "14", "17", "21", "31"}
    for urn in OFFER.urns:
        code = urn.id[-2:]
        assert urn.contests[:2] == ["presidencia", f"senadurias-{code}"]
        assert urn.contests[2:] in ([], [f"gubernatura-{code}"])


def test_the_offer_keeps_the_rules_of_a_manifest() -> None:
    assert manifest.check_blocks(OFFER)
    assert {found.blocks for found in OFFER.contests} == {2}
    ids = [found.id for found in OFFER.contests] + [urn.id for urn in OFFER.urns]
    assert len(set(ids)) == len(ids)
    for found in OFFER.contests:
        options = [option.id for option in found.options]
        members = [member for coalition in found.coalitions for member in coalition.members]
        assert len(set(members)) == len(members)
        assert set(members) <= set(options)


def test_parties_stand_in_the_order_of_registration() -> None:
    for found in OFFER.contests:
        assert [option.id for option in found.options] == ["pan", "pri", "prd", "pvem", "pt", "mc", "morena"]


def test_only_the_presidency_names_candidates() -> None:
    presidency = contest("presidencia")
    assert [option.name for option in presidency.options] == (
        ["Bertha Xóchitl Gálvez Ruiz"] * 3
        + ["Claudia Sheinbaum Pardo"] * 2
        + ["Jorge Álvarez Máynez", "Claudia Sheinbaum Pardo"]
    )
    named = {option.name for option in presidency.options}
    assert {coalition.candidate for coalition in presidency.coalitions} < named
    for found in OFFER.contests[1:]:
        texts = {option.name for option in found.options} | {coalition.candidate for coalition in found.coalitions}
        assert not texts & named
        assert texts == {item["name"] for part in ("parties", "coalitions") for item in pef2024.source()[part]}


def test_titles_name_the_office_and_the_entity() -> None:
    assert contest("gubernatura-09").title.es == "Jefatura de Gobierno: Ciudad de México"
    assert contest("gubernatura-31").title.es == "Gubernatura: Yucatán"
    assert contest("senadurias-31").title.en == "Senate: Yucatán"


def test_the_example_is_what_the_generator_writes() -> None:
    data = (EXAMPLE / "offer.json").read_bytes()
    assert data == offer_blob(OFFER)
    assert parse_value(data, Offer, limit=1 << 20) == OFFER


def test_fewer_entities_are_the_heaviest() -> None:
    chosen = pef2024.entities(8)
    assert [entity.code for entity in chosen] == ["09", "11", "12", "14", "15", "16", "19", "21"]
    assert len(pef2024.offer(chosen).contests) == 1 + 8 + 4
    for count in (0, 33):
        with pytest.raises(ValueError, match="entities"):
            pef2024.entities(count)


# --- the roll ---


def test_the_registry_takes_the_roll() -> None:
    assert pef2024.COLUMNS == COLUMNS
    chosen = pef2024.entities(8)
    urns = [urn.id for urn in pef2024.offer(chosen).urns]
    data = pef2024.write_roll(pef2024.generate_roll("7", 500, chosen))
    taken = read_roll(data, Known(), urns)
    assert len(taken.new) == len(data.splitlines()) - 1
    assert Counter(voter.modality for voter in taken.new) == {"internet": 500, "post": 185, "in-person": 52}


def test_the_roll_follows_the_shape() -> None:
    voters = list(pef2024.generate_roll("7", 15_199))
    internet = Counter(voter.entity for voter in voters if voter.modality == "internet")
    for entity in pef2024.entities():
        assert abs(internet[entity.code] - entity.weight / 10) <= 1
    countries = Counter(voter.country for voter in voters)
    assert set(countries) == {country for country, _ in pef2024.ASSUMED_COUNTRIES}
    assert 0.78 < countries["US"] / len(voters) < 0.82
    assert sum(percent for _, percent in pef2024.ASSUMED_COUNTRIES) == 100


@pytest.mark.parametrize("count", [0, 1, 5, 31, 32, 33, 200, 151_989])
def test_apportionment_is_exact(count: int) -> None:
    entities = pef2024.entities()
    for at_least_one in (False, True):
        parts = pef2024.apportion(count, entities, at_least_one=at_least_one)
        assert sum(parts.values()) == count
        assert min(parts.values()) >= (1 if at_least_one and count >= 32 else 0)


def test_one_seed_one_roll() -> None:
    first, second, other = (pef2024.write_roll(pef2024.generate_roll(seed, 50)) for seed in ("a", "a", "b"))
    assert first == second
    assert first != other


def test_nobody_looks_real() -> None:
    for voter in pef2024.generate_roll("7", 40):
        assert voter.names.startswith("Votante Generado ")
        assert voter.email.endswith("@example.org")
        assert voter.phone.startswith("+1555")
        assert voter.clave_de_elector.startswith("X")


def test_there_are_only_so_many_numbers() -> None:
    with pytest.raises(ValueError, match="voters"):
        next(pef2024.generate_roll("7", 7_000_000))


# --- the votes ---


def choices(seed: str, count: int, id_: str = "presidencia") -> list[Choice]:
    return [pef2024.generate_choice(seed, f"GEN-{number}", contest(id_)) for number in range(count)]


def test_votes_are_allowed_and_of_every_kind() -> None:
    made = choices("7", 3_000)
    assert all(invalid(contest("presidencia"), choice) is None for choice in made)
    assert 10 <= sum(isinstance(choice, Null) for choice in made) <= 50
    assert 5 <= sum(isinstance(choice, WriteIn) for choice in made) <= 35
    marks = Counter(choice.options for choice in made if isinstance(choice, Marks))
    singles = {options: votes for options, votes in marks.items() if len(options) == 1}
    # No option is favoured: nothing here looks like a result.
    assert max(singles.values()) < 1.3 * min(singles.values())
    pairs = {(0, 1), (0, 2), (1, 2), (0, 1, 2), (3, 4), (3, 6), (4, 6), (3, 4, 6)}
    assert set(marks) == set(singles) | pairs


def test_one_seed_one_vote_in_any_order() -> None:
    assert choices("7", 50) == choices("7", 50)[:50]
    assert choices("7", 50)[::-1] == [
        pef2024.generate_choice("7", f"GEN-{number}", contest("presidencia")) for number in reversed(range(50))
    ]
    assert choices("7", 50) != choices("8", 50)
    assert choices("7", 50) != choices("7", 50, "senadurias-09")


def test_contests_without_coalitions_or_write_ins() -> None:
    plain = Contest("plain", OFFER.contests[0].title, "", OFFER.contests[0].options[:2], [], 0, 1)
    for number in range(300):
        choice = pef2024.generate_choice("7", str(number), plain)
        assert invalid(plain, choice) is None
        assert not isinstance(choice, WriteIn)


# --- the scripts ---


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, EXAMPLE / script, *arguments], capture_output=True, check=False)


def test_scripts() -> None:
    assert run("make_offer.py").stdout == (EXAMPLE / "offer.json").read_bytes()
    assert run("make_offer.py", "--entities", "2").stdout == offer_blob(pef2024.offer(pef2024.entities(2)))
    assert run("make_offer.py", "--entities", "33").returncode == 2
    done = run("make_roll.py", "--internet", "20", "--entities", "2", "--seed", "x")
    assert done.returncode == 0
    assert pef2024.GENERATED.es.encode() in done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert Counter(row["modality"] for row in rows)["internet"] == 20
    assert {row["entity"] for row in rows} == {"09", "14"}
    assert run("make_roll.py", "--entities", "40").returncode == 2
