"""Pictures that a shop uploads: looked at before they are stored."""

from dataclasses import replace

from Backend.schemas import UploadedAnswer
from Backend.services import Services, decode_limits
from Data.picture_kinds import mime_of, size_of
from Data.records import PictureFacts
from Model.errors import NotAnImage
from Model.preprocess import load


def store_upload(data: bytes, services: Services) -> UploadedAnswer:
    """Store a picture and return where it is.

    Raises:
        ImageError: it could never be looked at.
        ImageStoreError, DatabaseError.
    """
    load(data, decode_limits(services.settings))
    mime = mime_of(data)
    if mime is None:
        raise NotAnImage("This is not a JPEG, PNG, WebP, HEIC or GIF picture: choose a photo.")
    width, height = size_of(data)
    sha256 = services.images.put(data)
    known = services.catalogue.get_pictures([sha256]).get(sha256)
    facts = PictureFacts(sha256, mime, width, height, len(data))
    services.catalogue.put_pictures([facts if known is None else replace(known, width=width, height=height)])
    return UploadedAnswer(sha256=sha256, media_type=mime, width=width, height=height)
