"""Which places of the encoder's output a token reaches."""

import numpy as np
import pytest
import torch

from model import checkpoint
from model.checkpoint import Checkpoint
from model.interventions.influence import another_token, by_distance, influence, influences, states
from model.network.transformer import Transformer
from model.text.tokenizer import EOS_ID, Tokenizer
from tests.helpers import save_letters
from tests.model.helpers import shaken, tiny


@pytest.fixture(scope="module", params=["post", "pre"])
def random(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.manual_seed(13)
    path, tokenizer = tmp_path_factory.mktemp("influence") / "random.safetensors", Tokenizer.characters()
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer), norm=request.param))).eval()
    checkpoint.save(path, model, tokenizer, task="copy", training={})
    return checkpoint.load(path)


def test_every_place_of_an_encoder_is_reached(random: Checkpoint):
    ids = [*random.tokenizer.encode("seven"), EOS_ID]
    rows = np.array(list(influences(random, ids)))
    assert rows.shape == (6, 6)
    assert (rows > 1e-4).all()
    np.testing.assert_array_equal(rows[2], influence(random, ids, 2))


def test_without_attention_only_the_own_place_is_reached(tmp_path_factory: pytest.TempPathFactory):
    letters = save_letters(
        tmp_path_factory.mktemp("influence") / "letters.safetensors"
    )  # its encoder passes on nothing
    rows = np.array(list(influences(letters, [*letters.tokenizer.encode("seven"), EOS_ID])))
    assert (rows[~np.eye(6, dtype=bool)] == 0).all()
    assert (rows[np.eye(6, dtype=bool)] > 0.1).all()


def test_another_token_is_another_and_no_special_one(random: Checkpoint):
    last = random.config.vocab_size - 1
    assert [another_token(random, token) for token in (3, 100, last)] == [4, 101, EOS_ID + 1]


def test_by_distance_by_hand():
    rows = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    np.testing.assert_allclose(by_distance(rows), [5, (2 + 6 + 4 + 8) / 4, (3 + 7) / 2])


def test_the_states_begin_with_the_embedding_and_end_with_the_output(random: Checkpoint):
    ids = [*random.tokenizer.encode("seven"), EOS_ID]
    found = states(random, ids)
    assert found.shape == (3, 6, random.config.d_model)
    with torch.inference_mode():
        source = torch.tensor([ids])
        np.testing.assert_array_equal(found[0], random.model.embedding(source)[0].numpy())
        hidden = random.model.encode(source, None).hidden[0].numpy()
        assert isinstance(random.model, Transformer)
        last = random.model.encoder.norm(torch.tensor(found[-1])).numpy()
    np.testing.assert_allclose(last, hidden, atol=1e-6)
