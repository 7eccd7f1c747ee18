"""Learning block by block: what blocks are given, what they are asked, and what they can know."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert", reason="the teachers need ai-edge-litert")

from PIL import Image  # noqa: E402

from Model.errors import TrainingError  # noqa: E402
from Model.training.blockwise import (  # noqa: E402
    CHANNELS,
    FIRST,
    LINKS,
    MOST,
    SCALE,
    SHIFT,
    BlockLesson,
    Blocks,
    BlockTeachers,
    given_last,
    imitate,
    imitate_end,
    prepare,
    see,
)
from Model.training.cache import build_cache, build_garments  # noqa: E402
from Model.training.datasets import PictureSet, make_vocabulary, over_white  # noqa: E402
from Model.training.losses import Weights  # noqa: E402
from Model.training.recipe import TEACHER_FILES  # noqa: E402
from Model.training.resnet import resnet_trunk  # noqa: E402
from Model.training.stage import Stage, make_network, normalise  # noqa: E402
from Model.training.teachers import load_teacher  # noqa: E402
from Model.training.train_encoder import train  # noqa: E402
from Model.training.validate import figures  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]

Tuned = tuple[Path, tuple[str, str]]


class Whole:
    """A segmenter that takes every picture for a garment."""

    identity = "whole"
    file = None
    min_coverage = 0.02

    def masks(self, images: list[Image.Image]) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
        """Return full masks."""
        return [np.full((image.height, image.width), 255, np.uint8) for image in images]


@pytest.fixture(scope="module")
def tuned(drawn_data: Path, shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Return a cache of drawn sets, and the checkpoints of both teachers after a step."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("blocks")
    cache = root / "cache"
    build_cache(drawn_data, cache)
    build_garments(drawn_data, cache, Whole())
    files = [str(shared_dir / "models" / "teachers" / name) for name in TEACHER_FILES]
    stage = Stage(name="", size=64, steps=1, mix=(4, 2, 2, 4), warmup=1, weights=Weights(hints=0))
    paths = [train(replace(stage, name=f"t{at}", arch=file), cache, root) for at, file in enumerate(files)]
    return cache, (str(paths[0]), str(paths[1]))


@pytest.fixture(scope="module")
def teachers(tuned: Tuned) -> BlockTeachers:
    """Return both teachers."""
    return BlockTeachers(tuned[1])


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Return six pictures of coarse noise."""
    return torch.nn.functional.interpolate(torch.rand(6, 3, 8, 8), size=(64, 64), mode="bilinear")


@pytest.fixture(scope="module")
def lesson(teachers: BlockTeachers, images: torch.Tensor) -> BlockLesson:
    """Return what the teachers make of them."""
    return teachers(images)


def student(lesson: BlockLesson) -> tuple[torch.nn.Module, Blocks]:
    """Return a fresh student that is ready for its first step."""
    torch.manual_seed(5)
    trunk, blocks = resnet_trunk("resnet34"), Blocks(2)
    prepare(trunk)
    blocks.calibrate(lesson)
    return trunk.train(), blocks


def test_a_centred_teacher_sees_what_the_other_one_sees_one_place_further(shared_dir: Path) -> None:
    """Its first convolution, of stride 2, begins one pixel further left and above."""
    path = shared_dir / "models" / "teachers" / TEACHER_FILES[0]
    plain, centred = load_teacher(path), load_teacher(path)
    centred.centre()
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    moved = torch.nn.functional.pad(picture, (1, 0, 1, 0))
    with torch.no_grad():
        assert torch.allclose(centred.stem(picture), plain.stem(moved), atol=1e-5)
        assert not torch.allclose(centred.stem(picture), plain.stem(picture), atol=0.1)
        before, after = (network.with_maps(picture, tuple(CHANNELS))[1] for network in (plain, centred))
    assert [one.shape for one in before] == [one.shape for one in after]


