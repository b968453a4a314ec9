"""The form that starts a training: what to learn, which model, how; what it will need; and why it cannot start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from model.config import (
    ACTIVATIONS,
    ARCHITECTURES,
    MEANINGLESS,
    NORMS,
    POSITIONALS,
    SCHEDULES,
    ModelConfig,
    TrainConfig,
)
from model.jobs.limits import refuse_too_large
from model.text.reading import Pair
from model.text.tasks import TASKS
from model.text.tokenizer import Tokenizer
from model.training.data import DataConfig
from model.training.estimate import MEGABYTE, Estimate, estimate, frames
from model.training.recipes import MANY_PAIRS, recipe
from viz.look.theme import for_markdown
from viz.state import train as lab

OWN = "own text"
SAID = {
    "transformer": "Encoder and decoder, joined by cross-attention (Vaswani et al. 2017).",
    "decoder": "One stack that reads the source and then carries on writing, as a language model does.",
    "lstm": "Recurrent layers and one head of additive attention (Bahdanau et al. 2015), for comparison.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field of :class:`ModelConfig`, :class:`TrainConfig` or :class:`DataConfig` that a visitor may choose."""

    name: str
    label: str
    help: str
    options: tuple[str, ...] = ()
    least: float = 1
    step: float = 1


FIRST = (
    Setting(name="steps", label="Steps", help="Number of updates of the parameters.", step=100),
    Setting(name="n_layers", label="Layers", help="Number of encoder layers, and of decoder layers."),
    Setting(name="n_heads", label="Heads", help="Number of attention heads in each layer."),
    Setting(name="d_model", label="Vector size", help="Numbers in a token’s vector (d_model).", step=8),
)
MORE = (
    Setting(
        name="positional", label="Positional encoding", options=POSITIONALS,
        help="How the model knows the order of tokens.",
    ),
    Setting(name="seed", label="Seed", help="For data, initial parameters and dropout: the same seed gives the same "
    "run.", least=0),
    Setting(
        name="learning_rate", label="Learning rate", help="Its peak, after the warm-up.", least=0.0, step=0.0005
    ),
    Setting(name="warmup", label="Warm-up", help="Steps until the learning rate reaches its peak.", least=0, step=50),
    Setting(
        name="schedule", label="Schedule", options=SCHEDULES,
        help="How the learning rate changes after the warm-up.",
    ),
    Setting(name="batch_tokens", label="Tokens in a batch", help="The most in one batch, padding included.", step=512),
    Setting(
        name="d_ff", label="Feed-forward size", step=32,
        help="Width of the feed-forward layer (d_ff); of an LSTM, the size of its state.",
    ),
    Setting(
        name="dropout", label="Dropout", help="Share of numbers set to 0 at random in training.", least=0.0, step=0.05
    ),
    Setting(
        name="norm", label="LayerNorm", options=NORMS,
        help="LayerNorm after each residual connection, or before each sublayer.",
    ),
    Setting(
        name="activation", label="Activation", options=ACTIVATIONS,
        help="Activation function of the feed-forward layer.",
    ),
    Setting(
        name="label_smoothing", label="Label smoothing", least=0.0, step=0.05,
        help="Share of the target’s probability that is spread evenly over the vocabulary.",
    ),
    Setting(
        name="average", label="Weight averaging", help="Decay of the moving average of the parameters that is saved; "
        "0: none.", least=0.0,
        step=0.005,
    ),
    Setting(
        name="max_len", label="Longest text", step=8,
        help="Longest source or target, in tokens; longer pairs are left out.",
    ),
    Setting(name="validate_every", label="Validate every", help="Steps between two measurements of accuracy.", step=50),
    Setting(name="examples", label="Examples", help="How many examples are generated.", step=10_000),
    Setting(
        name="vocab_size", label="Vocabulary", help="Number of tokens learned from your text, bytes included.", step=500
    ),
    Setting(
        name="augment", label="As people type", least=0.0, step=0.05,
        help="Share of the pairs repeated in lower case, without the final full stop or apostrophes.",
    ),
)  # fmt: skip


def new_run() -> None:
    """The whole form."""
    try:
        allowed = lab.limits()
    except ValueError as error:
        st.error(for_markdown(f"This server’s limits cannot be read: {error}"))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        task = _choose_task()
    with right:
        architecture = _choose_architecture(task)
    pairs = _choose_files(allowed.upload_mb) if task == OWN else None
    values = _choose_settings(task, architecture, len(pairs[0]) if pairs else 0)
    try:
        data, model, train = _configs(task, architecture, values)
        longest = TASKS[task].longest + 1 if task in TASKS else model.max_len  # with its end
        needed = estimate(model, train, longest)
        refuse_too_large(needed, train, allowed)
    except ValueError as error:
        st.error(f"These settings cannot be used: {for_markdown(str(error))}", icon=":material/block:")
        needed = data = model = train = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unused = lab.unused_name("text" if task == OWN else task)
        name = st.text_input("Name of the run", key="new_name", placeholder=unused, width=260) or unused
        ready = needed is not None and (task != OWN or pairs is not None)
        asked = st.button("Start", type="primary", icon=":material/play_arrow:", key="start", disabled=not ready)
        if needed is not None:
            st.markdown(_says(needed))
    # Not in a callback, which would get what the form said before the last field was left for the button.
    if asked and ready and model is not None and train is not None:
        lab.start(name, data, model, train, pairs, values["augment"])
    if message := lab.problem():
        st.error(for_markdown(message))


