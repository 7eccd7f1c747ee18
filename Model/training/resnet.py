"""The encoder: ResNet34 without its head, a batch normalisation that centres the 512 features, unit length.

The centring layer is the "BNNeck": pooled ReLU features are all positive, so their cosines crowd together near 1;
after it they spread over the sphere. At export it is two constant vectors.

Source: He et al. 2015, https://arxiv.org/abs/1512.03385; Luo et al. 2019, https://arxiv.org/abs/1903.07071
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.torch_compat import channels_last, import_torchvision

DIM = 512


BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}


def resnet_trunk(arch: str = "resnet34") -> nn.Module:
    """Return torchvision's ResNet without its head, randomly initialised. Shape: (n, 3, h, w) -> (n, 512).

    Every residual branch starts at zero, so a block that is added to a trained network changes nothing at first.

    Args:
        arch: "resnet34", which is shipped, or "resnet18", its cheaper first half of a training.
    """
    models = import_torchvision().models
    trunk: nn.Module = models.resnet.ResNet(models.resnet.BasicBlock, list(BLOCKS[arch]), zero_init_residual=True)
    trunk.fc = nn.Identity()
    return trunk


def grow(network: nn.Module, smaller: dict[str, Tensor]) -> None:
    """Load a shallower network's weights into a deeper one; the blocks that are new pass their input through.

    Args:
        network: freshly made, residual branches at zero.
        smaller: state of a network whose every tensor also exists in `network`.
    Raises:
        KeyError: it holds a tensor that `network` does not have.
    Source: Chen et al. 2015, Net2Net, https://arxiv.org/abs/1511.05641
    """
    state = network.state_dict()
    if unknown := sorted(set(smaller) - set(state)):
        raise KeyError(f"not in the larger network: {unknown[0]}")
    network.load_state_dict(state | smaller)


class Encoder(nn.Module):
    """A trunk and its neck.

    Args:
        trunk: maps normalised pictures to pooled features. Shape: (n, 3, h, w) -> (n, width).
        width: number of pooled features; other than 512 they pass a linear layer first.
    """

    def __init__(self, trunk: nn.Module, width: int = DIM) -> None:
        super().__init__()
        self.trunk = trunk
        self.reduce: nn.Module = nn.Identity() if width == DIM else nn.Linear(width, DIM, bias=False)
        self.neck = nn.BatchNorm1d(DIM)
        self.looks: TwoLooks | None = None
        """What is looked at instead of one picture, for twice the time; set before export, see publish_encoder.py."""
        self.emphasis: nn.Module = nn.Identity()
        """A linear layer that is fitted after training; see emphasis.py."""
        self.beside: nn.Module | None = None
        """What puts colours and names beside the vectors, fitted after training; see beside.py."""

    def centred(self, images: Tensor) -> Tensor:
        """Return the features as they are trained. Shape: (n, 3, h, w) -> (n, 512)."""
        features: Tensor = self.neck(self.reduce(self.trunk(images).float()))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return unit vectors. Shape: (n, 3, h, w), or (n, 4, h, w) where there are two looks, to (n, 512)."""
        if self.looks is None:
            garments, features = images, self.centred(images)
        else:
            garments, mirrored = self.looks(images)
            features = self.centred(torch.cat([garments, mirrored])).unflatten(0, (2, -1)).mean(dim=0)
        vectors = F.normalize(self.emphasis(features), dim=1)
        return vectors if self.beside is None else self.beside(garments, features, vectors)


class TwoLooks(nn.Module):
    """What a served encoder looks at: the garment on white, and the mirror image of it with what is around it.

    Shape: normalised pictures, with the garment mask in 0 .. 1 as a fourth channel (n, 4, h, w), to (n, 3, h, w) twice.

    Args:
        white: as it is normalised. Shape: (1, 3, 1, 1).
    """

    def __init__(self, white: Tensor) -> None:
        super().__init__()
        self.register_buffer("white", white)

    white: Tensor

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return both looks."""
        pictures, masks = images[:, :3], images[:, 3:]
        return pictures * masks + self.white * (1 - masks), pictures.flip(3)


def build_encoder() -> Encoder:
    """Return the encoder that is shipped, randomly initialised, in channels-last layout."""
    return channels_last(Encoder(resnet_trunk()))
