"""A few steps of the mask training end to end, and the arithmetic it rests on."""

import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert", reason="the teacher needs ai-edge-litert")

from Model.training import mask_export, mask_train  # noqa: E402
from Model.training.mask_data import foreground, read_sets, white_cut_out  # noqa: E402
from Model.training.mask_metrics import mask_iou  # noqa: E402
from Model.training.mask_net import GarmentMaskNet, ServedMask  # noqa: E402
from Model.training.mask_predict import mask_many  # noqa: E402
from Model.training.mask_sampler import MaskSampler  # noqa: E402

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
    net = mask_export.averaged_net(trained)
    file = mask_export.export_fp32(net, tmp_path / "mask.onnx", side=64)
    pictures = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        expected = ServedMask(net).eval()(pictures).numpy()
    found = mask_export.open_session(file).run(None, {"image": pictures.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4


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
    assert float(mask_train.mask_loss(right, masks)) < 1e-3
    assert float(mask_train.mask_loss([-right[0]], masks)) > 10


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


def test_masks_come_in_the_pictures_own_sizes(repository: Path) -> None:
    file = repository / "Model" / "weights" / "garment-mask" / "model.onnx"
    pictures = [np.zeros((40, 30, 3), np.uint8), np.full((50, 70, 3), 200, np.uint8)]
    assert [mask.shape for mask in mask_many(pictures, file)] == [(40, 30), (50, 70)]
