"""Fit a network to prepared pictures, so that it can be stopped and continued at any moment.

- The weights kept are those of the epoch with the highest accuracy on the val pictures, of equal
  ones the one with the lowest loss.
- The same data, recipe, versions and machine give the same weights, killed in between or not.
- Ctrl-C ends the training, not the program: what is best so far is the result.

    fitted = fit(lesson, Path("run.checkpoint"), Course())
    fitted.model.predict(...)
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.progress import Progress

from galago.errors import StoppedError, UsageError
from galago.progress import bar
from galago.train import checkpoint as checkpoints
from galago.train.checkpoint import State
from galago.train.data.images import Images
from galago.train.devices import full_precision, strategy, training_precision
from galago.train.feed import steps_per_epoch, training_feed, validation_feed
from galago.train.models import Network, build
from galago.train.recipe import Recipe, Stage
from galago.train.schedule import goodness, learning_rate, stalled
from galago.train.tensorflow import keras, tf

# Of a backbone's layers, counted from its output, that learn in the stage "top".
TOP_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learnt: the splits of a dataset, its fingerprint, and the recipe."""

    images: dict[str, Images]
    classes: int
    fingerprint: str
    recipe: Recipe

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self.images["train"].store.shape[1:3]
        return height, width

    def network(self) -> Network:
        """A fresh one."""
        recipe = self.recipe
        return build(
            recipe.model, self.size, self.classes, width=recipe.width, weights=recipe.weights
        )


@dataclass(frozen=True, slots=True)
class Course:
    """How to go about it; but for `budget_s`, it changes nothing in what is learnt.

    `resume`: go on from the checkpoint, if there is one; `replace`: a run that is there;
    `budget_s`: the learning rate reaches its end, and fitting ends, within so many seconds;
    `tensorboard`: folder for its logs; `devices`: such as "GPU:0", see galago.train.devices.
    """

    resume: bool = False
    replace: bool = False
    budget_s: float | None = None
    tensorboard: Path | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A float32 model with the best weights; `history` has a row of figures per epoch."""

    model: Any
    history: list[dict[str, float]]
    best_epoch: int
    interrupted: bool
    seconds: float


def fit(lesson: Lesson, checkpoint: Path, course: Course) -> Fitted:
    """Train on the lesson's `train`, judge every epoch on its `val`.

    `checkpoint` is replaced after every epoch; the caller removes it when the result is safe.

    Raises:
        UsageError: the checkpoint belongs to another training, or the network cannot be built.
        StoppedError: Ctrl-C before the first epoch was done.
    """
    keras.utils.set_random_seed(lesson.recipe.seed)
    tf.config.experimental.enable_op_determinism()
    belongs_to = {**asdict(lesson.recipe), "pictures": lesson.fingerprint}
    state = State()
    if course.resume and checkpoint.exists():
        state = checkpoints.load(checkpoint, belongs_to)
    interrupted = False
    try:
        with bar() as progress, strategy(course.devices).scope(), training_precision():
            trainer = _Trainer(lesson.network(), lesson, state, course, progress)
            trainer.run(lambda: checkpoints.save(checkpoint, state, belongs_to))
    except KeyboardInterrupt:
        if not state.history:
            raise StoppedError(
                "interrupted before the first epoch was done: there is nothing to keep"
            ) from None
        interrupted = True
    with full_precision():
        model = lesson.network().model
    model.set_weights(state.best)
    return Fitted(model, state.history, state.best_epoch, interrupted, state.seconds)


class _Trainer:
    """Stages one after another, each with its own optimizer."""

    def __init__(
        self, network: Network, lesson: Lesson, state: State, course: Course, progress: Progress
    ) -> None:
        self._network, self._lesson, self._state = network, lesson, state
        self._course, self._progress = course, progress

    def run(self, save: Callable[[], None]) -> None:
        state, model, recipe = self._state, self._network.model, self._lesson.recipe
        while state.stage < len(recipe.stages):
            stage = recipe.stages[state.stage]
            self._compile(stage)
            if state.variables:
                for variable, value in zip(_variables(model), state.variables, strict=True):
                    variable.assign(value)
            self._fit(stage, save)
            state.stage, state.epoch, state.variables = state.stage + 1, 0, []
            model.set_weights(state.best)  # the next stage begins with the best of this one

    def _fit(self, stage: Stage, save: Callable[[], None]) -> None:
        lesson, recipe = self._lesson, self._lesson.recipe
        train, done = lesson.images["train"], len(self._state.history)
        pacer = _Pacer(recipe, self._state, self._course.budget_s, save)
        callbacks = [pacer, _EpochBar(self._progress, recipe.epochs)]
        if self._course.tensorboard:
            callbacks.append(_tensorboard(self._course.tensorboard))
        self._network.model.fit(
            training_feed(train, lesson.classes, recipe, first_epoch=done),
            steps_per_epoch=steps_per_epoch(train, recipe),
            validation_data=validation_feed(lesson.images["val"], lesson.classes),
            initial_epoch=done,
            epochs=done + stage.epochs - self._state.epoch,
            callbacks=callbacks,
            shuffle=False,  # the feed has done it
            verbose=0,
        )

    def _compile(self, stage: Stage) -> None:
        _thaw(self._network, stage)
        model, two = self._network.model, self._lesson.classes == 2
        model.compile(
            optimizer=_optimizer(self._lesson.recipe, stage),
            loss="binary_crossentropy" if two else "categorical_crossentropy",
            metrics=[keras.metrics.MeanMetricWrapper(_hit, name="accuracy")],
            jit_compile=False,  # XLA is not to be had together with determinism
        )
        model.optimizer.build(model.trainable_variables)


def _tensorboard(folder: Path) -> Any:
    if find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs a package more: pip install 'galago[tensorboard]'")
    return keras.callbacks.TensorBoard(str(folder))


def _thaw(network: Network, stage: Stage) -> None:
    """Let the part of the network learn that the stage names."""
    if network.backbone is None:
        return
    network.backbone.trainable = stage.part != "head"
    if stage.part == "top":
        layers = network.backbone.layers[-1].layers
        frozen = round(len(layers) * (1 - TOP_SHARE))
        for index, layer in enumerate(layers):
            # Batch statistics of a few pictures would spoil those of a million.
            fixed = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = index >= frozen and not fixed


def _optimizer(recipe: Recipe, stage: Stage) -> Any:
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(
            stage.learning_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
        )
    elif recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(stage.learning_rate, weight_decay=recipe.weight_decay)
    else:
        return keras.optimizers.Adam(stage.learning_rate)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _hit(truth: Any, scores: Any) -> Any:
    """Whether the likeliest class is right; also for truths that are smoothed or mixed."""
    if scores.shape[-1] == 1:
        return keras.ops.equal(truth > 0.5, scores > 0.5)
    return keras.ops.equal(keras.ops.argmax(truth, -1), keras.ops.argmax(scores, -1))


def _variables(model: Any) -> list[Any]:
    """Everything that changes in training: weights, statistics, dropout's dice, momenta."""
    return [*model.variables, *model.optimizer.variables]


