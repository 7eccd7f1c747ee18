"""What a photo shows: the garment's category, and where it is."""

from fastapi import APIRouter

from Backend.openapi import PHOTO, problems
from Backend.routes.context import Served
from Backend.routes.fields import CropField, Photo
from Backend.schemas import ClassifyAnswer, GarmentBoxAnswer
from Backend.views import classify_answer, garment_box_answer

router = APIRouter(tags=["photos"])


@router.post("/api/classify", responses=problems(*PHOTO))
async def classify(served: Served, file: Photo, crop: CropField) -> ClassifyAnswer:
    """Return the garment's category, and every category's probability, likeliest first."""
    recommender = served.services.recommender
    return classify_answer(await served.on_photo(file, lambda data: recommender.classify(data, crop)))


@router.post("/api/garment-box", responses=problems(*PHOTO))
async def garment_box(served: Served, file: Photo) -> GarmentBoxAnswer:
    """Return where the garment is: the crop to start from."""
    recommender = served.services.recommender
    return garment_box_answer(await served.on_photo(file, recommender.locate))
