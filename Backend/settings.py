"""Every setting of the service and the command line, read once from the environment and passed on.

The only file of this room that reads or writes environment variables. Each field is `SIMILOOK_<FIELD>` in upper case;
`docs/settings.md` lists all of them, and `tests/backend/test_settings.py` fails when one is missing there.
"""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from Backend.errors import SecretUnusable

REPOSITORY = Path(__file__).resolve().parent.parent
ENV_PREFIX = "SIMILOOK_"

HELD_UPLOADS = 10
"""Uploads of the largest size that a worker holds at once, where max_held_mb does not say."""

# A process that is started from here runs in another folder, so a path is held to the one it was written in.
AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
DATA_DIR = REPOSITORY / ".similook"
# An empty variable is one that is not set: as a path it would be the working directory.
OptionalPath = Annotated[AbsolutePath | None, BeforeValidator(lambda value: None if value == "" else value)]
DataPath = Annotated[AbsolutePath, BeforeValidator(lambda value: DATA_DIR if value == "" else value)]


class Settings(BaseSettings):
    """What a deployment can choose. Frozen: a changed setting is a new object and a restart."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    # Where state lives
    data_dir: DataPath = Field(default=DATA_DIR, description="Folder of all state that is not in PostgreSQL.")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the data folder.")
    database_password_file: OptionalPath = Field(default=None, description="File with the password of database_url.")
    images_url: str = Field(default="", description="fsspec URL of the pictures; empty: images/ in the data folder.")
    models_dir: OptionalPath = Field(
        default=None, description="Folder of own weights, looked into first; empty: models/ in the data folder."
    )

    # What sees
    encoder: str = Field(default="resnet34", description="A listed encoder, or the name of a folder of weights.")
    segmenter: str = Field(default="rembg", description="A listed segmenter (`none` too), or a folder of weights.")
    classifier: str = Field(
        default="classifier", description="Folder of the classifier's weights; empty: no categories."
    )
    category_weight: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="What it counts that a photo seems to show a product's category, 0.1 is good; 0: looks alone.",
    )
    threads: int = Field(
        default=0, ge=0, le=256, description="CPU threads of one inference; 0: cores / (workers x slots)."
    )
    inference_slots: int = Field(default=1, ge=1, le=64, description="Pictures a worker works on at the same time.")
    queue_size: int = Field(
        default=64, ge=1, le=10_000, description="Pictures waiting in a worker before it answers 429."
    )

    # What is served
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port the API listens on.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve.")
    public_base_url: str = Field(
        default="", description="Base of picture URLs as a browser reaches them; empty: the request's."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins allowed to call from a browser."
    )
    max_upload_mb: float = Field(default=20.0, gt=0, le=1_000, description="Largest request body in MB (10^6 bytes).")
    max_held_mb: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        description="MB of uploads and fetched pictures that a worker holds at once, then 429; 0: ten of the largest.",
    )
    # Pillow itself refuses twice its MAX_IMAGE_PIXELS.
    max_megapixels: float = Field(default=60.0, gt=0, le=178, description="Largest picture in megapixels; 178 at most.")
    request_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Longest wait for a picture's turn, then 503."
    )
    page_host: str = Field(default="127.0.0.1", description="Address the demo's page listens on.")
    page_port: int = Field(default=8501, ge=0, le=65_535, description="Port of the demo's page.")

    # Who may write
    api_key_file: OptionalPath = Field(
        default=None, description="File with the first key; empty: secrets/api_key, made on start."
    )
    token_secret_file: OptionalPath = Field(
        default=None, description="File with the query_token secret; empty: secrets/token."
    )
    metrics_need_key: bool = Field(default=False, description="Ask for a key with the scope `metrics` on /metrics.")
    allow_private_addresses: bool = Field(default=False, description="Let picture URLs point into private networks.")

    # Index
    index_kind: Literal["auto", "exact", "compact", "faiss"] = Field(
        default="auto", description="Kind of a new index base."
    )
    index_factory: str | None = Field(default=None, description="index_factory string when index_kind is `faiss`.")
    recall_target: float = Field(default=0.99, gt=0.5, le=1, description="Recall@10 a new base is tuned for.")
    max_delta: int = Field(default=20_000, ge=100, description="Changes past the base after which it is built again.")

    # What is written about it
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="JSON lines, or lines for a person.")
    metrics_dir: OptionalPath = Field(
        default=None, description="Folder of the workers' counters, of no other service; empty: cache/metrics."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        """Accept a comma-separated line, which is what an environment variable is easiest to write as."""
        if isinstance(value, str):
            return tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip())
        return value

    @field_validator("max_held_mb")
    @classmethod
    def _check_held(cls, value: float, others: ValidationInfo) -> float:
        largest = others.data.get("max_upload_mb", 0.0)
        if value and value < largest:
            raise ValueError(f"must be 0 or at least max_upload_mb, {largest:g}: no upload of that size would be taken")
        return value

    @field_validator("images_url")
    @classmethod
    def _absolute_pictures(cls, value: str) -> str:
        """Make the path of a folder absolute as well; an fsspec URL has a protocol."""
        url = "://" in value or "::" in value or value.startswith(("file:", "local:", "~"))
        return value if not value or url else str(Path(value).absolute())

    @field_validator("database_url")
    @classmethod
    def _absolute_database(cls, value: str) -> str:
        """Make the path of a SQLite file absolute as well; an address that cannot be read is refused by Data."""
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            return value
        if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:", "~")):
            return value
        return url.set(database=str(Path(url.database).absolute())).render_as_string(hide_password=False)

    @field_validator("public_base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database URL to open, with the password out of its file.

        Raises:
            SecretUnusable: that file cannot be read.
        """
        if not self.database_url:
            return f"sqlite:///{quote(str(self.data_dir / 'catalogue.sqlite'))}"
        if self.database_password_file is None:
            return self.database_url
        try:
            password = self.database_password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretUnusable(
                f"The database password in {self.database_password_file} cannot be read ({error}): check the path and "
                "the file's rights."
            ) from error
        try:
            url = make_url(self.database_url)
        except (ArgumentError, ValueError):
            return self.database_url  # Data refuses it, and says how to write one
        return url.set(password=password).render_as_string(hide_password=False)

    @property
    def images(self) -> str:
        """The fsspec URL or path of the pictures."""
        return self.images_url or str(self.data_dir / "images")

    @property
    def models(self) -> Path:
        """The folder of a shop's own weights."""
        return self.models_dir or self.data_dir / "models"

    @property
    def index_dir(self) -> Path:
        """The folder of index generations."""
        return self.data_dir / "index"

    @property
    def secrets_dir(self) -> Path:
        """The folder of generated secrets."""
        return self.data_dir / "secrets"

    @property
    def cache_dir(self) -> Path:
        """The folder of what can be thrown away."""
        return self.data_dir / "cache"

    @property
    def multiprocess_metrics_dir(self) -> Path:
        """The folder through which workers share their counters."""
        return self.metrics_dir or self.cache_dir / "metrics"

    @property
    def max_upload_bytes(self) -> int:
        """The largest request body in bytes."""
        return int(self.max_upload_mb * 1_000_000)

    @property
    def max_held_bytes(self) -> int:
        """The bytes of uploads and fetched pictures that a worker holds at once."""
        return int(self.max_held_mb * 1_000_000) or HELD_UPLOADS * self.max_upload_bytes

    @property
    def max_pixels(self) -> int:
        """The largest picture in pixels."""
        return int(self.max_megapixels * 1_000_000)

    @property
    def inference_threads(self) -> int:
        """CPU threads of one inference, worked out from the machine when not set."""
        if self.threads:
            return self.threads
        return max(1, available_cores() // (self.workers * self.inference_slots))

    def environment(self) -> dict[str, str]:
        """Return the variables that make a child process read exactly these settings.

        Only what was set travels; defaults stay defaults.
        """
        variables = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if value is not None:
                variables[ENV_PREFIX + name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
        return variables


def what_is_wrong(error: ValidationError) -> str:
    """Return a line for each setting that was refused: its variable, and what is wrong with it."""
    return "\n".join(f"{ENV_PREFIX}{'.'.join(map(str, row['loc'])).upper()}: {row['msg']}" for row in error.errors())


def available_cores() -> int:
    """Return the number of cores this process may use (less than the machine's in a container pinned to some)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def export(variables: dict[str, str]) -> None:
    """Put variables into this process's environment, for the worker processes it is about to start."""
    os.environ.update(variables)


def shared_metrics_dir() -> Path | None:
    """Return the folder through which this process shares its counters, None where it does not."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def child_environment(variables: dict[str, str]) -> dict[str, str]:
    """Return this process's environment with `variables` on top, for a subprocess."""
    return {**os.environ, **variables}
