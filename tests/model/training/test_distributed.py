"""model/training/distributed.py: two processes give the losses and weights of one, whatever the batch and model."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing

from model.config import ARCHITECTURES, MEANINGLESS, TrainConfig
from model.network.build import build
from model.text.tasks import generate
from model.text.tokenizer import Tokenizer
from model.training.batching import Examples
from model.training.distributed import ALONE, Team, joined
from model.training.loop import TrainState, fit
from tests.model.helpers import tiny

STEPS = 5
# One example a batch: then one of the two processes has none. 67 tokens: shares of different size.
CASES = [
    *[(architecture, "float32", 67) for architecture in ARCHITECTURES],
    ("transformer", "float32", 1),
    ("transformer", "bfloat16", 67),
]


def trained(case: tuple[str, str, int], team: Team) -> dict[str, Any]:
    """Losses, scores and weights of a short training; also the clipped norm, which all gradients have a part in."""
    architecture, precision, batch_tokens = case
    tokenizer = Tokenizer.characters()
    train, valid = (
        Examples.encode(generate("sort", n, seed=1, held_out=held_out), tokenizer, 23)
        for n, held_out in ((31, False), (7, True))
    )
    config = TrainConfig(
        steps=STEPS, warmup=0, learning_rate=1e-2, batch_tokens=batch_tokens, precision=precision, validate_every=2
    )
    torch.manual_seed(1)
    sizes = {"vocab_size": 259, "d_ff": 38, "dropout": 0.0, **MEANINGLESS.get(architecture, {})}
    state = TrainState.start(build(tiny(**sizes, architecture=architecture)), config)
    steps = list(fit(state, train, valid, config, team))
    return {
        "n_tokens": [step.n_tokens for step in steps],
        "losses": [step.loss for step in steps],
        "scores": [(step.validation.loss, step.validation.accuracy) for step in steps if step.validation],
        "weights": torch.nn.utils.parameters_to_vector(state.model.parameters()).detach(),
    }


def work(rank: int, port: int, folder: Path) -> None:
    """What each of two processes does."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "True"  # as torchrun says it: the store is there, all only join it
    with joined("cpu") as team:
        assert (team.rank, team.size, team.leads) == (rank, 2, rank == 0)
        torch.save([trained(case, team) for case in CASES], folder / f"{rank}.pt")
        said = []
        for make in (lambda: 7 + rank, lambda: int("seven")):
            try:
                said.append(team.from_leader(make))
            except ValueError as error:
                said.append(str(error))
        try:
            team.require_same(f"text {rank}", "the data")
        except ValueError as error:
            said.append(str(error))
        team.seed(3, 5)
        torch.save({"said": said, "drawn": torch.rand(3), "sums": team.sums(1.5, rank)}, folder / f"said{rank}.pt")
    assert not dist.is_initialized()
    # What DistributedDataParallel leaves behind keeps Gloo's threads alive, and one that lets go of a tensor while
    # Python ends may abort the process (pytorch/pytorch#65237). What is tested is done.
    os._exit(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the two processes wrote."""
    folder = tmp_path_factory.mktemp("distributed")
    # As torchrun's agent does: the store is bound here and stays, so that nobody else can take its port meanwhile.
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    torch.multiprocessing.spawn(work, (store.port, folder), nprocs=2)
    return folder


@pytest.mark.parametrize("case", CASES, ids=["-".join(map(str, case)) for case in CASES])
def test_two_processes_learn_what_one_learns(case: tuple[str, str, int], folder: Path):
    alone = trained(case, ALONE)
    first, second = (torch.load(folder / f"{rank}.pt")[CASES.index(case)] for rank in (0, 1))
    assert torch.equal(first["weights"], second["weights"])
    assert first["losses"] == second["losses"]
    assert first["n_tokens"] == alone["n_tokens"]
    tolerance = 1e-5 if case[1] == "float32" else 5e-2
    assert first["losses"] == pytest.approx(alone["losses"], abs=tolerance)
    for score, expected in zip(first["scores"], alone["scores"], strict=True):
        assert score == pytest.approx(expected, abs=tolerance)
    if case[1] == "float32":
        moved = (first["weights"] - alone["weights"]).abs()
        # A gradient that is 0 but for rounding may point either way, and Adam then takes a whole step.
        assert (moved > 1e-5).float().mean() < 0.01


def test_what_the_first_process_makes_all_have(folder: Path):
    first, second = (torch.load(folder / f"said{rank}.pt") for rank in (0, 1))
    failed = "invalid literal for int() with base 10: 'seven'"
    differs = "the data is not the same in all processes; 1 differ from the first"
    assert first["said"] == second["said"] == [7, failed, differs]
    assert first["sums"] == second["sums"] == [3.0, 1.0]
    assert not torch.equal(first["drawn"], second["drawn"])  # each drops other elements


def test_alone_there_is_nobody_to_ask():
    with joined("cpu") as team:
        assert team == ALONE
        assert team.sums(2.5) == [2.5]
        module = torch.nn.Linear(2, 3)
        assert team.wrapped(module) is module
        assert team.from_leader(lambda: 7) == 7


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_asked_for_in_vain():
    with pytest.raises(ValueError, match="finds no GPU here; leave --device out"), joined("cuda"):
        pass
    with joined("auto") as team:
        assert team.device == torch.device("cpu")