def test_the_lesson_is_what_the_teachers_themselves_say(
    tuned: Tuned, teachers: BlockTeachers, images: torch.Tensor, lesson: BlockLesson
) -> None:
    for at, path in enumerate(tuned[1]):
        saved = torch.load(path, weights_only=False)
        network = make_network(saved["stage"]["arch"])
        network.load_state_dict(saved["average"])
        network.eval().trunk.centre()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            pooled = network.trunk(normalise(images, saved["stage"]["arch"]))
        expected = network.neck(network.reduce(pooled.float())).detach()
        assert torch.allclose(lesson.features[at], expected, atol=0.02 * float(expected.abs().max()))
        head = saved["average_heads"]
        logits = expected @ head["heads.category_head.weight"].T + head["heads.category_head.bias"]
        assert torch.allclose(lesson.logits[at], logits, atol=0.02 * float(logits.abs().max()))
    assert {number: one.shape[1] for number, one in lesson.maps.items()} == {
        number: 2 * width for number, width in CHANNELS.items()
    }


def test_channels_stand_for_the_teachers_values_in_deviations(lesson: BlockLesson) -> None:
    blocks = Blocks(2)
    blocks.calibrate(lesson)
    for link in LINKS:
        values, scale = lesson.maps[link.sought], lesson.maps[SCALE[link.sought]]
        carried = blocks.carried(link.sought, values)
        for channel in (0, values.shape[1] - 1):
            mean, deviation = scale[:, channel].mean(), scale[:, channel].std()
            expected = ((values[:, channel] - mean) / deviation + SHIFT).clamp(min=0)
            assert torch.allclose(carried[:, channel], expected, atol=1e-3)


def test_every_teachers_channel_has_a_place_in_the_student(lesson: BlockLesson) -> None:
    widths = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
    for link in LINKS:
        end = link.first + MOST * CHANNELS[link.sought]
        assert end <= widths[link.blocks[-1].split(".")[0]], link
    named = [block for link in LINKS for block in link.blocks]
    assert named == [f"layer{at + 1}.{n}" for at, count in enumerate((3, 4, 6, 1)) for n in range(count)]
    chain = [link.given for link in LINKS[1:]]
    assert chain == [link.sought for link in LINKS[:-1]]  # each goes on where the one before it ends


def test_forced_pictures_are_given_the_teachers_maps_and_the_others_are_not(
    lesson: BlockLesson, images: torch.Tensor
) -> None:
    trunk, blocks = student(lesson)
    given: dict[str, torch.Tensor] = {}
    for name in (*(link.blocks[0] for link in LINKS[1:]), "layer4.1"):
        trunk.get_submodule(name).register_forward_pre_hook(
            lambda _, inputs, name=name: given.update({name: inputs[0].detach()})
        )
    forced = torch.tensor([True, False, True, False, False, True])
    blocks(trunk, normalise(images, "resnet34"), lesson, forced)
    for link, name in [(link, link.blocks[0]) for link in LINKS[1:]] + [(None, "layer4.1")]:
        number = link.given if link else LINKS[-1].sought
        assert number is not None
        first, expected = FIRST[number], blocks.carried(number, lesson.maps[number])
        found = given[name][:, first : first + expected.shape[1]]
        assert torch.allclose(found[forced], expected[forced], atol=1e-5), name
        assert not torch.allclose(found[~forced], expected[~forced], atol=0.1), name


@pytest.mark.parametrize("forced", [True, False])
def test_each_link_learns_for_itself_while_maps_are_forced(
    lesson: BlockLesson, images: torch.Tensor, forced: bool
) -> None:
    """Forced or not, what a picture's forcing cuts is the way back; without any, all blocks learn from every loss."""
    trunk, blocks = student(lesson)
    asked = torch.zeros(len(images), dtype=torch.bool) if forced else None
    _, losses = blocks(trunk, normalise(images, "resnet34"), lesson, asked)
    losses["layer3.1"].backward()
    learning = {name.rsplit(".", 2)[0] for name, value in trunk.named_parameters() if value.grad is not None}
    before = {"layer3.0", "layer2.3", "layer1.0"}
    assert "layer3.1" in learning
    assert learning & before == (set() if forced else before)
    assert not learning & {"layer3.2", "layer4.2"}


