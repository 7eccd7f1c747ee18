"""What can go wrong on the page, one class per thing that the person in front of it can be told.

FrontendError
├── PictureUnusable        the upload cannot be opened here: no picture, cut off, or far too many pixels
└── ServiceError           a call to the service did not bring an answer
    ├── ServiceUnavailable it cannot be reached, took too long, or failed (5xx)
    ├── ServiceBusy        it is up but its queue is full (429); carries the seconds to wait
    ├── RequestRefused     it says what is wrong with the request (other 4xx); carries its sentence
    │   ├── PictureRefused it cannot use the picture or the crop
    │   └── QueryExpired   it no longer knows the query token: send the photo again
    └── UnexpectedAnswer   it answered with something this page does not understand
"""


class FrontendError(Exception):
    """Base of everything the page reports to a person."""


class PictureUnusable(FrontendError):
    """The uploaded file is no picture that the page can open."""


class ServiceError(FrontendError):
    """A call to the service did not bring an answer."""


class ServiceUnavailable(ServiceError):
    """The service cannot be reached, took too long, or failed."""


class ServiceBusy(ServiceError):
    """The service has more work than it takes on.

    Attributes:
        retry_after_s: Seconds after which it asks to be tried again.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestRefused(ServiceError):
    """The service says what is wrong with the request.

    Attributes:
        status: HTTP status, 400..499.
        kind: Last part of the problem document's `type`, for example `not-an-image`; empty when it has none.
        detail: The service's own sentence; empty when it has none.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail or f"The service refused the request with status {status}.")
        self.status = status
        self.kind = kind
        self.detail = detail


class PictureRefused(RequestRefused):
    """The service cannot use the picture or the crop."""


class QueryExpired(RequestRefused):
    """The service no longer accepts the query token; the photo has to be sent again."""


class UnexpectedAnswer(ServiceError):
    """The service answered with something this page does not understand."""
