"""A camera in a virtual machine loses its power while its model changes, and comes back by itself.

bench/power.py has the long run.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from galago.bundle.image import write_image
from tests.activation_faults.relatives import relatives
from tests.conftest import draw
from tests.virtual_pi.conftest import needs_virtual_pi
from tests.virtual_pi.power import Pi

pytestmark = pytest.mark.timeout(1800)  # a start takes half a minute, the image another

MOMENTS = (12, 22, 26)  # the file is there, the trial is written down, the link is new


@pytest.fixture(scope="module")
def pi(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """A camera that serves."""
    needs_virtual_pi()
    folder = tmp_path_factory.mktemp("power")
    pictures = (folder / "circle.jpg", folder / "square.jpg")
    for picture in pictures:
        write_image(picture, draw(picture.stem, seed=4321))
    with Pi(folder, relatives(model_path, folder), pictures, seed=1) as pi:
        pi.rest()
        yield pi


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_power_cut_during_an_activation(pi: Pi, moment: int) -> None:
    """One verified model is active, no acknowledged event is lost, and it serves by itself."""
    cut = pi.cut_at(moment)
    assert cut is not None, "the activation does less than that"
    assert cut.wrong == ""


def test_a_power_cut_at_any_moment(pi: Pi) -> None:
    """The same while model, events and pictures are written as they come."""
    assert pi.cut_after(1.3).wrong == ""
    assert pi.acknowledged
