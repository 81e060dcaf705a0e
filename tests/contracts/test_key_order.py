"""In which order a store gives its keys: that of texts, so that they can be held against sorted rows."""

import random
from pathlib import Path
from typing import Final

import pytest

from contracts.test_blob_contract import STORES

# Parts of which one begins like the other: there an order by folders and an order of texts could differ.
PARTS: Final = ("0", "00", "0a", "9", "a", "a0", "aa", "b", "z")


@pytest.mark.parametrize("name", STORES)
def test_keys_come_sorted(name: str, tmp_path: Path) -> None:
    store = STORES[name](tmp_path)
    keys = [f"{lease}-{batch}-{rest}" for lease in PARTS for batch in PARTS for rest in ("0", "00", "z")]
    random.shuffle(keys)
    for key in keys:
        writer = store.create(key)
        writer.close()

    assert list(store.iter_keys()) == sorted(keys)
