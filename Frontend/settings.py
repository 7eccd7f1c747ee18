"""Every setting of the page, read once from the environment: the only file of this room that does.

Each field is `SIMILOOK_<FIELD>` in upper case; docs/settings.md lists them.
"""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment of the page can choose."""

    model_config = SettingsConfigDict(env_prefix="SIMILOOK_", env_nested_delimiter="__", frozen=True)

    api_url: str = Field(
        default="http://127.0.0.1:8000", description="Base URL at which the page itself calls the service."
    )
    public_api_url: str = Field(
        default="", description="Base URL at which a browser reaches the service; empty: api_url."
    )
    api_connect_timeout_s: float = Field(
        default=3.0, gt=0, le=60, description="Longest wait of the page for a connection."
    )
    api_timeout_s: float = Field(default=30.0, gt=0, le=600, description="Longest wait of the page for an answer.")
    api_retries: int = Field(default=2, ge=0, le=10, description="Times the page tries a failed call again.")
    max_upload_mb: float = Field(default=20.0, gt=0, le=1_000, description="Largest upload in MB (10^6 bytes).")
    # Pillow itself refuses twice its MAX_IMAGE_PIXELS.
    max_megapixels: float = Field(default=60.0, gt=0, le=178, description="Largest picture in megapixels; 178 at most.")
    language: Literal["auto", "en", "ko"] = Field(
        default="auto", description="Language the page starts in; auto: the browser's."
    )
    page_results: int = Field(default=24, ge=1, le=50, description="Products the page shows before `Show more`.")

    @field_validator("api_url", "public_api_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @property
    def browser_api_url(self) -> str:
        """The base URL of whatever the page hands to the browser."""
        return self.public_api_url or self.api_url
