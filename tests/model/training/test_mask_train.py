"""A few steps of the mask training end to end, and the arithmetic it rests on."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert", reason="the teacher needs ai-edge-litert")

from Model.card import Card  # noqa: E402
from Model.errors import CheckpointInvalid  # noqa: E402
from Model.training import mask_export, mask_labels, mask_publish, mask_train  # noqa: E402
from Model.training.export import open_session  # noqa: E402
from Model.training.mask_begin import encoder_state, write_served  # noqa: E402
from Model.training.mask_data import foreground, read_drawings, read_sets, white_cut_out  # noqa: E402
from Model.training.mask_export import averaged_net, run_session  # noqa: E402
from Model.training.mask_loss import mask_loss  # noqa: E402
from Model.training.mask_metrics import mask_iou, validation_iou  # noqa: E402
from Model.training.mask_net import FORMAT, GarmentMaskNet, ServedMask, predict, read_checkpoint  # noqa: E402
from Model.training.mask_sampler import MaskSampler  # noqa: E402
from Model.training.mask_views import ViewStock  # noqa: E402
from Model.training.resnet import build_encoder, resnet_trunk  # noqa: E402
from Model.weights import find_model  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def trained(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a run of four steps: two on the trunk, two on the whole network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mask_train.run(
            shared_dir / "data",
            tmp_path_factory.mktemp("mask"),
            teachers=shared_dir / "models" / "teachers",
            steps=4,
            plan=mask_train.SMOKE,
        )


def test_onnx_computes_what_torch_computes(trained: Path, tmp_path: Path) -> None:
    net = averaged_net(trained)
    file = mask_export.export_fp32(net, tmp_path / "mask.onnx", side=64)
    pictures = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        expected = ServedMask(net).eval()(pictures).numpy()
    found = open_session(file).run(None, {"image": pictures.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4


def test_it_begins_with_the_maps_of_the_encoder() -> None:
    encoder = build_encoder().eval()
    for parameter in encoder.parameters():
        torch.nn.init.uniform_(parameter, -0.05, 0.05)  # residual branches that do something
    net = GarmentMaskNet().eval()
    net.trunk.maps.begin_as(encoder.state_dict())
    pictures = torch.randn(2, 3, 64, 64)
    seen = {}
    for name in ("relu", "layer1", "layer2", "layer3.2"):  # three of the third stage's six blocks
        encoder.trunk.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: seen.update({name: out.clone()})
        )
    with torch.no_grad():
        encoder(pictures)
        maps = net.trunk.maps(pictures)
    for found, name in zip(maps, ("relu", "layer1", "layer2", "layer3.2"), strict=True):
        assert torch.allclose(found, seen[name], atol=1e-5), name


def test_it_can_begin_as_a_shallower_encoder() -> None:
    smaller = resnet_trunk("resnet18").eval()
    net = GarmentMaskNet().eval()
    net.trunk.maps.begin_as({f"trunk.{name}": value for name, value in smaller.state_dict().items()})
    pictures = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        y = smaller.maxpool(smaller.relu(smaller.bn1(smaller.conv1(pictures))))
        expected = smaller.layer3(smaller.layer2(smaller.layer1(y)))
        assert torch.allclose(net.trunk.maps(pictures)[-1], expected, atol=1e-5)
    with pytest.raises(KeyError, match=r"not in the larger network: layer2\.9\.conv1"):
        net.trunk.maps.begin_as({"trunk.layer2.9.conv1.weight": torch.zeros(1)})


def test_without_a_checkpoint_it_begins_as_the_shipped_encoder(shared_dir: Path) -> None:
    sets = read_sets(shared_dir / "data", limit=4)
    begun = GarmentMaskNet().trunk.maps
    begun.begin_as(encoder_state(sets, None))
    assert not torch.equal(begun.conv1.weight, GarmentMaskNet().trunk.maps.conv1.weight)
    assert (begun.layer3.get_submodule("2").bn2.weight != 0).all()  # zero in a fresh one


def test_every_view_of_a_stock_is_seen_in_every_pass(shared_dir: Path) -> None:
    stock = ViewStock(MaskSampler(read_sets(shared_dir / "data", limit=4), seed=3), 8, 32)
    stock.masks[:] = torch.arange(8, dtype=torch.uint8).view(8, 1, 1, 1)  # tells the views apart
    batches = list(stock.passes(2, 4, torch.Generator().manual_seed(0)))
    assert [tuple(pictures.shape) for pictures, _ in batches] == [(4, 3, 32, 32)] * 4
    for first in (0, 2):
        seen = torch.cat([masks[:, 0, 0, 0] * 255 for _, masks in batches[first : first + 2]])
        assert sorted(seen.round().int().tolist()) == list(range(8))


def test_drawings_are_laid_over_backgrounds_with_their_exact_masks(shared_dir: Path, tmp_path: Path) -> None:
    square = np.zeros((40, 60, 4), np.uint8)
    square[10:30, 20:50] = (255, 0, 255, 255)
    for index in range(10):
        Image.fromarray(square).save(tmp_path / f"{index}.png")
    drawings = read_drawings(tmp_path)
    assert drawings.shape == (10, 256, 256, 4)
    assert (drawings[..., 3] > 127).mean() == pytest.approx(20 / 30, abs=0.02)  # cropped to the square
    sets = read_sets(shared_dir / "data", drawings=tmp_path, limit=4)
    assert len(sets.drawings) == 4
    sets.drawings = drawings
    sampler = MaskSampler(sets, seed=1, drawn=1.0)
    colour, alpha, garment = sampler.cut_out()
    assert colour.getpixel((128, 128)) == (255, 0, 255)
    assert np.array_equal(np.asarray(alpha), np.asarray(garment))

    def magenta(pictures: np.ndarray) -> np.ndarray:
        return ((pictures[..., 0] > 200) & (pictures[..., 1] < 60) & (pictures[..., 2] > 200)).astype(np.float32)

    assert validation_iou(magenta, sets, count=8)["drawing"] > 0.95


def test_a_folder_without_drawings_says_how_to_write_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no PNG: write them with python -m Data\.sample\.cut_outs"):
        read_drawings(tmp_path)


def test_a_few_pictures_still_have_both_sides_of_the_split(shared_dir: Path) -> None:
    sets = read_sets(shared_dir / "data", limit=4)
    for validation in (False, True):
        sampler = MaskSampler(sets, 1, validation=validation)
        for _ in range(20):
            picture, mask = sampler.draw(64)
            assert picture.shape == (64, 64, 3)
            assert mask.shape == (64, 64)


def test_a_run_resumes_where_it_stopped(trained: Path, shared_dir: Path) -> None:
    before = torch.load(trained, weights_only=True)
    mask_train.run(
        shared_dir / "data",
        trained.parent,
        teachers=shared_dir / "models" / "teachers",
        steps=5,
        plan=mask_train.SMOKE,
    )
    after = torch.load(trained, weights_only=True)
    assert before["progress"]["step"] == 4
    assert after["progress"]["step"] == 5


def test_it_goes_on_from_another_run_with_better_labels(trained: Path, shared_dir: Path, tmp_path: Path) -> None:
    further = mask_train.run(
        shared_dir / "data",
        tmp_path,
        teachers=tmp_path / "none",  # not asked a second time
        again=trained,
        steps=1,
        plan=mask_train.SMOKE,
    )
    first, second = (torch.load(file, weights_only=True) for file in (trained, further))
    assert second["progress"]["step"] == 1
    moved = max(
        float((second["net"][name] - value).abs().max()) for name, value in first["average"].items() if value.ndim > 1
    )
    assert 0 < moved < 0.2  # one step away, not begun anew
    sets = read_sets(shared_dir / "data", limit=mask_train.SMOKE.limit)
    sets.load_soft_masks(trained.parent / mask_labels.SOFT_MASKS)
    assert sets.pseudo is not None
    with torch.no_grad():
        net = averaged_net(trained)
        own = torch.from_numpy(predict(net, sets.photos))
    side = sets.pseudo.shape[1]
    mean = (torch.nn.functional.adaptive_avg_pool2d(own, side).numpy() + sets.pseudo / 255) / 2
    sets.load_soft_masks(tmp_path / mask_labels.SOFT_MASKS)
    clear = np.abs(mean - 0.5) > 0.1
    agree = (sets.pseudo > 127) == (mean > 0.5)
    assert agree[clear].mean() > 0.9  # but for holes that were filled


def test_a_result_is_moved_back_once_towards_what_it_went_on_from(
    trained: Path, shared_dir: Path, tmp_path: Path
) -> None:
    def averages(name: str, back: float) -> dict[str, torch.Tensor]:
        file = mask_train.run(
            shared_dir / "data", tmp_path / name, teachers=tmp_path, again=trained, back=back, steps=2,
            plan=mask_train.SMOKE,
        )  # fmt: skip
        found: dict[str, torch.Tensor] = torch.load(file, weights_only=True)["average"]
        return found

    first = torch.load(trained, weights_only=True)["average"]
    there, back = averages("there", 0.0), averages("back", 0.25)
    moved = 0
    for name, value in back.items():
        if value.is_floating_point():
            assert torch.allclose(value, 0.75 * there[name] + 0.25 * first[name], atol=1e-6), name
            moved += not value.equal(there[name])
    assert moved > 50
    again = averages("back", 0.25)  # a run that has ended is left as it is
    assert all(value.equal(back[name]) for name, value in again.items())


def test_it_goes_on_from_the_shipped_mask(shared_dir: Path, tmp_path: Path) -> None:
    sets = read_sets(shared_dir / "data", limit=12)
    served = averaged_net(write_served(tmp_path, sets))
    folder = find_model("garment-mask")
    session = open_session(Card.load(folder).model_path(folder))
    unfolded, shipped = predict(served, sets.photos), run_session(session, sets.photos)
    assert np.abs(unfolded - shipped).mean() < 0.02  # what is left is the rounding of activations
    both, either = ((unfolded > 0.5) & (shipped > 0.5)).sum(), ((unfolded > 0.5) | (shipped > 0.5)).sum()
    assert both / either > 0.95

    checkpoint = mask_train.run(
        shared_dir / "data",
        tmp_path / "on",
        teachers=shared_dir / "models" / "teachers",
        onward=True,
        steps=1,
        plan=mask_train.SMOKE,
    )
    assert read_checkpoint(checkpoint)["progress"]["step"] == 1
    moved = averaged_net(checkpoint).trunk.fuse.weight - served.trunk.fuse.weight
    assert 0 < float(moved.abs().max()) < 0.2  # one step away, not begun anew


def test_a_checkpoint_of_another_network_is_refused_in_one_sentence(trained: Path, tmp_path: Path) -> None:
    older = torch.load(trained, weights_only=True) | {"format": 3}
    torch.save(older, tmp_path / "older.pt")
    with pytest.raises(CheckpointInvalid, match="is a checkpoint of format 3, this code reads"):
        read_checkpoint(tmp_path / "older.pt")
    (tmp_path / "damaged.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointInvalid, match="is not a checkpoint of the garment mask"):
        read_checkpoint(tmp_path / "damaged.pt")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_commands_say_so_in_one_line(
    workers: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(torch.load(trained, weights_only=True) | {"format": 3}, tmp_path / "older.pt")
    older, out = str(tmp_path / "older.pt"), tmp_path / "out"
    for command, arguments in (
        (mask_train.main, ["--again", older, "--workers", workers]),
        (mask_publish.main, ["--checkpoint", older]),
    ):
        monkeypatch.setattr("sys.argv", ["command", "--data", str(tmp_path), "--out", str(out), *arguments])
        with pytest.raises(SystemExit) as ended:
            command()
        assert ended.value.code == 1
        assert (
            capsys.readouterr().err
            == f"{older} is a checkpoint of format 3, this code reads {FORMAT}: train it anew.\n"
        )


def test_the_anchor_makes_rembgs_stretch_harmless() -> None:
    served = ServedMask(GarmentMaskNet()).eval()
    with torch.no_grad():
        mask = served(torch.zeros(1, 3, 64, 64))[0, 0].numpy()
    assert mask.min() == 0
    assert mask.max() == 1
    stretched = (mask - mask.min()) / (mask.max() - mask.min())
    assert np.array_equal(stretched, mask)
    assert mask[-1, -2:].tolist() == [0, 1]


def test_loss_falls_to_nothing_for_the_truth() -> None:
    masks = (torch.rand(2, 1, 32, 32) > 0.5).float()
    right = [(masks * 2 - 1) * 30]
    assert float(mask_loss(right, masks)) < 1e-3
    assert float(mask_loss([-right[0]], masks)) > 10


def test_iou_counts_pixels() -> None:
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert mask_iou(first, second) == 1.0
    first[:2], second[1:3] = True, True
    assert mask_iou(first, second) == pytest.approx(4 / 12)


def test_skin_and_hair_are_no_garment() -> None:
    tags = np.array([[0, 19, 41, 2, 14]], np.uint8)
    assert foreground(tags).tolist() == [[0, 0, 0, 255, 255]]


def test_only_white_backgrounds_are_cut_off() -> None:
    picture = np.full((80, 60, 3), 255, np.uint8)
    picture[20:60, 15:45] = (30, 60, 90)
    cut = white_cut_out(picture)
    assert cut is not None
    assert cut[40, 30, 3] == 255
    assert cut[2, 2, 3] == 0
    assert white_cut_out(np.full((80, 60, 3), 120, np.uint8)) is None
