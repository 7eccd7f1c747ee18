"""The colours and names beside the features: against CIE's own figures, against loops, and through ONNX and int8."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from Model.probe import unit  # noqa: E402
from Model.training.beside import Beside, narrowing  # noqa: E402
from Model.training.export import export_onnx, open_session, quantise, run_onnx  # noqa: E402
from Model.training.naming import TEMPERATURE, Naming, fit_naming, head_of  # noqa: E402
from Model.training.palette import CENTRE, COLOURS, SPREAD, Palette, cells, fit_palette, to_lab  # noqa: E402
from Model.training.publish_encoder import two_looks  # noqa: E402
from Model.training.resnet import DIM, Encoder, build_encoder  # noqa: E402
from Model.training.stage import normalise  # noqa: E402
from Model.training.warm_start import served_constants, served_limits, unfold  # noqa: E402

pytestmark = pytest.mark.torch

SHADES = {
    "navy": (0.10, 0.13, 0.32),
    "black": (0.08, 0.08, 0.08),
    "red": (0.75, 0.10, 0.12),
    "white": (0.96, 0.96, 0.95),
}
# sRGB and CIELAB (D65) of its corners and a grey, by Bruce Lindbloom's calculator.
KNOWN = (
    ((255, 0, 0), (53.2408, 80.0925, 67.2032)),
    ((0, 255, 0), (87.7347, -86.1827, 83.1793)),
    ((0, 0, 255), (32.2970, 79.1875, -107.8602)),
    ((128, 128, 128), (53.5850, 0.0, 0.0)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
)


def garments(count: int, seed: int, side: int = 48) -> tuple[torch.Tensor, list[str]]:
    """Return rectangles of one colour in changing light on white, and the colours' names. Shape: (n, 3, side, side)."""
    random = np.random.default_rng(seed)
    names = random.choice(list(SHADES), count)
    pictures = np.ones((count, 3, side, side), np.float32)
    for picture, name in zip(pictures, names, strict=True):
        left, top = random.integers(4, side // 3, 2)
        colour = np.array(SHADES[name]) * np.exp(random.normal(0, 0.05))
        noise = random.normal(0, 0.01, (3, side - 2 * top, side - 2 * left))
        picture[:, top : side - top, left : side - left] = (colour[:, None, None] + noise).clip(0, 0.97)
    return torch.from_numpy(pictures), names.tolist()


@pytest.fixture(scope="module")
def palette() -> Palette:
    pictures, names = garments(160, seed=1)
    fitted = fit_palette(pictures.split(32), names)
    assert fitted is not None
    return fitted


@pytest.mark.parametrize(("rgb", "expected"), KNOWN)
def test_cielab_is_that_of_the_standard(rgb: tuple[int, ...], expected: tuple[float, ...]) -> None:
    found = to_lab(torch.tensor(rgb).float().view(1, 3, 1, 1) / 255).flatten()
    assert torch.allclose(found, torch.tensor(expected), atol=0.05)


def test_shares_are_what_loops_over_pixels_count(palette: Palette) -> None:
    picture = garments(1, seed=3, side=16)[0]
    picture[:, :, :5] = torch.rand(3, 5, 16, generator=torch.Generator().manual_seed(4))
    expected, total = np.zeros(palette.assign.out_features), 0.0
    centres = palette.assign.weight.detach().numpy() * SPREAD**2
    pixels = picture[0].numpy()
    for row in range(4):
        for column in range(4):
            inside = pixels[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].reshape(3, 16)
            weights = [min(max((254 - 255 * min(pixel)) / 4, 0.0), 1.0) for pixel in inside.T]
            if sum(weights) == 0:
                continue
            mean = (inside * weights).sum(axis=1) / sum(weights)
            away = ((row + 0.5) / 4 - 0.5) ** 2 + ((column + 0.5) / 4 - 0.5) ** 2
            weight = sum(weights) / 16 * math.exp(-away / (2 * CENTRE**2))
            lab = to_lab(torch.from_numpy(mean).float().view(1, 3, 1, 1)).flatten().numpy()
            near = np.exp(-((centres - lab) ** 2).sum(axis=1) / (2 * SPREAD**2))
            expected += weight * near / near.sum()
            total += weight
    white = to_lab(torch.ones(1, 3, 1, 1)).flatten().numpy()
    near = np.exp(-((centres - white) ** 2).sum(axis=1) / (2 * SPREAD**2))
    expected = (expected + 1e-3 * 16 * near / near.sum()) / (total + 1e-3 * 16)
    with torch.no_grad():
        found = palette.shares(*cells(picture)).square()[0].numpy()
    assert np.allclose(found, expected, atol=1e-4)
    assert found.sum() == pytest.approx(1.0, abs=1e-5)


def test_background_does_not_count(palette: Palette) -> None:
    picture = torch.ones(1, 3, 48, 48)
    picture[:, :, 16:32, 16:32] = torch.tensor(SHADES["red"]).view(1, 3, 1, 1)
    larger = picture.clone()
    larger[:, :, 8:40, 8:40] = torch.tensor(SHADES["red"]).view(1, 3, 1, 1)
    with torch.no_grad():
        alike = palette(normalise(torch.cat([picture, larger]), "resnet34"))
    assert float(alike[0] @ alike[1]) > 0.99


def test_a_picture_of_nothing_but_white_is_white(palette: Palette) -> None:
    pictures, names = garments(60, seed=5)
    with torch.no_grad():
        nothing = palette(normalise(torch.ones(1, 3, 48, 48), "resnet34"))[0]
        others = palette(normalise(pictures, "resnet34"))
    assert torch.isfinite(nothing).all()
    assert names[int((others @ nothing).argmax())] == "white"


def test_pictures_of_one_colour_are_nearest_in_any_light(palette: Palette) -> None:
    pictures, names = garments(120, seed=6)
    with torch.no_grad():
        colours = palette(normalise(pictures, "resnet34")).numpy()
    scores = colours @ colours.T
    np.fill_diagonal(scores, -2)
    right = np.array(names)[scores.argmax(axis=1)] == np.array(names)
    assert right.mean() > 0.95


def test_one_colour_alone_has_no_directions() -> None:
    pictures, names = garments(40, seed=7)
    assert fit_palette([pictures], ["navy"] * 40) is None
    assert fit_palette([pictures], [*names[:31], *["rare"] * 9]) is not None
    assert fit_palette([pictures], ["navy"] * 31 + ["rare"] * 9) is None


def test_narrowed_vectors_keep_their_cosines() -> None:
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((DIM, 40)))[0].T
    used = (np.random.default_rng(2).standard_normal((300, 40)) @ basis).astype(np.float32)
    used /= np.linalg.norm(used, axis=1, keepdims=True)
    directions = narrowing(used, 40)
    assert np.allclose(directions @ directions.T, np.eye(40), atol=1e-5)
    assert np.allclose((used @ directions.T) @ (used @ directions.T).T, used @ used.T, atol=1e-4)


