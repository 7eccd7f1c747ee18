"""What a search starts from: photos, addresses of pictures and products together, or the token of an earlier answer."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, File, Form, UploadFile
from starlette.concurrency import run_in_threadpool

from Backend.errors import PartsUnusable, PhotoMissing
from Backend.queries import Crop, Query, parse_crop
from Backend.routes.context import Context
from Backend.routes.fields import Token

MAX_PARTS = 5

Address = Annotated[str, Form(min_length=1, max_length=2000)]
ShopId = Annotated[str, Form(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
CropText = Annotated[str, Form(max_length=200)]
Weight = Annotated[float, Form(gt=0, le=100, allow_inf_nan=False)]


@dataclass(frozen=True)
class Sources:
    """Where a query comes from.

    Args:
        files: photos.
        image_urls: addresses of pictures.
        crops: of the photos and then of the addresses, as many as either or fewer; None is all of a picture.
        product_ids: products that stand for their shown picture.
        weights: of all of these in this order; empty for the same.
        query_token: stands alone.
    """

    files: list[UploadFile]
    image_urls: list[str]
    crops: list[Crop | None]
    product_ids: list[str]
    weights: list[float]
    query_token: str | None

    async def query(self, served: Context) -> Query:
        """Return the query; pictures are fetched first, and looked at in one turn.

        Raises:
            PhotoMissing: nothing was sent, or a token and something else.
            PartsUnusable: more crops than pictures, or weights that do not fit.
            TokenInvalid, TokenStale, ImageError, FetchError, ProductNotFound, ProductNotSeen, Busy.
        """
        recommender = served.services.recommender
        pictures = len(self.files) + len(self.image_urls)
        if bool(self.query_token) == bool(pictures or self.product_ids):
            raise PhotoMissing
        if self.query_token:
            return recommender.query_from_token(self.query_token)
        if pictures + len(self.product_ids) > MAX_PARTS:
            raise PartsUnusable(f"Send at most {MAX_PARTS} pictures and products together.")
        if len(self.crops) > pictures:
            raise PartsUnusable(f"Send at most one crop for each picture: {pictures}, not {len(self.crops)}.")
        fetched = await served.fetch(self.image_urls) if self.image_urls else []
        crops = [*self.crops, *([None] * (pictures - len(self.crops)))]

        def look() -> list[Query]:
            queries = []
            for position, crop in enumerate(crops):
                first = position - len(self.files)
                data = self.files[position].file.read() if first < 0 else fetched[first]
                queries.append(recommender.analyse(data, crop))
            return queries

        with served.holding(fetched):
            seen = await served.in_turn(look) if pictures else []
        return await run_in_threadpool(recommender.mix, seen, self.product_ids, self.weights)


async def source_fields(
    file: Annotated[list[UploadFile], File(description="JPEG, PNG, WebP or HEIC; may be repeated.")] = [],  # noqa: B006
    image_url: Annotated[list[Address], Form(description="http or https address of a picture; may be repeated.")] = [],  # noqa: B006
    product_id: Annotated[list[ShopId], Form(description="A product's shown picture; may be repeated.")] = [],  # noqa: B006
    weight: Annotated[list[Weight], Form(description="One for each: files, image_urls, product_ids.")] = [],  # noqa: B006
    crop: Annotated[
        list[CropText],
        Form(
            description="x,y,w,h on the upright picture; one for each picture, blank for all of it.",
            examples=[["0.1,0.2,0.5,0.6"]],
        ),
    ] = [],  # noqa: B006
    crop_unit: Annotated[
        Literal["fraction", "px"], Form(description="Fractions of the picture, or pixels of the original.")
    ] = "fraction",
    query_token: Token = None,
) -> Sources:
    """Read what to search by.

    Raises:
        CropUnreadable: see parse_crop.
    """
    crops = [parse_crop(text, crop_unit) for text in crop]
    return Sources(file, image_url, crops, product_id, weight, query_token)


SourceFields = Annotated[Sources, Depends(source_fields)]
