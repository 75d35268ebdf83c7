"""Build backend: hatchling, without the web build for editable installs; called by pip."""

from __future__ import annotations

import os
from typing import Any

from hatchling.build import *  # noqa: F403
from hatchling.build import get_requires_for_build_editable as _editable_requires


def get_requires_for_build_editable(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Returns hatchling's requirements; an editable install serves the page from web/dist."""
    os.environ["THFT_WEB"] = "off"
    return list(_editable_requires(config_settings))
