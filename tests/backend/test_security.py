"""Keys and secrets: made once however many start together, kept as hashes, and checked by scope."""

import json
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from Backend.errors import KeyInvalid, KeyMissing, KeyNameTaken, KeyNotFound, ScopeMissing, SecretUnusable
from Backend.secretfiles import read_or_create
from Backend.security import ApiKeys, new_key


def make_secret(path: Path) -> str:
    return read_or_create(path, new_key)


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        secrets = set(pool.map(make_secret, [tmp_path / "secrets" / "token"] * 12))
    assert len(secrets) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["token"]


def test_only_the_owner_reads_a_secret(tmp_path: Path) -> None:
    make_secret(tmp_path / "secrets" / "token")
    assert stat.S_IMODE((tmp_path / "secrets" / "token").stat().st_mode) == 0o600


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    with pytest.raises(SecretUnusable, match="fewer than"):
        make_secret(tmp_path / "token")


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    with pytest.raises(SecretUnusable):
        make_secret(tmp_path / "token")


@pytest.fixture
def keys(tmp_path: Path) -> ApiKeys:
    return ApiKeys(tmp_path / "api_key", tmp_path / "keys.json")


def test_the_first_key_may_do_everything(keys: ApiKeys) -> None:
    first = keys.first_key()
    assert keys.first_key() == first
    assert keys.check(first, "catalogue") == "first"
    assert keys.check(first, "metrics") == "first"


def test_a_made_key_may_do_what_its_scopes_say(keys: ApiKeys) -> None:
    key = keys.create("shop", ("metrics",))
    assert keys.check(key, "metrics") == "shop"
    with pytest.raises(ScopeMissing, match="catalogue"):
        keys.check(key, "catalogue")


def test_no_key_and_a_wrong_key(keys: ApiKeys) -> None:
    with pytest.raises(KeyMissing):
        keys.check(None, "catalogue")
    with pytest.raises(KeyInvalid):
        keys.check("slk_guess", "catalogue")
    with pytest.raises(KeyInvalid):
        keys.check("Schlüssel", "catalogue")


def test_the_key_itself_is_not_kept(keys: ApiKeys, tmp_path: Path) -> None:
    key = keys.create("shop", ("catalogue",))
    text = (tmp_path / "keys.json").read_text()
    assert key not in text
    assert json.loads(text)["format"] == 1


@pytest.mark.parametrize(
    "content", ["{}", "[]", "slk", '{"format": 2, "keys": []}', '{"format": 1, "keys": [{"name": "shop"}]}', "\xff"]
)
def test_a_file_of_keys_that_is_not_ours_is_told(keys: ApiKeys, tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(SecretUnusable, match=r"keys\.json cannot be read .*: restore the file\.$") as caught:
        keys.check("slk_guess", "catalogue")
    assert "\n" not in str(caught.value)


def test_keys_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretUnusable, match="cannot be"):
        ApiKeys(tmp_path / "api_key", tmp_path / "file" / "keys.json").create("shop", ("catalogue",))


def test_a_name_is_taken_once_and_can_be_revoked(keys: ApiKeys) -> None:
    key = keys.create("shop", ("catalogue",))
    with pytest.raises(KeyNameTaken):
        keys.create("shop", ("catalogue",))
    keys.revoke("shop")
    with pytest.raises(KeyInvalid):
        keys.check(key, "catalogue")
    with pytest.raises(KeyNotFound):
        keys.revoke("shop")
