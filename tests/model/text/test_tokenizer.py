"""model/text/tokenizer.py: any text goes in and comes back."""

import json
import unicodedata

import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers

from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, SPECIAL_TOKENS, Tokenizer, joined

N_SPECIAL = len(SPECIAL_TOKENS)
# Characters newer than this Python's Unicode tables may compose for the library and not for the oracle.
texts = st.text(st.characters(exclude_categories=("Cs", "Cn")))
anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too
ascii_texts = st.text(st.characters(max_codepoint=127))


@pytest.fixture(params=["characters", "merges"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return request.getfixturevalue(request.param)


# The tokenizers hold no state, so that one may serve all examples.
all_texts = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@all_texts
@given(text=texts)
def test_a_text_comes_back_composed(tokenizer: Tokenizer, merges: Tokenizer, text: str):
    expected = unicodedata.normalize("NFC", text)
    if tokenizer is merges:  # where a space belongs to the word after it, the first word gets one if it has none
        expected = expected.removeprefix(" ")
    assert tokenizer.decode(tokenizer.encode(text)) == expected


@all_texts
@given(text=anything)
def test_no_text_is_refused_and_none_gives_special_tokens(tokenizer: Tokenizer, text: str):
    ids = tokenizer.encode(text)
    assert all(N_SPECIAL <= token_id < len(tokenizer) for token_id in ids)
    assert len(tokenizer.labels(ids)) == len(ids)
    tokenizer.decode(ids).encode()  # valid Unicode
    assert tokenizer.encode_batch([text, "dog"]) == [ids, tokenizer.encode("dog")]


@all_texts
@given(text=ascii_texts)
def test_the_labels_of_ascii_joined_are_the_text(tokenizer: Tokenizer, merges: Tokenizer, text: str):
    joined = "".join(tokenizer.labels(tokenizer.encode(text)))
    assert joined == (f" {text}" if tokenizer is merges and text and not text.startswith(" ") else text)


@all_texts
@given(ids=st.lists(st.integers(0, 2000)))
def test_any_ids_can_be_shown(tokenizer: Tokenizer, ids: list[int]):
    """A model may predict half a character, or a token may come from elsewhere."""
    assert len(tokenizer.labels(ids)) == len(ids)
    tokenizer.decode(ids).encode()


@pytest.mark.parametrize("text", [*SPECIAL_TOKENS, "a</s>b", "<s><s>", "<pad", " </s>"])
def test_special_tokens_that_are_typed_are_text(tokenizer: Tokenizer, text: str):
    ids = tokenizer.encode(text)
    assert not {PAD_ID, BOS_ID, EOS_ID} & set(ids)
    assert tokenizer.decode(ids) in (text, text.removeprefix(" "))


@all_texts
@given(texts=st.lists(ascii_texts) | st.lists(anything))
def test_many_texts_at_once_are_the_same_tokens(tokenizer: Tokenizer, texts: list[str]):
    ids, lengths = tokenizer.encode_flat(texts)
    assert ids.tolist() == [token for text in texts for token in tokenizer.encode(text)]
    assert lengths.tolist() == [len(tokenizer.encode(text)) for text in texts]


def test_many_texts_at_once_by_a_tokenizer_that_changes_them(characters: Tokenizer):
    described = json.loads(characters.to_json())
    described["normalizer"] = {"type": "Lowercase"}
    lowering = Tokenizer.from_json(json.dumps(described))
    assert lowering.encode_flat(["Ab", "C"])[0].tolist() == characters.encode("abc")


def test_special_tokens_have_labels_and_no_text(tokenizer: Tokenizer):
    assert tokenizer.labels([PAD_ID, BOS_ID, EOS_ID]) == SPECIAL_TOKENS
    assert tokenizer.decode([BOS_ID, *tokenizer.encode("a b"), EOS_ID, PAD_ID]) == "a b"


def test_labels_by_hand(characters: Tokenizer, merges: Tokenizer):
    assert characters.labels(characters.encode("a é")) == ("a", " ", "⟨C3⟩", "⟨A9⟩")
    assert merges.labels(merges.encode("the dog")) == (" the", " dog")


def test_decomposed_and_composed_text_are_the_same_tokens(tokenizer: Tokenizer):
    assert tokenizer.encode("the\u0301") == tokenizer.encode("th\u00e9")


def test_half_a_character_is_a_replacement_character(characters: Tokenizer):
    assert characters.decode(characters.encode("é")[:1]) == "\ufffd"
    assert characters.decode(characters.encode("\ud800")) == "?"


def test_characters_has_a_token_for_each_byte(characters: Tokenizer):
    assert len(characters) == 259
    assert sorted(characters.encode("".join(map(chr, range(128))))) == sorted(
        set(characters.encode(bytes(range(128)).decode()))
    )
    assert all(len(characters.encode(chr(code))) == 1 for code in range(128))


def test_json_round_trip(tokenizer: Tokenizer):
    again = Tokenizer.from_json(tokenizer.to_json())
    assert again.to_json() == tokenizer.to_json()
    assert len(again) == len(tokenizer)
    text = "the dog, </s> thé"
    assert again.encode(text) == tokenizer.encode(text)


def test_padding_and_truncation_in_the_json_are_ignored(merges: Tokenizer):
    described = json.loads(merges.to_json())
    described["truncation"] = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
    assert Tokenizer.from_json(json.dumps(described)).encode("the dog") == merges.encode("the dog")


def test_training_is_deterministic(merges: Tokenizer):
    again = Tokenizer.train(["the dog sees the dog", "der Hund sieht den Hund", "thé, the dog's thé"] * 3, 283)
    assert again.to_json() == merges.to_json()


@pytest.mark.parametrize("vocab_size", [0, -1, 258])
def test_a_vocabulary_without_room_for_the_bytes_is_refused(vocab_size: int):
    with pytest.raises(ValueError, match=f"vocab_size must be at least 259 .* {vocab_size}"):
        Tokenizer.train(["a"], vocab_size)


@pytest.mark.parametrize("text", ["", "{}", "null", "[", '{"model": {"type": "BPE"}}', "[" * 100_000])
def test_json_of_something_else_is_refused(text: str):
    with pytest.raises(ValueError, match="the tokenizer cannot be read"):
        Tokenizer.from_json(text)


def test_special_tokens_elsewhere_are_refused():
    with pytest.raises(ValueError, match="must have <pad> at id 0, but has None"):
        Tokenizer(tokenizers.Tokenizer(models.BPE()))


def _foreign(vocabulary: dict[str, int], model: type = models.BPE) -> tokenizers.Tokenizer:
    specials = {token: token_id for token_id, token in enumerate(SPECIAL_TOKENS)}
    inner = tokenizers.Tokenizer(model({**specials, **vocabulary}, *([[]] if model is models.BPE else [])))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel()
    return inner


ALPHABET = {character: 3 + i for i, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}


@pytest.mark.parametrize(
    "inner",
    [
        _foreign(ALPHABET, models.WordLevel),
        _foreign({}),  # no bytes
        _foreign({**ALPHABET, "a": 1000}),  # a gap
        _foreign({**ALPHABET, "日": 259}),  # no bytes of its own
    ],
    ids=["words", "no bytes", "gap", "not bytes"],
)
def test_a_tokenizer_of_another_kind_is_refused(inner: tokenizers.Tokenizer):
    with pytest.raises(ValueError, match="byte-level BPE"):
        Tokenizer.from_json(inner.to_str())


def test_another_pre_tokenizer_is_refused():
    inner = _foreign(ALPHABET)
    Tokenizer(inner)  # as it is, it will do
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ValueError, match="byte-level BPE"):
        Tokenizer(inner)


@all_texts
@given(text=anything)
def test_labels_join_to_the_text_also_where_a_character_was_cut(tokenizer: Tokenizer, merges: Tokenizer, text: str):
    ids = tokenizer.encode(text)
    whole = joined(tokenizer.labels(ids))
    assert (whole.removeprefix(" ") if tokenizer is merges else whole) == tokenizer.decode(ids)


def test_only_a_part_of_a_character_is_written_as_bytes():
    letters = Tokenizer.train([" ła śb ńc źd"] * 9, N_SPECIAL + 256 + 1)  # a merge: a space and half a letter
    assert letters.labels(letters.encode("ł")) == (" ⟨C5⟩", "⟨82⟩")
    assert joined(["⟨E6⟩", "⟨97⟩", "a"]) == "⟨E6⟩⟨97⟩a"  # a model may write half a character
    assert joined(["⟨", "C3", "⟩", "\ud83d"]) == "⟨C3⟩?"  # typed as such