def _choose_task() -> str:
    names = [*TASKS, OWN]
    task = st.segmented_control(
        "What to learn", names, default="reverse", required=True, key="task", bind="query-params", wrap=True,
    )  # fmt: skip
    if task == OWN:
        st.caption("Pairs of sentences in two text files, such as a text and its translation.")
    else:
        summary = TASKS[task].summary
        st.caption(f"{summary[0].upper()}{summary[1:]}. Example: {for_markdown(TASKS[task].example)}")
    return task


def _choose_architecture(task: str) -> str:
    usual = TASKS[task].architecture if task in TASKS else ARCHITECTURES[0]
    architecture = st.segmented_control(
        "Architecture", ARCHITECTURES, default=usual, required=True, key=_key(task, "architecture"),
        bind="query-params",
    )  # fmt: skip
    st.caption(SAID[architecture])
    return architecture


def _choose_settings(task: str, architecture: str, n_pairs: int) -> dict[str, Any]:
    """The value of each setting; what means nothing for the task or architecture is not asked."""
    defaults = recipe(None if task == OWN else task, architecture, n_pairs)
    learned = f"{task} many" if n_pairs >= MANY_PAIRS else task
    fixed = MEANINGLESS.get(architecture, {})
    hidden = {*fixed, *(("examples",) if task == OWN else ("vocab_size", "augment"))}
    values = {**defaults, **fixed}
    shown = [setting for setting in FIRST if setting.name not in hidden]
    for column, setting in zip(st.columns(len(FIRST)), shown, strict=False):
        with column:
            values[setting.name] = _ask(setting, defaults[setting.name], _key(learned, architecture, setting.name))
    with st.expander("More settings"):
        shown = [setting for setting in MORE if setting.name not in hidden]
        columns = st.columns(4)
        for place, setting in enumerate(shown):
            with columns[place % len(columns)]:
                values[setting.name] = _ask(setting, defaults[setting.name], _key(learned, architecture, setting.name))
    return values


def _key(*parts: str) -> str:
    """The key of a widget, and its name in the address."""
    return "_".join(parts).replace(" ", "_")


def _ask(setting: Setting, default: Any, key: str) -> Any:
    """One setting. Its key tells what is learned and the architecture, which have defaults of their own."""
    if setting.options:
        return st.selectbox(
            setting.label, setting.options, setting.options.index(default), help=setting.help, key=key,
            bind="query-params",
        )  # fmt: skip
    kind = type(default)
    return st.number_input(
        setting.label, kind(setting.least), None, default, kind(setting.step), "%g" if kind is float else None,
        help=setting.help, key=key, bind="query-params",
    )  # fmt: skip


def _choose_files(most_mb: int) -> tuple[list[Pair], list[Pair]] | None:
    """The pairs in the visitor's files: to train on, and to validate on. None as long as there are none."""
    st.caption(
        "Text files in UTF-8, one sentence per line; line i of the target belongs to line i of the source. Without "
        f"validation files, a tenth of the lines (at most 1,000) is set aside. At most {most_mb} MB in all."
    )
    files = []
    for column, (part, label) in zip(
        st.columns(4),
        {
            "source": "Source", "target": "Target",
            "valid_source": "Validation source (if any)", "valid_target": "Validation target (if any)",
        }.items(),
        strict=True,
    ):  # fmt: skip
        file = column.file_uploader(label, key=f"file_{part}", max_upload_size=most_mb)
        if file is not None:
            files.append((part, file.name, file.getvalue()))
    if not files:
        st.info("Choose a source and a target file; then training can start.")
        return None
    try:
        if sum(len(content) for _, _, content in files) > most_mb * MEGABYTE:
            raise ValueError(f"together they have more than {most_mb} MB")
        train, valid = lab.uploaded(tuple(files))
    except ValueError as error:
        st.error(f"These files cannot be used: {for_markdown(str(error))}")
        return None
    st.success(f"{len(train):,} pairs to train on, {len(valid):,} to validate on.")
    return train, valid


def _configs(
    task: str, architecture: str, values: Mapping[str, Any]
) -> tuple[DataConfig | None, ModelConfig, TrainConfig]:
    """
    Raises:
        ValueError: a value is out of range, or two do not fit.
    """

    def chosen(config: type[Any]) -> dict[str, Any]:
        return {field.name: values[field.name] for field in fields(config) if field.name in values}

    data = None if task == OWN else DataConfig(**{**chosen(DataConfig), "task": task})
    vocabulary = values["vocab_size"] if task == OWN else len(Tokenizer.characters())
    model = ModelConfig(**{**chosen(ModelConfig), "vocab_size": vocabulary, "architecture": architecture})
    train = TrainConfig(**chosen(TrainConfig))
    return data, model, replace(train, keep_every=frames(model, train))


def _says(needed: Estimate) -> str:
    """What a training needs."""
    memory, disk = (max(1, round(size / MEGABYTE)) for size in (needed.memory, needed.disk))
    return (
        f"**{needed.parameters:,} parameters**, about {memory:,} MB of memory, at most {disk:,} MB of disk space. How "
        "long it takes is shown once it runs."
    )
