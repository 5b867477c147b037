"""The one catalogue of what the product says to people, in Mexican Spanish first and in English.

The texts stand in TOML files beside this module, one per domain; `catalogue` describes their form. Everything that
a person reads goes through `problem` or `text`: nothing else in the tree holds a sentence for users.
"""

from vemre.messages.catalogue import codes, find, is_plain, problem, problem_of_check, text
from vemre.messages.language import LANGUAGES, Language, from_accept_language, from_locale, prefers_page
from vemre.messages.problem import Distrusted, Problem, RemoteProblem, Unreachable, Wording

__all__ = [
    "LANGUAGES",
    "Distrusted",
    "Language",
    "Problem",
    "RemoteProblem",
    "Unreachable",
    "Wording",
    "codes",
    "find",
    "from_accept_language",
    "from_locale",
    "is_plain",
    "prefers_page",
    "problem",
    "problem_of_check",
    "text",
]
