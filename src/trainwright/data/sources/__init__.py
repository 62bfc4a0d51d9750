"""The forms in which pictures come: one file a form, and the one that tells them apart.

Comes in:   the recipe's section `data`
Goes out:   a Catalog
May import: errors, recipe, data.catalog
Read next:  recognition.py
Example:    catalog = open_catalog(DataSection(source="photos/"))
"""

from __future__ import annotations

from .fashion_mnist import find_fashion_mnist as find_fashion_mnist
from .folder_scan import PICTURE_SUFFIXES as PICTURE_SUFFIXES
from .recognition import open_catalog as open_catalog
