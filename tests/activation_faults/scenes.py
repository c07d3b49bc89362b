"""What changes which model is active: galago's own verbs, and the daemon with a model on trial."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from galago.edge.activation.models import DEATHS, Models
from tests.activation_faults.relatives import Relatives

_CONFIGURATION = """
[model]
threads = 1
probation_pictures = 5
probation_min = 0

[camera]
source = "fake:bars*20?fps=60"

[store]
folder = "{state}"

[web]
enabled = false
"""


@dataclass(frozen=True)
class Scene:
    """`before`: makes the models folder as it was; `words`: of galago; `code`: its exit status.

    `may`: names of the models that may be active at any moment, "" for none yet; `ends`: the one
    that is at its end. `one_step`: once it is over, the same again goes on from there.
    """

    before: Callable[[Models, Relatives], None]
    words: Callable[[Path, Relatives], list[object]]
    may: frozenset[str]
    ends: str
    code: int = 0
    one_step: bool = False


def _nothing(_models: Models, _relatives: Relatives) -> None:
    pass


def _first(models: Models, relatives: Relatives) -> None:
    _serve(models, relatives, "first")
    models.confirm()


def _second_on_trial(models: Models, relatives: Relatives) -> None:
    _first(models, relatives)
    _serve(models, relatives, "second")


def _second(models: Models, relatives: Relatives) -> None:
    _second_on_trial(models, relatives)
    models.confirm()


def _third_on_trial(models: Models, relatives: Relatives) -> None:
    _second(models, relatives)
    _serve(models, relatives, "third")


def _second_has_died(models: Models, relatives: Relatives) -> None:
    _second_on_trial(models, relatives)
    for _ in range(DEATHS):
        models.count_start()


def _serve(models: Models, relatives: Relatives, name: str) -> None:
    models.make()
    models.stage(relatives.sha256[name], relatives.paths[name].read_bytes())
    models.try_out(relatives.sha256[name])


def _activate(name: str) -> Callable[[Path, Relatives], list[object]]:
    return lambda state, relatives: [
        "activate", relatives.paths[name], "--state", state, "--json"
    ]  # fmt: skip


def _too_slow_now(state: Path, relatives: Relatives) -> list[object]:
    config = state / "galago.toml"
    config.write_text("[model]\nmax_ms = 0.001\n")
    return [*_activate("first")(state, relatives), "--config", config]


def _roll_back(state: Path, _relatives: Relatives) -> list[object]:
    return ["rollback", "--state", state, "--json"]


def _run(state: Path, _relatives: Relatives) -> list[object]:
    config = state / "galago.toml"
    config.write_text(_CONFIGURATION.format(state=state))
    return ["run", "--config", config]


SCENES: Mapping[str, Scene] = {
    "a first model": Scene(_nothing, _activate("first"), frozenset({"", "first"}), "first"),
    "another": Scene(_first, _activate("second"), frozenset({"first", "second"}), "second"),
    "another, while one is on trial": Scene(
        _second_on_trial, _activate("third"), frozenset({"second", "third"}), "third"
    ),
    "one that fails": Scene(_first, _activate("bad"), frozenset({"first"}), "first", code=3),
    "the one before, too slow now": Scene(
        _second, _too_slow_now, frozenset({"second"}), "second", code=3
    ),
    "back by hand": Scene(
        _second, _roll_back, frozenset({"first", "second"}), "first", one_step=True
    ),
    "back from a trial": Scene(
        _third_on_trial, _roll_back, frozenset({"second", "third"}), "second", one_step=True
    ),
    "probation is passed": Scene(_second_on_trial, _run, frozenset({"second"}), "second"),
    "the third death": Scene(_second_has_died, _run, frozenset({"first", "second"}), "first"),
}
