"""The fields that several routes take, each declared once."""

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Depends, File, Form, UploadFile

from Backend.finder import MAX_DEPTH
from Backend.queries import Crop, parse_crop
from Backend.recommender import MAX_LIMIT
from Backend.refining import Refinement, Sort
from Backend.tokens import MAX_TOKEN_CHARACTERS
from Data.filters import Filter

Text = Annotated[str, Form(max_length=200)]
Photo = Annotated[UploadFile, File(description="JPEG, PNG, WebP or HEIC.")]
Token = Annotated[
    str | None,
    Form(max_length=MAX_TOKEN_CHARACTERS, description="Of an earlier answer, instead of the photo."),
]
Limit = Annotated[int, Form(ge=1, le=MAX_LIMIT, description="How many products.", examples=[10])]
Price = Annotated[
    Decimal | None,
    Form(ge=0, lt=10**12, allow_inf_nan=False, description="In the catalogue's currency, on final_price."),
]


async def crop_fields(
    crop: Annotated[
        str | None,
        Form(max_length=200, description="x,y,w,h on the upright picture.", examples=["0.1,0.2,0.5,0.6"]),
    ] = None,
    crop_unit: Annotated[
        Literal["fraction", "px"], Form(description="Fractions of the picture, or pixels of the original.")
    ] = "fraction",
) -> Crop | None:
    """Read the crop.

    Raises:
        CropUnreadable: see parse_crop.
    """
    return parse_crop(crop, crop_unit)


async def refinement_fields(
    min_match_probability: Annotated[
        float | None, Form(ge=0, le=1, allow_inf_nan=False, description="Hide products that are less probable.")
    ] = None,
    sort: Annotated[Sort, Form(description="Order of the 200 nearest products.")] = "similarity",
    cursor: Annotated[
        str | None, Form(pattern="^(0|[1-9][0-9]{0,2})$", description="next_cursor of the page before.")
    ] = None,
    facets: Annotated[bool, Form(description="Count categories, brands, colours and prices as well.")] = False,
) -> Refinement:
    """Read what to do with the products that are found."""
    return Refinement(min_match_probability, sort, min(int(cursor or 0), MAX_DEPTH), facets)


async def filter_fields(
    category: Annotated[list[Text], Form(description="Slugs, any of them.", examples=[["dress"]])] = [],  # noqa: B006
    gender: Annotated[list[Literal["men", "women", "unisex"]], Form(description="men and women include unisex.")] = [],  # noqa: B006
    brand: Annotated[list[Text], Form(description="Any of them.")] = [],  # noqa: B006
    colour: Annotated[list[Text], Form(description="Any of them.", examples=[["navy"]])] = [],  # noqa: B006
    age_group: Annotated[list[Literal["adult", "kids"]], Form()] = [],  # noqa: B006
    min_price: Price = None,
    max_price: Price = None,
    in_stock: Annotated[bool | None, Form(description="Only those in stock, or only those that are not.")] = None,
) -> Filter:
    """Read what the products must be.

    Raises:
        FilterInvalid: min_price is above max_price.
    """
    return Filter(
        category=tuple(category),
        gender=tuple(gender),
        brand=tuple(brand),
        colour=tuple(colour),
        age_group=tuple(age_group),
        min_price=min_price,
        max_price=max_price,
        in_stock=in_stock,
    )


CropField = Annotated[Crop | None, Depends(crop_fields)]
FilterFields = Annotated[Filter, Depends(filter_fields)]
RefinementFields = Annotated[Refinement, Depends(refinement_fields)]