class _Pacer(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Sets the learning rate, keeps the best weights, saves, and ends the stage when it is time."""

    def __init__(
        self,
        recipe: Recipe,
        state: State,
        budget_s: float | None,
        save: Callable[[], None],
    ) -> None:
        super().__init__()
        self._recipe, self._state, self._save = recipe, state, save
        self._stage = recipe.stages[state.stage]
        self._first = len(state.history) - state.epoch  # row of the stage's first epoch
        # Earlier stages are short; the last one takes the time that is left.
        self._budget_s = budget_s if self._stage is recipe.stages[-1] else None
        self._began_s = sum(row["seconds"] for row in state.history[: self._first])
        self._clock = time.monotonic()
        self._rate = 0.0

    @property
    def _rows(self) -> list[dict[str, float]]:
        return self._state.history[self._first :]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' form
        self._clock = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        done = (self._state.epoch + batch / self.params["steps"]) / self._stage.epochs
        if self._budget_s:
            spent = self._state.seconds + time.monotonic() - self._clock - self._began_s
            done = max(done, min(1.0, spent / max(1e-9, self._budget_s - self._began_s)))
        self._rate = learning_rate(self._recipe, self._stage, done, self._rows)
        self.model.optimizer.learning_rate = self._rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002
        state = self._state
        seconds = time.monotonic() - self._clock
        state.seconds += seconds
        state.history.append(
            {
                **logs,
                "learning_rate": self._rate,
                "stage": state.stage,
                "seconds": round(seconds, 3),
            }
        )
        if state.best_epoch < 0 or goodness(logs) > goodness(state.history[state.best_epoch]):
            state.best_epoch = len(state.history) - 1
            state.best = [weight.numpy() for weight in self.model.weights]
        state.epoch += 1
        state.variables = [variable.numpy() for variable in _variables(self.model)]
        out_of_time = self._budget_s is not None and state.seconds + seconds > self._budget_s
        if out_of_time or stalled(self._rows, self._recipe.patience):
            self.model.stop_training = True
            state.epoch = self._stage.epochs
        self._save()


class _EpochBar(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """A bar over the batches of an epoch, then one line with its figures."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        super().__init__()
        self._progress, self._epochs = progress, epochs
        self._task = progress.add_task("", visible=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' form
        title = f"Epoch {epoch + 1}/{self._epochs}"
        steps = self.params["steps"]
        self._progress.reset(self._task, description=title, total=steps, visible=True)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._progress.update(self._task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        shown = ("loss", "accuracy", "val_loss", "val_accuracy")
        figures = "  ".join(f"{name} {logs[name]:.4f}" for name in shown)
        self._progress.console.print(
            f"Epoch {epoch + 1}/{self._epochs}  {figures}", highlight=False
        )

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        self._progress.remove_task(self._task)
