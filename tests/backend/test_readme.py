"""What the documents tell people to type works as it stands, and what they point to is there."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from Backend.cli import app
from tests.backend.conftest import DrawnPhoto
from tests.conftest import REPOSITORY

DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "Backend/*.md", "Frontend/*.md", "Model/*.md", "Data/*.md")
    for path in REPOSITORY.glob(pattern)
)
FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FEED = """<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>fed</g:id><g:title>From the feed</g:title><g:price>10 EUR</g:price></item></channel></rss>"""


def typed(text: str) -> Iterator[str]:
    """Return the command lines of a document's shell blocks; of one for a container, what runs inside."""
    for kind, block in FENCED.findall(text):
        if kind == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                yield re.sub(r"^docker compose .* (?=similook )", "", line.split(" #")[0].strip())


def mentioned(text: str) -> Iterator[str]:
    """Return what stands between backticks in a document's sentences."""
    yield from (code.strip() for code in INLINE.findall(FENCED.sub("", text)))


def read(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def starting(program: str, find: Callable[[str], Iterator[str]]) -> list[str]:
    """Return every such line of any document that starts a program."""
    return sorted({line for document in DOCUMENTS for line in find(read(document)) if line.split(" ")[0] == program})


def parse(line: str) -> str:
    """Read a command line as the program does, without running it; return the command that it names."""
    context = typer.main.get_command(app).make_context("similook", shlex.split(line)[1:])
    while hasattr(context.command, "resolve_command") and (rest := [*context._protected_args, *context.args]):
        name, inner, rest = context.command.resolve_command(context, rest)
        context = inner.make_context(name, rest, parent=context)
    return str(context.command_path)


@pytest.mark.parametrize("line", starting("similook", typed))
def test_the_command_line_understands_what_is_typed(line: str) -> None:
    assert line.startswith(parse(line))


@pytest.mark.parametrize("line", [line for line in starting("similook", mentioned) if " " in line])
def test_the_command_line_knows_what_is_mentioned(line: str) -> None:
    """A sentence may leave out what a command needs, but names nothing that is not there."""
    try:
        parse(line)
    except typer.BadParameter as error:
        assert "Missing" in str(error)


@pytest.mark.parametrize("line", starting("make", typed) + starting("make", mentioned))
def test_make_knows_the_target(line: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run([*shlex.split(line), "-n"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in LINK.findall(FENCED.sub("", read(document))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (REPOSITORY / document).parent / name if name else REPOSITORY / document
        assert path.exists(), f"{document}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("room", ["Backend", "Frontend"])
def test_a_rooms_table_names_files_that_are_there(room: str) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", read(f"{room}/README.md"), re.MULTILINE)
    names = [name for row in rows for name in INLINE.findall(row)]
    assert len(names) > 5
    assert [name for name in names if not (REPOSITORY / room / name).exists()] == []


def test_the_tree_of_the_readme_is_there() -> None:
    (tree,) = re.findall(r"## The tree\n\n```\n(.*?)```", read("README.md"), re.DOTALL)
    assert [name for name in re.findall(r"^(\w+)/", tree, re.MULTILINE) if not (REPOSITORY / name).is_dir()] == []


def test_your_own_catalogue_in_five_lines(
    photos: list[DrawnPhoto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the block of README.md in a folder that holds what it names, the feed's address being a file."""
    section = read("README.md").split("## Your own catalogue")[1].split("\n## ")[0]
    lines = [line for line in typed(section) if line]
    assert len(lines) == 5
    (tmp_path / "google.xml").write_text(FEED)
    (tmp_path / "a.jpg").write_bytes(photos[0].data)
    (tmp_path / "products.csv").write_text("id,title,image,price,currency\n1,Of the table,a.jpg,12.50,EUR\n")
    (tmp_path / "photo.jpg").write_bytes(photos[0].data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMILOOK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SIMILOOK_THREADS", "1")
    said = ""
    for line in lines:
        arguments = shlex.split(line.replace("https://shop.example/feeds/google.xml", "google.xml"))[1:]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, (line, result.output, result.exception)
        said += result.output
    assert "Of the table" in said
    assert (tmp_path / "audit.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_curl_of_the_api_document(base_url: str, photos: list[DrawnPhoto], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    line = next(line for line in typed(read("docs/api.md")) if line.startswith("curl -F"))
    (tmp_path / "photo.jpg").write_bytes(photos[0].data)
    arguments = shlex.split(line.replace("http://127.0.0.1:8000", base_url))
    done = subprocess.run([*arguments, "-sS", "--fail"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '"total_count":1' in done.stdout


def test_the_picture_of_the_page_is_ours_and_small() -> None:
    (name,) = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", read("README.md"))
    with Image.open(REPOSITORY / name) as picture:
        assert picture.width >= 1000
    assert (REPOSITORY / name).stat().st_size < 500_000
