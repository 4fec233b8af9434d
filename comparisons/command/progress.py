"""Progress of a run: a live table on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from comparisons.experiment import Experiment
from comparisons.messages import certifying_line, training_line
from comparisons.wording import listed, loss, percent

STATES = {"loaded": "training", "recorded": "certifying", "certified": "certified", "failed": "not compared"}

WAITING = "waiting for "
AFTERWARDS = {  # on a live terminal and in a line
    "agree": ("whole runs", "comparing whole runs with replicas of the reference"),
    "draw": ("drawing", "drawing: working out what figures need"),
    "claims": ("claims", "claims: putting those of the article to the test"),
}


class Progress:
    """What each implementation is doing, by precision; a context that shows it until it ends."""

    def __init__(
        self, names: list[str], experiments: list[Experiment], console: Console, *, quiet: bool = False
    ) -> None:
        self.console, self.epochs = console, experiments[0].epochs
        self.n_steps, self.per_epoch = experiments[0].n_steps, experiments[0].steps_per_epoch
        self.cells: dict[tuple[str, str], dict[str, Any]] = {
            (name, experiment.precision): {"state": "importing", "epoch": 0}
            for name in names
            for experiment in experiments
        }
        self.said: set[str] = set()
        self.tenths: dict[tuple, int] = {}
        self.is_live = console.is_terminal and not quiet
        self.is_plain = not console.is_terminal and not quiet
        self.live = Live(console=console, auto_refresh=False, transient=True) if self.is_live else None

    def __enter__(self) -> Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def watch(self, name: str, event: dict[str, Any]) -> None:
        """Take note of what an implementation's process told."""
        kind = event["event"]
        if kind == "waiting":
            self._waiting(event["for"])
        precision = event.get("precision") or event.get("certificate", {}).get("precision")
        for key in [key for key in self.cells if key[0] == name and precision in (None, key[1])]:
            cell = self.cells[key]
            if kind == "epoch":
                cell |= {"state": "training", "epoch": event["epoch"], "loss": event.get("loss"),
                         "accuracy": event.get("accuracy")}  # fmt: skip
                if "step" in cell:
                    cell["step"] = event["epoch"] * self.per_epoch
            elif kind == "step":  # which is told of where an epoch takes long
                cell |= {"state": "training", "step": event["step"]}
            elif kind == "certifying":
                cell["state"] = certifying_line(event["step"], event["n_steps"], event["going"])
            elif kind in STATES:
                cell["state"] = STATES[kind]
            if self.is_plain:
                self._say(key, kind, cell)
                self._say_tenth(key, event)

    def show(self) -> None:
        """Draw the live table anew."""
        if self.live:
            self.live.update(self._table(), refresh=True)

    def _waiting(self, kinds: list[str]) -> None:
        """Everything is certified, and the run waits for this."""
        for cell in self.cells.values():
            if cell["state"] == "certified" or cell["state"].startswith(WAITING):
                cell["state"] = f"{WAITING}{listed(AFTERWARDS[kind][0] for kind in kinds)}"
        for kind in [kind for kind in kinds if kind not in self.said] if self.is_plain else []:
            self.console.print(AFTERWARDS[kind][1], highlight=False)
        self.said |= set(kinds)

    def _say(self, key: tuple[str, str], kind: str, cell: dict[str, Any]) -> None:
        tenth = max(1, self.epochs // 5)
        if kind == "epoch" and (cell["epoch"] % tenth == 0 or cell["epoch"] == self.epochs):
            reached = f"loss {loss(cell['loss'])}, accuracy {percent(cell['accuracy'])}"
            epoch = f"epoch {cell['epoch']} of {self.epochs}"
            self.console.print(f"{key[0]} ({key[1]}): {epoch}, {reached}", highlight=False)
        elif kind in ("recorded", "certified", "failed"):
            self.console.print(f"{key[0]} ({key[1]}): {cell['state']}", highlight=False)

    def _say_tenth(self, key: tuple[str, str], event: dict[str, Any]) -> None:
        """Some ten lines of what is told of step by step, and none of what is done at once."""
        if event["event"] in ("step", "certifying"):
            what = event["event"], event.get("going")
            tenth = 10 * event["step"] // event["n_steps"]
            if tenth > self.tenths.setdefault((key, what), 0):
                self.tenths[key, what] = tenth
                line = training_line(event["step"], event["n_steps"])
                if event["event"] == "certifying":
                    line = certifying_line(event["step"], event["n_steps"], event["going"])
                self.console.print(f"{key[0]} ({key[1]}): {line}", highlight=False)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name in ("implementation", "precision", "", "epoch", "loss", "accuracy"):
            table.add_column(name, justify="right" if name in ("epoch", "loss", "accuracy") else "left")
        for (name, precision), cell in self.cells.items():
            state, is_training = cell["state"], cell["state"] == "training" and "step" in cell
            state = training_line(cell["step"], self.n_steps) if is_training else state
            table.add_row(name, precision, state, f"{cell['epoch']} of {self.epochs}", loss(cell.get("loss")),
                          percent(cell.get("accuracy")))  # fmt: skip
        return table
