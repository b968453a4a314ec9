"""model/text/merging.py against the library that does the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from model.text.merging import merge_steps
from model.text.tokenizer import Tokenizer
from tests.helpers import SENTENCES, word_tokenizer

TOKENIZERS = (
    Tokenizer.train([*SENTENCES, "aaaa aaaaa banana"] * 3, 331),
    word_tokenizer(),
    Tokenizer.characters(),
)


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    found = []
    for word in tokenizer.words(text):
        steps = tokenizer.merges(word)
        found += steps[-1].pieces if steps else map(tokenizer.written, word)
    return found


@settings(deadline=None)
@given(st.one_of(st.text(max_size=23), st.text(alphabet="abnldre .é日", max_size=23)))
def test_the_pieces_are_those_of_the_library(text: str):
    for tokenizer in TOKENIZERS:
        assert pieces(tokenizer, text) == list(tokenizer.labels(tokenizer.encode(text)))


def test_the_pair_learned_first_is_merged_first_and_everywhere():
    ranks = {("a", "b"): 1, ("b", "c"): 0, ("ab", "ab"): 2}
    assert [step.pair for step in merge_steps("ababc", ranks)] == [("b", "c"), ("a", "b")]
    (first, last) = merge_steps("abab", ranks)
    assert (first.number, first.pieces) == (2, ("ab", "ab"))
    assert (last.number, last.pieces) == (3, ("abab",))
    assert merge_steps("x", ranks) == merge_steps("", ranks) == ()


def test_without_merges_each_byte_stays():
    tokenizer = Tokenizer.characters()
    assert all(tokenizer.merges(word) == () for word in tokenizer.words("dogs"))