def test_a_link_loses_the_share_of_the_variance_that_it_cannot_tell(lesson: BlockLesson, images: torch.Tensor) -> None:
    trunk, blocks = student(lesson)
    maps: dict[str, torch.Tensor] = {}
    trunk.get_submodule("layer2.1").register_forward_hook(lambda _, __, out: maps.update({"out": out.detach()}))
    with torch.no_grad():
        _, losses = blocks(trunk, normalise(images, "resnet34"), lesson, None)
    values = lesson.maps[4]
    deviation = lesson.maps[5].std(dim=(0, 2, 3), keepdim=True)
    mean = lesson.maps[5].mean(dim=(0, 2, 3), keepdim=True)
    sought = ((values - mean) / deviation + SHIFT).clamp(min=0)
    slow = []
    for channel in range(values.shape[1]):
        wrong = (maps["out"][:, channel] - sought[:, channel]).square().mean()
        slow.append(float(wrong / max(float((values / deviation)[:, channel].var()), 0.05)))
    assert float(losses["layer2.1"]) == pytest.approx(float(np.mean(slow)), rel=1e-3)


def test_what_the_end_loses_is_told_by_hand(teachers: BlockTeachers, lesson: BlockLesson, images: torch.Tensor) -> None:
    """Places as a share of their variance, features by their angle, names by what both heads would say."""
    trunk, blocks = student(lesson)
    with torch.no_grad():
        total, parts, pooled = imitate(blocks, teachers, trunk, images, "resnet34", None)
        with torch.autocast("cpu", torch.bfloat16):
            last, links = blocks(trunk, normalise(images, "resnet34"), lesson, None)
            places = blocks.read(last)
    assert torch.allclose(pooled, last.float().flatten(2).mean(dim=2), atol=1e-4)
    spread = lesson.places.std(dim=(0, 2, 3), keepdim=True)
    expected = {
        "places": float(((places - lesson.places) / spread).square().mean()),
        "features": 0.0,
        "categories": 0.0,
    }
    told = teachers.features(places)
    for mine, theirs in zip(told, lesson.features, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            expected["features"] += (1 - float(one @ other / one.norm() / other.norm())) / len(images)
    for mine, theirs in zip(teachers.logits(told), lesson.logits, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            p, q = (other / 2).softmax(0), (one / 2).softmax(0)
            expected["categories"] += float((p * (p / q).log()).sum()) / len(images)
    for name, value in expected.items():
        assert parts[name] == pytest.approx(value, rel=0.02, abs=1e-4), name
    ends = 2 * parts["places"] + 3 * parts["features"] + 1.5 * parts["categories"]
    assert float(total) == pytest.approx(sum(float(links[name]) for name in links) + ends, rel=0.01)


def test_channels_in_the_way_are_cleared() -> None:
    torch.manual_seed(2)
    trunk = resnet_trunk("resnet34").train()
    fresh = trunk.get_submodule("layer3.3")
    x = (torch.randn(8, 256, 6, 6) + SHIFT).clamp(min=0)
    with torch.no_grad():
        passed = fresh(x)
        prepare(trunk)
        cleared = fresh(x)
    first, end = FIRST[10], MOST * CHANNELS[9]
    assert float(passed[:, first:end].std()) > 0.9  # a fresh block passes them on
    assert float(cleared[:, first:end].std()) < 0.15
    assert torch.allclose(cleared[:, first:end].mean(), torch.tensor(SHIFT), atol=0.1)


def test_a_student_learns_the_teachers_maps(teachers: BlockTeachers, lesson: BlockLesson, images: torch.Tensor) -> None:
    """A few steps on six pictures: what every link loses falls, with maps forced and then without."""
    trunk, blocks = student(lesson)
    optimiser = torch.optim.AdamW([*trunk.parameters(), *blocks.parameters()], lr=3e-3)
    for forced in (torch.ones(6, dtype=torch.bool), None):
        told = []
        for _ in range(8):
            loss, parts, _ = imitate(blocks, teachers, trunk, images, "resnet34", forced)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            told.append(parts)
        assert set(told[0]) == {link.blocks[-1] for link in LINKS} | {"layer4.1", "places", "features", "categories"}
        links = [name for name in told[0] if name.startswith("layer")]
        assert np.mean([told[-1][name] for name in links]) < 0.9 * np.mean([told[0][name] for name in links])
        assert told[-1]["features"] < told[0]["features"]


def test_a_student_is_judged_by_its_teachers_heads(tuned: Tuned, teachers: BlockTeachers, lesson: BlockLesson) -> None:
    cache, _ = tuned
    trunk, blocks = student(lesson)
    vocabulary = make_vocabulary(json.loads((cache / "shop.json").read_text()))
    source = PictureSet(cache, "garments", vocabulary, split="val")
    vectors, logits = see(blocks, teachers, trunk, "resnet34", source, 64, batch=3)
    assert vectors.shape == (len(source), 1024) and logits.shape == (len(source), 13)
    pictures = over_white(source.pictures(np.arange(len(source)), 64))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        places = blocks.read(blocks(trunk.eval(), normalise(pictures, "resnet34"), None)[0])
    features = teachers.features(places)
    slow = torch.stack([torch.cat([one[at] / one[at].norm() for one in features]) for at in range(len(source))])
    assert torch.allclose(vectors, slow, atol=0.02)
    assert torch.allclose(logits, sum(teachers.logits(features)) / 2, atol=0.05 * float(logits.abs().max()))
    assert set(figures(vectors, logits, source)) == {"accuracy", "balanced", "p5"}


def test_a_stage_goes_on_from_another_and_is_where_the_next_one_begins(tuned: Tuned, tmp_path: Path) -> None:
    cache, names = tuned
    stage = Stage(
        name="forced", size=64, steps=3, mix=(2, 1, 1, 2), mixed=2, warmup=1, teachers=names, blocks=(0.5, 0.9),
        judge="garments",
    )  # fmt: skip
    first = train(stage, cache, tmp_path)
    together = train(replace(stage, name="together", start=str(first), blocks=(0, 0), ceiling=0.998), cache, tmp_path)
    states = [torch.load(path, weights_only=False) for path in (first, together)]
    for name in ("mean2", "deviation12", "spread"):  # what channels stand for stays what it was
        assert states[0]["average_heads"][f"blocks.{name}"].equal(states[1]["average_heads"][f"blocks.{name}"])
    assert not states[0]["average"]["trunk.conv1.weight"].equal(states[1]["average"]["trunk.conv1.weight"])
    assert states[0]["limits"] is None and states[1]["limits"] is not None
    # The labels are learned beside the blocks, but not while maps are forced.
    head = "heads.category_head.weight"
    assert states[0]["average"]["neck.num_batches_tracked"] == 0
    assert states[1]["average"]["neck.num_batches_tracked"] == 3
    assert not states[1]["average_heads"][head].equal(states[0]["average_heads"][head])
    lines = [json.loads(line) for line in (tmp_path / "together.jsonl").read_text().splitlines()]
    assert [line["set"] for line in lines] == ["garments"]
    labelled = Stage(name="labelled", size=64, steps=1, mix=(2, 1, 1, 2), warmup=1, start=str(together))
    assert train(labelled, cache, tmp_path).exists()


def test_a_network_without_channels_of_its_own_has_them_measured(tuned: Tuned, tmp_path: Path) -> None:
    """The shipped encoder has kept what its channels carry, not what they stand for."""
    cache, names = tuned
    ordinary = train(Stage(name="o", size=64, steps=1, mix=(2, 1, 1), warmup=1), cache, tmp_path)
    stage = Stage(
        name="blocks", size=64, steps=1, mix=(2, 1, 1), warmup=1, rate=1e-9, teachers=names, blocks=(0, 0),
        start=str(ordinary),
    )  # fmt: skip
    states = [torch.load(path, weights_only=False) for path in (ordinary, train(stage, cache, tmp_path))]
    assert not states[1]["average_heads"]["blocks.deviation12"].eq(1).any()
    for name in ("trunk.layer1.2.bn2.bias", "trunk.layer3.3.conv1.weight"):  # not begun anew
        assert torch.allclose(states[0]["average"][name], states[1]["average"][name], atol=1e-6)


def test_the_last_stage_alone_is_asked_what_all_together_are(
    teachers: BlockTeachers, lesson: BlockLesson, images: torch.Tensor
) -> None:
    """What it is given is what the whole student gives it, and what is lost at the end is the same."""
    trunk, blocks = student(lesson)
    trunk.eval()
    given = given_last(trunk, images, "resnet34")
    assert given.shape == (6, 256, 4, 4)
    with torch.no_grad():
        _, whole, pooled = imitate(blocks, teachers, trunk, images, "resnet34", None)
        _, parts, alone = imitate_end(blocks, teachers, trunk, given, replace(lesson, maps={}))
    assert set(parts) == {"places", "features", "categories"}
    for name, value in parts.items():
        assert value == pytest.approx(whole[name], rel=0.02, abs=1e-4), name
    assert torch.allclose(alone, pooled, atol=0.03 * float(pooled.abs().max()))


def test_the_last_stage_learns_alone_from_one_teacher_where_two_taught_before(tuned: Tuned, tmp_path: Path) -> None:
    cache, names = tuned
    stage = Stage(
        name="both", size=64, steps=2, mix=(2, 1, 1, 2), mixed=2, warmup=1, teachers=names, blocks=(0, 0),
        judge="garments",
    )  # fmt: skip
    both = train(stage, cache, tmp_path)
    alone = replace(stage, name="end", start=str(both), teachers=names[:1], rest="layer3", passes=3, steps=4)
    states = [torch.load(path, weights_only=False) for path in (both, train(alone, cache, tmp_path))]
    before, after = (state["average"] for state in states)
    for name, value in before.items():
        if name.startswith(("trunk.conv1", "trunk.bn1", "trunk.layer1", "trunk.layer2", "trunk.layer3")):
            assert value.equal(after[name]), name  # running statistics, too
        elif name.startswith("trunk.layer4") and "num_batches" not in name:
            assert not value.equal(after[name]), name
    heads = [state["average_heads"] for state in states]
    assert heads[1]["blocks.deviation12"].equal(heads[0]["blocks.deviation12"][:, :96])
    assert heads[1]["blocks.places.weight"].shape == (512, 512, 1, 1)
    again = replace(alone, name="two", start=str(tmp_path / "end.pt"), teachers=names, rest="")
    widened = torch.load(train(again, cache, tmp_path), weights_only=False)["average_heads"]
    assert widened["blocks.deviation12"].shape[1] == 192 and not widened["blocks.deviation12"].eq(1).any()


def test_the_wrong_teachers_are_refused(tuned: Tuned, tmp_path: Path) -> None:
    cache, names = tuned
    student_path = train(Stage(name="s", arch="resnet18", size=32, steps=1, mix=(2, 1, 1), warmup=1), cache, tmp_path)
    for wrong in ((), (*names, names[0]), (names[0], str(student_path))):
        with pytest.raises(TrainingError, match="one or two tuned MobileNetV2"):
            BlockTeachers(wrong)
    for blocks in ((0.9, 0.5), (0.5, 1.5), (-0.1, 0.5)):
        with pytest.raises(ValueError, match="two shares"):
            Stage(name="x", teachers=names, blocks=blocks)
    with pytest.raises(ValueError, match="two shares"):
        Stage(name="x", arch="resnet18", teachers=names, blocks=(0, 0))
    with pytest.raises(ValueError, match="before its last one"):
        Stage(name="x", rest="layer4")
    with pytest.raises(ValueError, match="do not rest"):
        Stage(name="x", teachers=names, blocks=(0.2, 0.5), rest="layer3")
