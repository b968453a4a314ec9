"""model/text/prepare.py: nothing held out is learned from, the same seed gives the same bytes."""

import gzip
import json
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.__main__ import main
from model.text.prepare import PARTS, Corpus, grouped, key, part_tatoeba, plain, read_tatoeba, without_held_out
from model.text.reading import Pair

WORDS = ("cat", "dog", "Tom", "sees", "a", "the", "red", "now")
FEW = {"train": 7, "val": 3, "test_2016_flickr": 2}


def sentences(n: int, seed: int) -> list[Pair]:
    """Pairs of which many share a side, one of them in another case or with another mark."""
    random_ = random.Random(seed)

    def side() -> str:
        text = " ".join(random_.choices(WORDS, k=random_.randint(1, 3)))
        return random_.choice((text, text.upper(), text.capitalize() + ".", text + " !"))

    return [(side(), side() if random_.random() < 0.3 else f"{side()} {i}") for i in range(n)]


def parts(corpus: Corpus) -> dict[str, list[Pair]]:
    return {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}


def leaks(corpus: Corpus) -> list[str]:
    """Sentences on either side of valid or test that stand on the same side of train."""
    return [
        key(pair[side])
        for side in (0, 1)
        for pair in (*corpus.valid, *corpus.test)
        if key(pair[side]) in {key(other[side]) for other in corpus.train}
    ]


@given(st.integers(0, 10_000), st.integers(150, 300))
def test_nothing_held_out_is_learned_from(seed: int, n: int):
    pairs = sentences(n, seed)
    corpus = part_tatoeba(pairs, seed=1, n_valid=2, n_test=3)
    assert (len(corpus.valid), len(corpus.test)) == (2, 3)
    assert leaks(corpus) == []
    kept = [pair for part in parts(corpus).values() for pair in part]
    assert len(kept) + sum(corpus.left_out.values()) == n
    assert set(kept) <= {plain(pair) for pair in pairs}
    assert len(set(kept)) == len(kept)


def test_paraphrases_hang_together_by_way_of_others():
    chain = [("Hi.", "Salut !"), ("hi", "Bonjour."), ("Hello!", "bonjour"), ("HELLO", "Allô ?")]
    assert grouped([*chain, ("Bye.", "Salut, toi.")]) == [chain, [("Bye.", "Salut, toi.")]]
    # The same letters on another side are another sentence.
    assert len(grouped([("Pardon.", "Comment ?"), ("What?", "Pardon.")])) == 2


def test_the_seed_decides():
    pairs = sentences(211, seed=5)
    first = part_tatoeba(pairs, seed=3, n_valid=5, n_test=7)
    assert first == part_tatoeba(pairs, seed=3, n_valid=5, n_test=7)
    assert first.test != part_tatoeba(pairs, seed=4, n_valid=5, n_test=7).test


def test_too_few_groups():
    with pytest.raises(ValueError, match=r"2 pairs for validation and 3 to test need more than 5 .* there are 1"):
        part_tatoeba([("a", "x"), ("a", "y"), ("b", "y")], seed=1, n_valid=2, n_test=3)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("I’m  here.\u00a0", "Où est-ce\u202f?"), ("I'm here.", "Où est-ce ?")),
        (("Why?", "Pourquoi?"), ("Why?", "Pourquoi ?")),
        (("He said: no!", "Il a dit: «\u00a0Non!\u00a0»"), ("He said: no!", "Il a dit : « Non ! »")),
        (("At 2:30?!", "À 2:30?!"), ("At 2:30?!", "À 2:30 ?!")),
        (("Cafe\u0301\u200b", "se\u00adra;\u2028oui"), ("Café", "sera ; oui")),
    ],
)
def test_plain(typed: Pair, expected: Pair):
    assert plain(typed) == expected
    assert plain(expected) == expected


