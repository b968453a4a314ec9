"""The sentences to try, by the model that ships: translated rightly, and the words that make the point looked at."""

import pytest

from model.capture import capture
from model.checkpoint import load
from viz.look.choice import telling_head
from viz.look.examples import EVERYDAY, translates

OPENED = load("translate-en-fr")
HEAD = (3, 3)
SHOWN = {
    "We don't have a white car.": (
        "Nous n'avons pas de voiture blanche.",
        {"pas": "'t", "voiture": "car", "blanche": "white"},
    ),
    "An old man with a long white beard is reading a newspaper.": (
        "Un vieil homme avec une longue barbe blanche lit un journal.",
        {
            "vieil": "old",
            "homme": "man",
            "longue": "long",
            "barbe": "beard",
            "blanche": "white",
            "journal": "newspaper",
        },
    ),
    "I am hungry.": ("J'ai faim.", {"ai": "am", "faim": "hungry"}),
    "I miss my brother.": ("Mon frère me manque.", {"frère": "brother", "manque": "miss"}),
    "Have you seen my black cat?": (
        "As-tu vu mon chat noir ?",
        {"vu": "seen", "mon": "my", "chat": "cat", "noir": "black"},
    ),
    "The cars in front of the house are white.": (
        "Les voitures devant la maison sont blanches.",
        {"voitures": "cars", "maison": "house", "blanches": "white"},
    ),
    "A lifeguard is watching the children.": (
        "Un sauveteur regarde les enfants.",
        {"sauve": "life", "teur": "ard", "enfants": "children"},
    ),
}
"""Each with its translation, read by a person, and where the head that the page opens with looks from which token."""


def test_the_page_opens_with_this_head():
    assert telling_head(capture(OPENED, EVERYDAY[0].text).map("cross")) == HEAD


def test_these_are_the_examples():
    known = translates(OPENED)
    assert known is not None
    assert known.examples == EVERYDAY
    assert [example.text for example in EVERYDAY] == list(SHOWN)


@pytest.mark.parametrize("text", SHOWN)
def test_each_is_translated_and_its_words_look_at_their_words(text: str):
    target, links = SHOWN[text]
    trace = capture(OPENED, text)
    assert trace.target == target
    cross = trace.map("cross")
    looked_at = [cross.key_tokens[place].strip() for place in cross.pattern[*HEAD].argmax(-1)]
    assert links.items() <= dict(zip((token.strip() for token in cross.row_tokens), looked_at, strict=True)).items()
