"""What is chosen for the pictures, and what the user chooses instead."""

import pytest

from galago.errors import UsageError
from galago.train.recipe import Facts, Settings, choose

PHOTOGRAPHS = Facts(pictures=600, smallest_class=200, side_px=480)
ICONS = Facts(pictures=50_000, smallest_class=5000, side_px=32)


def test_photographs_get_a_network_that_has_seen_others() -> None:
    """With the reason in plain words."""
    recipe, reasons = choose(Settings(), PHOTOGRAPHS)
    assert (recipe.model, recipe.width, recipe.weights) == ("mobilenet_v2", 0.35, "imagenet")
    assert [stage.part for stage in recipe.stages] == ["head", "top"]
    assert any("200 pictures of the smallest class" in reason for reason in reasons)


def test_tiny_pictures_get_a_network_that_looks_at_every_pixel() -> None:
    """A mobilenet's thirty-two-fold reduction would leave nothing of them."""
    recipe, reasons = choose(Settings(), ICONS)
    assert (recipe.model, recipe.weights) == ("resnet8", "none")
    assert (recipe.preprocess.height, recipe.augment) == (32, "light")
    assert "usually 32 pixels" in reasons[0]


def test_from_scratch_means_a_network_that_needs_little() -> None:
    """Larger pictures than its published size; smaller and more changed ones of few."""
    few, _ = choose(Settings(weights="none"), PHOTOGRAPHS)
    assert (few.model, few.preprocess.height, few.augment) == ("resnet8", 48, "strong")
    many, _ = choose(Settings(weights="none"), Facts(20_000, 5000, 480))
    assert (many.model, many.preprocess.height, many.augment) == ("resnet8", 96, "light")


def test_cnn_keeps_the_tutorials_settings() -> None:
    """10 epochs of Adam at one rate, batches of 32, 64 × 64 pixels, nothing augmented."""
    recipe, reasons = choose(Settings("cnn"), PHOTOGRAPHS)
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer) == (10, 32, "adam")
    assert (recipe.schedule, recipe.augment, recipe.label_smoothing) == ("constant", "none", 0)
    assert (recipe.preprocess.height, recipe.preprocess.width) == (64, 64)
    assert recipe.stages[0].learning_rate == 1e-3
    assert reasons == ()


def test_what_the_user_says_is_done() -> None:
    """Also where it is zero."""
    recipe, _ = choose(
        Settings(
            "mobilenet_v1",
            width=0.5,
            size=128,
            weights="none",
            epochs=3,
            learning_rate=0.5,
            schedule="plateau",
            augment="strong",
            label_smoothing=0.0,
            seed=7,
        ),
        PHOTOGRAPHS,
    )
    assert (recipe.width, recipe.preprocess.height, recipe.weights) == (0.5, 128, "none")
    assert (recipe.epochs, recipe.stages[-1].learning_rate) == (3, 0.5)
    assert (recipe.schedule, recipe.augment) == ("plateau", "strong")
    assert (recipe.label_smoothing, recipe.seed) == (0.0, 7)


def test_few_pictures_are_looked_at_more_often() -> None:
    """Twenty of them would otherwise teach in a dozen steps; patience grows alike."""
    few, _ = choose(Settings("mobilenet_v2"), Facts(40, 20, 480))
    many, _ = choose(Settings("mobilenet_v2"), Facts(2000, 1000, 480))
    assert few.epochs > 5 * many.epochs
    assert few.patience > 5 * many.patience


@pytest.mark.parametrize(("side_px", "expected"), [(480, 224), (200, 192), (100, 96), (60, 96)])
def test_the_input_is_no_larger_than_the_pictures(side_px: int, expected: int) -> None:
    """Of the sizes that pretrained weights exist for."""
    recipe, _ = choose(Settings("mobilenet_v2"), Facts(600, 200, side_px))
    assert recipe.preprocess.height == expected


@pytest.mark.parametrize("epochs", [2, 4, 10, 50])
def test_epochs_are_shared_out_between_the_stages(epochs: int) -> None:
    """Every stage gets one at least, and together they are what was asked for."""
    recipe, _ = choose(Settings("mobilenet_v2", epochs=epochs), PHOTOGRAPHS)
    assert recipe.epochs == epochs
    assert min(stage.epochs for stage in recipe.stages) >= 1


def test_a_width_without_weights_starts_from_scratch_and_says_so() -> None:
    """Nothing else can be done, but it is not done silently."""
    recipe, reasons = choose(Settings("mobilenet_v2", width=0.4), PHOTOGRAPHS)
    assert recipe.weights == "none"
    assert any("do not exist for width 0.4" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings("vgg"), "no model is called 'vgg'"),
        (Settings("cnn", augment="wild"), "no augmentation is called 'wild': expected none"),
    ],
)
def test_what_there_is_not_is_refused(settings: Settings, message: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError, match=message):
        choose(settings, PHOTOGRAPHS)