def test_the_two_do_not_give_away_each_other():
    one = Corpus(train=[("a dog", "x"), ("a cat", "y")], valid=[("v", "w")], test=[("t", "u")], left_out={"empty": 1})
    other = Corpus(train=[("T!", "z"), ("b", "W."), ("v2", "z2")], valid=[("A CAT.", "n")], test=[], left_out={})
    kept = without_held_out({"one": one, "other": other})
    assert kept["one"].train == [("a dog", "x")]
    assert kept["other"].train == [("v2", "z2")]
    assert kept["one"].left_out == {"empty": 1, "in valid or test": 1}
    assert kept["one"].test == one.test


@pytest.mark.parametrize("kind", ["fra.txt", "fra.gz", "fra-eng.zip"])
def test_a_download_as_it_comes(kind: str, tmp_path: Path):
    content = b"Go.\tVa !\tCC-BY 2.0 (France)\nHi.\tSalut.\n\nRun!\tCours !\tby somebody\tmore\n"
    path = tmp_path / kind
    if kind.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("_about.txt", "About it")
            archive.writestr("fra.txt", content)
    else:
        path.write_bytes(gzip.compress(content) if kind.endswith(".gz") else content)
    assert read_tatoeba(path) == [("Go.", "Va !"), ("Hi.", "Salut."), ("Run!", "Cours !")]


@pytest.fixture
def downloads(tmp_path: Path) -> list[str]:
    """The options that name small downloads, in which sentences are shared."""
    lines = [f"{english}\t{french}\tby {i}" for i, (english, french) in enumerate(sentences(211, seed=2))]
    (tmp_path / "fra.txt").write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, n in FEW.items():
        texts = [(f"Caption {i} of {name}.", f"Légende {i} de {name}.") for i in range(n)]
        if name == "train":
            texts[3] = ("caption 1 of VAL", texts[3][1])
        for side, language in enumerate(("en", "fr")):
            (folder / f"{name}.{language}.gz").write_bytes(
                gzip.compress("".join(f"{x[side]}\n" for x in texts).encode())
            )
    return ["--tatoeba", str(tmp_path / "fra.txt"), "--multi30k", str(folder)]


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_the_command(downloads: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = [*downloads, "--n-valid", "11", "--n-test", "13"]
    assert main(["prepare", *options, "--out", str(tmp_path / "one")]) == 0
    summaries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    tatoeba, multi30k = summaries
    assert (tatoeba["valid"], tatoeba["test"]) == (11, 13)
    assert (multi30k["train"], multi30k["valid"], multi30k["test"]) == (6, 3, 2)
    assert multi30k["left_out"] == {"in valid or test": 1}
    files = written(tmp_path / "one")
    assert {name: content.count(b"\n") for name, content in files.items()} == {
        f"{Path(one['folder']).name}/{part}.{language}": one[part]
        for one in summaries
        for part in PARTS
        for language in ("en", "fr")
    }
    assert main(["prepare", *options, "--out", str(tmp_path / "two")]) == 0
    assert written(tmp_path / "two") == files
    capsys.readouterr()
    assert main(["prepare", *options, "--out", str(tmp_path / "one")]) == 2
    assert "train.en already exists; remove it, or choose another --out" in capsys.readouterr().err
    assert written(tmp_path / "one") == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --tatoeba, --multi30k, or both"),
        (("--tatoeba", "none"), "none cannot be read: No such file or directory"),
        (
            ("--tatoeba", "lines.txt"),
            "lines.txt, line 2 has no tab; it should be English, tab, French, but it is 'no tab'",
        ),
        (("--tatoeba", "empty.txt"), "empty.txt has no pairs"),
        (("--tatoeba", "lines.zip"), "lines.zip cannot be read: File is not a zip file"),
        (("--tatoeba", "lines.gz"), "lines.gz cannot be read: Not a gzipped file"),
        (("--multi30k", "."), "has neither train.en nor train.en.gz"),
    ],
)
def test_what_cannot_be_read(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    for name in ("lines.txt", "lines.zip", "lines.gz"):
        Path(name).write_text("Go.\tVa !\nno tab\n", encoding="utf-8")
    Path("empty.txt").touch()
    assert main(["prepare", "--out", "out", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()