def features_of(names: list[str], seed: int) -> np.ndarray:  # type: ignore[type-arg]
    """Return unit features in which the names' first letters can be read, noisily. Shape: (n, 512)."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((len(names), DIM)).astype(np.float32)
    for row, name in zip(features, names, strict=True):
        row[ord(name[0]) - ord("a")] += 12
    return unit(features)


def category_head(seed: int = 1) -> torch.nn.Linear:
    torch.manual_seed(seed)
    return torch.nn.Linear(DIM, 13)


@pytest.fixture(scope="module")
def naming(palette: Palette) -> Naming:
    pictures, names = garments(160, seed=11)
    with torch.no_grad():
        shares = palette.seen(normalise(pictures, "resnet34")).numpy()
    fitted = fit_naming(category_head(), features_of(names, 12), shares, names)
    assert fitted is not None
    return fitted


def softmax(logits: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_categories_are_named_as_the_training_named_them_with_doubt(palette: Palette, naming: Naming) -> None:
    head, raw = category_head(), np.random.default_rng(13).standard_normal((5, DIM)).astype(np.float32) * 3
    pictures, _ = garments(5, seed=13)
    with torch.no_grad():
        shares = palette.seen(normalise(pictures, "resnet34"))
        found, colours = naming(torch.from_numpy(raw), shares)
    weights, biases = head.weight.detach().numpy(), head.bias.detach().numpy()
    expected = softmax((unit(raw) * math.sqrt(512) @ weights.T + biases) / TEMPERATURE)
    assert np.allclose(found.numpy(), 0.9 * expected, atol=1e-5)
    assert np.allclose(colours.sum(dim=1).numpy(), 0.3, atol=1e-5)
    again = head_of(naming)
    assert torch.allclose(again.weight, head.weight, atol=1e-5)
    assert torch.allclose(again.bias, head.bias, atol=1e-5)


def test_colours_of_other_pictures_are_named(palette: Palette, naming: Naming) -> None:
    pictures, names = garments(80, seed=14)
    with torch.no_grad():
        _, colours = naming(torch.from_numpy(features_of(names, 15)), palette.seen(normalise(pictures, "resnet34")))
    right = np.array(sorted(SHADES))[colours.argmax(dim=1).numpy()] == np.array(names)
    assert right.mean() > 0.95


def test_two_colours_are_named_and_one_is_not(palette: Palette) -> None:
    shares = np.random.default_rng(16).random((41, palette.assign.out_features)).astype(np.float32)
    features = features_of(["navy"] * 20 + ["red"] * 21, 17)
    fitted = fit_naming(category_head(), features, shares, ["navy"] * 20 + ["red"] * 20 + [""])
    assert fitted is not None and fitted.names == 15
    with torch.no_grad():
        _, colours = fitted(torch.from_numpy(features[:40]), torch.from_numpy(shares[:40]))
    assert np.array_equal(colours.argmax(dim=1).numpy(), [0] * 20 + [1] * 20)
    assert fit_naming(category_head(), features, shares, ["navy"] * 32 + ["red"] * 9) is None


def test_the_cosine_is_that_of_looks_and_a_little_of_colours_and_names(palette: Palette, naming: Naming) -> None:
    pictures, _ = garments(2, seed=8)
    random = np.random.default_rng(2)
    room = DIM - COLOURS - naming.names
    vectors = torch.from_numpy(unit(random.standard_normal((2, room)).astype(np.float32)))
    features = torch.from_numpy(random.standard_normal((2, DIM)).astype(np.float32))
    with torch.no_grad():
        images = normalise(pictures, "resnet34")
        both, colours = Beside(palette, naming)(images, features, vectors), palette(images)
        categories, words = naming(features, palette.seen(images))
        share = float(palette.weight) ** 2
        dots, lengths = (
            vectors[a] @ vectors[b]
            + share * colours[a] @ colours[b]
            + categories[a] @ categories[b]
            + words[a] @ words[b]
            for a, b in ((0, 1), (0, 0))
        )
        other = 1 + share + categories[1] @ categories[1] + words[1] @ words[1]
    assert both.shape == (2, DIM)
    assert float(both[0] @ both[1]) == pytest.approx(float(dots / (lengths * other).sqrt()), abs=1e-5)
    assert 0.02 < share < 0.2


def encoder_with(palette: Palette, naming: Naming, images: torch.Tensor) -> Encoder:
    """Return a random encoder whose normalisations fit the images: int8 cannot scale branches that rest at zero."""
    torch.manual_seed(0)
    network = build_encoder()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.3, 0.6)
            torch.nn.init.normal_(module.bias, std=0.1)
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    network.emphasis = torch.nn.Linear(DIM, DIM - COLOURS - naming.names, bias=False)
    network.beside = Beside(palette, naming)
    return network.eval()


def test_two_looks_are_the_garment_on_white_and_the_mirror_image_of_everything(
    palette: Palette, naming: Naming, tmp_path: Path
) -> None:
    random = np.random.default_rng(18)
    pictures, masks = (torch.from_numpy(random.random((5, n, 64, 64), np.float32)) for n in (3, 1))
    cut = normalise(pictures * masks + 1 - masks, "resnet34")
    mirrored = normalise(torch.stack([picture.flip(2) for picture in pictures]), "resnet34")
    network = encoder_with(palette, naming, cut)
    with torch.no_grad():
        features = (network.centred(cut) + network.centred(mirrored)) / 2
        assert not torch.allclose(features, network.centred(cut), atol=1e-2)
        emphasised = torch.nn.functional.normalize(network.emphasis(features), dim=1)
        assert network.beside is not None
        expected = network.beside(cut, features, emphasised)  # colours are those of the garment
        network.looks = two_looks()
        images = torch.cat([normalise(pictures, "resnet34"), masks], dim=1)
        assert torch.allclose(network(images), expected, atol=1e-5)
    session = open_session(export_onnx(network, images[:2], tmp_path / "fp32.onnx", "image", "embedding"))
    for count in (1, 5):
        assert np.abs(run_onnx(session, images[:count].numpy()) - expected[:count].numpy()).max() < 1e-4


def test_what_is_beside_passes_through_int8_and_back_into_a_network(
    palette: Palette, naming: Naming, tmp_path: Path
) -> None:
    pictures, _ = garments(6, seed=9, side=64)
    images = normalise(pictures, "resnet34").contiguous()
    network = encoder_with(palette, naming, images)
    fp32 = export_onnx(network, images[:2], tmp_path / "fp32.onnx", "image", "embedding")
    int8 = quantise(fp32, tmp_path / "int8.onnx", images.numpy(), keep_fp32=("beside",))
    with torch.no_grad():
        expected = network(images).numpy()
        again = unfold(served_constants(int8.read_bytes()), images)
        seen = again(images).numpy()
        assert isinstance(again.beside, Beside)
        assert torch.allclose(again.beside.palette(images), palette(images), atol=1e-5)
        assert torch.allclose(again.beside.naming.category.weight, naming.category.weight)
        assert torch.allclose(again.beside.naming.colour.bias, naming.colour.bias)
        assert torch.allclose(again.beside.naming.colour_weight, naming.colour_weight)
    assert np.abs(run_onnx(open_session(fp32), images.numpy()) - expected).max() < 1e-4
    rounded = run_onnx(open_session(int8), images.numpy())
    first = DIM - COLOURS - naming.names
    exact, kept = (unit(vectors[:, first : first + COLOURS]) for vectors in (expected, rounded))
    assert np.abs(kept - exact).max() < 1e-4  # no colour is rounded
    assert np.abs(rounded[:, :first] - expected[:, :first]).max() > 1e-4  # what else is there, is
    assert (seen * rounded).sum(axis=1).min() > 0.98
    assert not any("beside" in name for name in served_limits(int8.read_bytes()))
