"""Training files from the public downloads: ``python -m model prepare``.

Tatoeba's English–French pairs (manythings.org/anki: each line has English, a tab, French, and perhaps more columns) are
split here; Multi30k (task 1) comes already split. No sentence of ``valid`` or ``test`` from either, English or French,
is in any ``train``.
"""

from __future__ import annotations

import gzip
import random
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model.files import write_whole
from model.text.reading import Pair, pair_up, split_lines

LANGUAGES = ("en", "fr")
PARTS = ("train", "valid", "test")
MULTI30K = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
"""What Multi30k calls the parts."""
APOSTROPHES = str.maketrans("‘’ʼ`´", "'''''")
_TIGHT = re.compile(r"(?<=[^\s?!:;(\[«])([?!:;]+)(?=[\s»\")\]]|$)")

Progress = Callable[[Iterable[Pair]], Iterable[Pair]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Pairs for training, validation and test, and how many of the pairs read were ``left_out`` and why."""

    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]
    left_out: Mapping[str, int]


def read_tatoeba(path: Path) -> list[Pair]:
    """The pairs of a download: as downloaded (zip), unpacked (txt), or packed differently (gz).

    Raises:
        ValueError: it cannot be read, or a line has no tab.
    """
    pairs = []
    for number, line in enumerate(split_lines(_content(path), str(path)), start=1):
        columns = line.split("\t")
        if len(columns) < 2 and line:
            raise ValueError(
                f"{path}, line {number} has no tab; it should be English, tab, French, but it is {line!r:.60}"
            )
        if line:
            pairs.append((columns[0], columns[1]))
    if not pairs:
        raise ValueError(f"{path} has no pairs")
    return pairs


def read_multi30k(folder: Path) -> dict[str, list[Pair]]:
    """The pairs of each of :data:`PARTS`, from plain or gzipped files.

    Raises:
        ValueError: a file is missing or cannot be used.
    """
    read = {}
    for part, name in MULTI30K.items():
        files = [_find(folder, f"{name}.{language}") for language in LANGUAGES]
        sources, targets = (split_lines(_content(file), str(file)) for file in files)
        read[part] = pair_up(sources, targets, *map(str, files))
    return read


def plain(pair: Pair) -> Pair:
    """Both sides with single spaces, straight apostrophes and no invisible characters, composed (NFC), and with a
    space before the French ``? ! : ;`` at the end of a word."""
    english, french = (
        " ".join("".join(c for c in unicodedata.normalize("NFC", text) if c.isspace() or _is_seen(c)).split())
        for text in (side.translate(APOSTROPHES) for side in pair)
    )
    return english, _TIGHT.sub(r" \1", french)


def key(text: str) -> str:
    """A key that is the same for sentences that differ only in case, punctuation and spaces."""
    return "".join(c for c in unicodedata.normalize("NFC", text).casefold() if c.isalnum())


def part_tatoeba(pairs: Iterable[Pair], seed: int, n_valid: int, n_test: int, progress: Progress = iter) -> Corpus:
    """Choose what is held out. Pairs that share a side (see :func:`key`), directly or through others, form a group;
    either the whole group is trained on, or one pair is held out and the others are left out. The same arguments give
    the same result on every machine.

    Raises:
        ValueError: there are too few groups, or a number is below 1.
    """
    if min(n_valid, n_test) < 1:
        raise ValueError(
            "at least one pair must be held out for validation and one for testing, but the numbers are "
            f"{n_valid} and {n_test}"
        )
    cleaned = [plain(pair) for pair in progress(pairs)]
    different = list(dict.fromkeys(pair for pair in cleaned if all(pair)))
    groups = grouped(different)
    if len(groups) <= n_valid + n_test:
        raise ValueError(
            f"{n_valid} pairs for validation and {n_test} to test need more than {n_valid + n_test} groups of pairs "
            f"that share no sentence, but there are {len(groups)}"
        )
    random_ = random.Random(f"part {seed}")
    random_.shuffle(groups)
    held_out, rest = groups[: n_valid + n_test], groups[n_valid + n_test :]
    chosen = [random_.choice(group) for group in held_out]
    train = [pair for group in rest for pair in group]
    random_.shuffle(train)
    n_empty = sum(not all(pair) for pair in cleaned)
    left_out = {
        "empty": n_empty,
        "repeated": len(cleaned) - n_empty - len(different),
        "paraphrases of valid or test": sum(map(len, held_out)) - len(chosen),
    }
    return Corpus(train=train, valid=chosen[:n_valid], test=chosen[n_valid:], left_out=left_out)


def grouped(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """``pairs`` in groups: pairs that share a side, see :func:`key`, are in one group (the connected components)."""
    above: dict[tuple[int, str], tuple[int, str]] = {}

    def top(node: tuple[int, str]) -> tuple[int, str]:
        while above.setdefault(node, node) != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    for source, target in pairs:
        above[top((0, key(source)))] = top((1, key(target)))
    groups: dict[tuple[int, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(top((0, key(pair[0]))), []).append(pair)
    return list(groups.values())


def clean_multi30k(read: Mapping[str, Sequence[Pair]], progress: Progress = iter) -> Corpus:
    """The parts as downloaded, but made :func:`plain`; a caption that two images share stays in ``train`` twice."""
    train, valid, test = ([plain(pair) for pair in progress(read[part])] for part in PARTS)
    return Corpus(train=train, valid=valid, test=test, left_out={})


def without_held_out(corpora: Mapping[str, Corpus]) -> dict[str, Corpus]:
    """Each corpus without the training pairs that have a side held out in any of the corpora."""
    held_out = {
        (side, key(text))
        for corpus in corpora.values()
        for pair in (*corpus.valid, *corpus.test)
        for side, text in enumerate(pair)
    }
    kept = {}
    for name, corpus in corpora.items():
        train = [pair for pair in corpus.train if not {(side, key(text)) for side, text in enumerate(pair)} & held_out]
        left_out = {**corpus.left_out, "in valid or test": len(corpus.train) - len(train)}
        kept[name] = replace(corpus, train=train, left_out=left_out)
    return kept


def files_of(out: Path, name: str) -> dict[tuple[str, str], Path]:
    """The file of each part and language of a corpus."""
    return {(part, language): out / name / f"{part}.{language}" for part in PARTS for language in LANGUAGES}


def refuse_to_overwrite(out: Path, names: Iterable[str]) -> None:
    """
    Raises:
        ValueError: a file that would be written already exists.
    """
    if there := [path for name in names for path in files_of(out, name).values() if path.exists()]:
        raise ValueError(f"{there[0]} already exists; remove it, or choose another --out")


def write(out: Path, name: str, corpus: Corpus) -> None:
    """Write the files of a corpus, one sentence per line, in UTF-8."""
    pairs: dict[str, list[Pair]] = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
    (out / name).mkdir(parents=True, exist_ok=True)
    for (part, language), path in files_of(out, name).items():
        side = LANGUAGES.index(language)
        write_whole(path, "".join(f"{pair[side]}\n" for pair in pairs[part]).encode())


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf")


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise ValueError(f"{folder} has neither {name} nor {name}.gz")


def _content(path: Path) -> bytes:
    """The content of a file, unpacked; from a zip, the file with the pairs.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            return gzip.decompress(data)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                texts = [name for name in archive.namelist() if name.endswith(".txt") and not name.startswith("_")]
                if len(texts) != 1:
                    raise ValueError(f"{path} should hold one file of pairs, but it holds {texts or 'none'}")
                return archive.read(texts[0])
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValueError(f"{path} cannot be read: {said}") from error
    return data
