"""The command line: the same answers as the API, and one sentence for what cannot be done."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import requests
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from Backend.cli import app
from Backend.errors import PathUnusable, PortInUse
from Backend.schemas import SimilarAnswer
from Backend.services import open_catalogue
from Backend.settings import Settings, child_environment
from Data.errors import IndexMissing
from tests.backend.conftest import DrawnPhoto

run = CliRunner().invoke


@pytest.fixture
def photo(photos: list[DrawnPhoto], tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photos[4].data)
    return path


def test_search_answers_like_the_api(
    client: TestClient, settings: Settings, photos: list[DrawnPhoto], photo: Path
) -> None:
    result = run(
        app, ["search", str(photo), "--crop", "0,0,1,0.9", "-k", "5", "--json", "--data-dir", str(settings.data_dir)]
    )
    assert result.exit_code == 0, result.output
    ours = SimilarAnswer.model_validate_json(result.stdout)
    theirs = client.post(
        "/api/recommendations/similar-images",
        files={"file": photos[4].data},
        data={"crop": "0,0,1,0.9", "limit": "5"},
    ).json()
    assert [p.product_id for p in ours.similar_products] == [p["product_id"] for p in theirs["similar_products"]]
    # Another process, the same secret and networks: the token is one and the same.
    assert ours.query_token == theirs["query_token"]


def test_search_as_a_table(settings: Settings, photos: list[DrawnPhoto], photo: Path) -> None:
    result = run(app, ["search", str(photo), "-k", "3", "--data-dir", str(settings.data_dir)])
    assert result.exit_code == 0, result.output
    assert photos[4].product_id in result.stdout


def test_search_shows_names_as_they_are(
    settings: Settings, photos: list[DrawnPhoto], photo: Path, data_dir: Path
) -> None:
    shutil.copytree(settings.data_dir, data_dir)
    with open_catalogue(Settings(data_dir=data_dir)) as catalogue:
        product = catalogue.get(photos[4].product_id)
        catalogue.upsert([product.model_copy(update={"name": "[/b] [red]Dress"})])
    result = run(app, ["search", str(photo), "-k", "1", "--data-dir", str(data_dir)])
    assert result.exit_code == 0, result.exception
    assert "[/b] [red]Dress" in " ".join(result.stdout.split())


def test_search_that_finds_nothing_says_so(settings: Settings, photo: Path) -> None:
    result = run(app, ["search", str(photo), "--category", "no-such", "--data-dir", str(settings.data_dir)])
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("No product that passes the filters can be found by its looks")


def test_search_of_a_file_that_is_not_there(settings: Settings) -> None:
    result = run(app, ["search", "/no/such/photo.jpg", "--data-dir", str(settings.data_dir)])
    assert isinstance(result.exception, PathUnusable)


def test_import_then_index_then_facts(tmp_path: Path, photos: list[DrawnPhoto]) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    for number, drawn in enumerate(photos[:3]):
        (folder / f"{number}.jpg").write_bytes(drawn.data)
    (folder / "shop.csv").write_text("sku,title,image\na,One,0.jpg\nb,Two,1.jpg\nc,,2.jpg\nd,Four,9.jpg\n")
    data = ["--data-dir", str(tmp_path / "data")]
    imported = run(app, ["import", "table", str(folder / "shop.csv"), *data])
    assert imported.exit_code == 0, imported.output
    assert "product_id = sku" in imported.stdout
    assert "4 rows: 3 created" in imported.stdout
    assert "row 3" in imported.output
    indexed = run(app, ["index", *data])
    assert indexed.exit_code == 0, indexed.output
    assert "processed 2, succeeded 2, failed 0, skipped 0" in indexed.stdout
    again = run(app, ["index", *data])
    assert "processed 0, succeeded 0, failed 0, skipped 2" in again.stdout
    facts = run(app, ["index", "facts", "--json", *data])
    assert json.loads(facts.stdout)["count"] == 2
    rebuilt = run(app, ["index", "--rebuild", *data])
    assert "Built the index" in rebuilt.stdout
    assert run(app, ["index", "rollback", *data]).exit_code == 0


@pytest.mark.parametrize(
    "option", [["--rebuild"], ["--category", "dress"], ["--limit", "5"]], ids=lambda option: option[0]
)
def test_watching_refuses_what_it_would_not_do(tmp_path: Path, option: list[str]) -> None:
    result = run(app, ["index", "--watch", *option, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert f"Invalid value for {option[0]}: goes without --watch" in plain(result.output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "--data-dir", "shop", "rollback"],
        ["index", "--rebuild", "facts"],
        ["evaluate", "--limit", "20", "api", "photos", "--split", "val.csv"],
    ],
    ids=" ".join,
)
def test_an_option_before_a_subcommand_is_refused(arguments: list[str]) -> None:
    result = run(app, arguments)
    assert result.exit_code == 2
    subcommand = next(word for word in arguments if word in ("rollback", "facts", "api"))
    assert f"Invalid value for {arguments[1]}: it does not count for `{subcommand}`" in plain(result.output)


def plain(output: str) -> str:
    """Return a message without the frame that is drawn around it."""
    return " ".join(output.replace("│", " ").split())


def test_facts_without_an_index(tmp_path: Path) -> None:
    assert isinstance(run(app, ["index", "facts", "--data-dir", str(tmp_path)]).exception, IndexMissing)


def test_keys(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path)]
    made = run(app, ["key", "create", "shop", "--scope", "catalogue", *data])
    assert made.stdout.startswith("slk_")
    assert run(app, ["key", "list", *data]).stdout.startswith("shop\tcatalogue\t")
    assert run(app, ["key", "create", "shop", "--scope", "everything", *data]).exit_code == 2
    assert run(app, ["key", "revoke", "shop", *data]).exit_code == 0
    assert run(app, ["key", "list", *data]).stdout == ""
    assert run(app, ["key", "first", *data]).stdout == run(app, ["key", "first", *data]).stdout


def test_tables(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path)]
    assert run(app, ["db", "check", *data]).exception is not None
    assert run(app, ["db", "upgrade", *data]).exit_code == 0
    assert "hold 0 products" in run(app, ["db", "check", *data]).stdout


def test_the_version_is_the_packages(client: TestClient, repository: Path) -> None:
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    assert run(app, ["--version"]).stdout.strip() == version
    assert client.get("/openapi.json").json()["info"]["version"] == version


def test_models_are_listed() -> None:
    listed = run(app, ["models", "list"])
    assert listed.exit_code == 0
    assert "resnet34" in listed.stdout


def similook(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "Backend.cli", *arguments],
        capture_output=True,
        text=True,
        env=child_environment(variables),
        timeout=120,
    )


def test_an_impossible_setting_is_named() -> None:
    done = similook("db", "check", SIMILOOK_PORT="many")
    assert done.returncode == 2
    assert "SIMILOOK_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_of_ours_is_one_sentence(tmp_path: Path) -> None:
    done = similook("serve", "--data-dir", str(tmp_path), "--port", "0")
    assert done.returncode == 1
    assert "similook db upgrade" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_network_that_is_not_there_is_told_before_the_service_starts(tmp_path: Path) -> None:
    done = similook("serve", "--data-dir", str(tmp_path), "--port", "0", SIMILOOK_ENCODER="nope")
    assert done.returncode == 1
    assert done.stderr.strip() == "There is no encoder 'nope': choose resnet34, or a model folder."


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SIMILOOK_PORT": "abc"}, "SIMILOOK_PORT: Input should be a valid integer"),
        ({"SIMILOOK_SEGMENTER": "nope", "SIMILOOK_PORT": "0"}, "There is no segmenter 'nope'"),
    ],
)
def test_the_classic_way_tells_what_is_wrong(repository: Path, variables: dict[str, str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=repository / "Backend",
        env=child_environment(variables),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_a_port_in_use_names_the_port_and_the_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option, with_make in (("--port", "PORT=8001"), ("--page-port", "PAGE_PORT=8502")):
            result = run(app, ["demo", option, str(port), "--data-dir", str(tmp_path)])
            assert isinstance(result.exception, PortInUse)
            assert str(result.exception) == (
                f"Port {port} is in use by another program; stop it, or choose another port with {option} "
                f"(with make: {with_make})."
            )


def test_make_passes_the_ports_on(repository: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")

    def recipe(*variables: str) -> str:
        done = subprocess.run(["make", "-n", "demo", *variables], cwd=repository, capture_output=True, text=True)
        return (
            next(line for line in done.stdout.splitlines() if "/similook demo" in line).split("/similook ")[1].strip()
        )

    assert recipe() == "demo"
    assert recipe("PORT=8001", "PAGE_PORT=8502").split() == ["demo", "--port", "8001", "--page-port", "8502"]


def test_every_target_of_make_does_something(repository: Path) -> None:
    text = (repository / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    assert [name for name in phony if not re.search(rf"^{name}:", text, re.MULTILINE)] == []


def test_make_check_runs_every_gate_in_order(repository: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "-n", "check"], cwd=repository, capture_output=True, text=True)
    steps = re.findall(r"/(ruff format --check|ruff check|mypy|lint-imports|python -m pytest)", done.stdout)
    assert steps == ["ruff format --check", "ruff check", "mypy", "lint-imports", "python -m pytest"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_demo_starts_and_stops(settings: Settings) -> None:
    port, page_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "Backend.cli", "demo", "--port", str(port), "--page-port", str(page_port)],
        env=child_environment({"SIMILOOK_DATA_DIR": str(settings.data_dir), "SIMILOOK_THREADS": "1"}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(3)]
        assert lines[0].endswith(f"http://127.0.0.1:{port}/docs")
        assert lines[1].endswith(f"http://127.0.0.1:{page_port}")
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).ok
        assert requests.get(f"http://127.0.0.1:{page_port}/", timeout=10).ok
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert output.strip().endswith("Stopped.")
    for closed in (port, page_port):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{closed}/", timeout=5)


def test_the_demo_can_be_stopped_while_it_draws(data_dir: Path) -> None:
    port, page_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "Backend.cli", "demo", "--port", str(port), "--page-port", str(page_port)],
        env=child_environment({"SIMILOOK_DATA_DIR": str(data_dir), "SIMILOOK_THREADS": "1"}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline() == "Drawing the sample catalogue.\n"
            process.terminate()
            output, _ = process.communicate(timeout=40)
        finally:
            process.kill()
    assert process.returncode == 130
    assert output == ""
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{page_port}/", timeout=5)


def test_the_demo_without_a_page_ends_on_sigterm(settings: Settings) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "Backend.cli", "demo", "--no-page", "--port", str(port)],
        env=child_environment({"SIMILOOK_DATA_DIR": str(settings.data_dir), "SIMILOOK_THREADS": "1"}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().endswith(f"http://127.0.0.1:{port}/docs")
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert output.strip().endswith("Stopped.")


def test_the_classic_way_to_start(settings: Settings, repository: Path) -> None:
    """`cd Backend && python main.py` serves, too."""
    port = free_port()
    variables = settings.model_copy(update={"port": port}).environment()
    process = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=repository / "Backend",
        env=child_environment(variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
                break
            except requests.ConnectionError:
                time.sleep(0.1)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=40)
    # One JSON object a line, the request's own id in it.
    lines = [json.loads(line) for line in log.splitlines()]
    request = next(line for line in lines if line["event"] == "request")
    assert (request["path"], request["status"]) == ("/readyz", 200)
    assert request["request_id"]
