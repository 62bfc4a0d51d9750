"""One encoded picture → uint8 pixels, by one function with a table of cases.

Pillow decodes; its format classes are called by the file's first bytes, never by its name, so that only the formats
below are ever parsed. Legend: H W height and width, C channels (1 gray, 3 rgb).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from .square import Fit, decoded_side, fit_square

READ_FORMATS: tuple[tuple[str, tuple[bytes, ...], Callable[[IO[bytes]], ImageFile.ImageFile]], ...] = (
    ("JPEG", (b"\xff\xd8\xff",), JpegImageFile),
    ("PNG", (b"\x89PNG\r\n\x1a\n",), PngImageFile),
    ("GIF", (b"GIF87a", b"GIF89a"), GifImageFile),
    ("BMP", (b"BM",), BmpImageFile),
    ("WEBP", (b"RIFF",), WebPImageFile),
    ("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    ("PPM", (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), PpmImageFile),
)
"""Name, first bytes and Pillow class of each format that is read. A phone's multi-picture JPEG gives its first one."""

OTHER_FORMATS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftyp", "a video"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
)
"""Offset and bytes of what people keep beside their pictures, so that the reason names it."""


WHITE = 255
ORIENTATION_TAG = 0x0112
ROTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → what turns the stored picture upright (EXIF 2.32, section 4.6.5)."""


class UnreadablePicture(Exception):
    """A file gave no picture; the text is the reason, as one clause. Caught and listed, never shown as a crash."""


@dataclass(frozen=True)
class Decoded:
    """One decoded picture.

    Args:
        pixels_HWC: uint8; C is the number of channels asked for.
        whole: the same before it was made square: upright, gray or rgb, at the size at which it was decoded.
        width, height: of the whole upright picture in the file, before any scaling, in pixels.
        format, mode: as the file has them, in Pillow's words: `JPEG`, `CMYK`.
        animated: more pictures follow in the file; this is the first.
    """

    pixels_HWC: np.ndarray
    whole: Image.Image
    width: int
    height: int
    format: str
    mode: str
    animated: bool


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file tell: stored size in pixels, format, mode, and whether it can hold color."""

    width: int
    height: int
    format: str
    mode: str
    gray: bool


def decode(
    blob: bytes,
    *,
    channels: int,
    img_size: int | None = None,
    fit: Fit = "crop",
    scaled_decoding: bool = True,
    max_pixels: int = 89_478_485,
) -> Decoded:
    """Decodes one picture to 8 bits, upright, gray or rgb, and makes it square where a size is asked for.

    | in the file | becomes |
    |---|---|
    | EXIF or XMP orientation | turned upright |
    | 1 bit; gray | 0 and 255; as it is |
    | palette | its colors |
    | alpha, transparent color or palette entry | laid on white, as on paper and in a browser; where any of it is
      transparent `pad` goes on in white, else it fills up with black |
    | CMYK (JPEG: always in Adobe's inverted sense, as browsers do), YCbCr, Lab | rgb by Pillow's plain formulas |
    | 16-bit gray (12-bit TIFF) | the whole range 0…65535 (0…4095) scaled to 0…255 and rounded, never clipped |
    | 16-bit color | the upper 8 bits (Pillow) |
    | rgb where gray is asked for | luma, ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B |
    | 32-bit or signed integers, floats | unreadable: nothing says which value is white |
    | animation, several pages | the first picture |
    | truncated, damaged | unreadable, never half a picture (but a JPEG that another program cut and closed again with
      an end marker is whole to every decoder) |

    Args:
        blob: the whole file.
        channels: 1 or 3.
        img_size: side of the square, in pixels; None keeps the picture's own size and shape.
        fit: how a picture that is not square becomes square; see `fit_square`.
        scaled_decoding: decode JPEG at 1/2, 1/4 or 1/8 where that still is at least twice the size needed.
        max_pixels: a picture with more is refused before it is decoded.

    Raises:
        UnreadablePicture: the file gives no picture, with the reason.
    Source: own choice; luma: ITU-R BT.601
    """
    image, name = _open(BytesIO(blob), max_pixels)
    width, height = image.size
    mode = image.mode
    with _reasons():
        animated = bool(getattr(image, "is_animated", False))
        if scaled_decoding and img_size is not None and name == "JPEG":
            image.draft(None, decoded_side(width, height, img_size, fit))
        image.load()
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    upright, ground = _in_eight_bits(image, name, channels)
    rotation = ROTATIONS.get(orientation)
    if rotation is not None:
        upright = upright.transpose(rotation)
        if orientation >= 5:
            width, height = height, width
    pixels = np.asarray(upright if img_size is None else fit_square(upright, img_size, fit, ground))
    return Decoded(
        pixels_HWC=pixels if pixels.ndim == 3 else pixels[:, :, None],
        whole=upright,
        width=width,
        height=height,
        format=name,
        mode=mode,
        animated=animated,
    )


def decode_resized(
    path: Path, *, img_size: int, channels: int, fit: Fit, scaled_decoding: bool, max_pixels: int
) -> np.ndarray:
    """Reads one picture exactly as the store does, for prediction; call it inside `strict_pillow`.

    Returns: uint8 C H W.

    Raises:
        UnreadablePicture: the file cannot be opened or gives no picture, with the reason.
    """
    pixels_HWC = decode(
        read_bytes(path),
        channels=channels,
        img_size=img_size,
        fit=fit,
        scaled_decoding=scaled_decoding,
        max_pixels=max_pixels,
    ).pixels_HWC
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))


def read_bytes(path: Path) -> bytes:
    """Reads a whole file; what the file system refuses becomes an unreadable picture with its reason."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadablePicture(f"cannot be opened: {error.strerror or error}") from error


def read_header(path: Path, *, max_pixels: int) -> Header:
    """Reads size, format and mode without decoding. `gray` is true where no pixel can have color.

    Raises:
        UnreadablePicture: the file cannot be opened or is no picture of a known format.
    """
    try:
        with path.open("rb") as file:
            image, name = _open(file, max_pixels)
            gray = image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")
            if image.mode in ("P", "PA") and image.palette is not None and image.palette.mode == "RGB":
                red, green, blue = (bytes(image.palette.palette)[channel::3] for channel in range(3))
                gray = red == green == blue
            return Header(*image.size, name, image.mode, gray)
    except OSError as error:
        raise UnreadablePicture(f"cannot be opened: {error.strerror or error}") from error


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Holds Pillow to whole pictures and keeps its remarks on odd metadata off the terminal, for a while.

    Both are settings of the process, so one thread opens this around the work of all.
    """
    truncated_allowed = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated_allowed


@contextmanager
def _reasons() -> Iterator[None]:
    """Turns whatever Pillow raises on a damaged file into a reason; it raises nearly every kind there is."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        words = "truncated" if "truncated" in detail or isinstance(error, EOFError) else "damaged"
        raise UnreadablePicture(f"{words}: {detail}") from error


def _open(file: IO[bytes], max_pixels: int) -> tuple[ImageFile.ImageFile, str]:
    """Reads the header by the format class that the first bytes name."""
    head = file.read(64)
    file.seek(0)
    if not head:
        raise UnreadablePicture("empty file (0 bytes)")
    for name, starts, opener in READ_FORMATS:
        if head.startswith(starts) and (name != "WEBP" or head[8:12] == b"WEBP"):
            with _reasons():
                image = opener(file)
            break
    else:
        raise UnreadablePicture(_what_it_is(head))
    width, height = image.size
    if width * height > max_pixels:
        raise UnreadablePicture(
            f"{width}×{height} = {width * height:,} pixels, more than data.max_pixels = {max_pixels:,}"
        )
    return image, name


def _what_it_is(head: bytes) -> str:
    """Says what a file that is not read seems to be."""
    head = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    for offset, start, words in OTHER_FORMATS:
        if head[offset : offset + len(start)].lower() == start.lower():
            return f"{words}; read are {', '.join(name for name, _, _ in READ_FORMATS)}"
    return "not a picture file"


def _in_eight_bits(image: Image.Image, name: str, channels: int) -> tuple[Image.Image, int]:
    """Brings any mode to `L` or `RGB`; the table stands at `decode`. Also gives the ground that the picture lies on:
    white where it is transparent somewhere, else black."""
    target = "L" if channels == 1 else "RGB"
    ground = 0
    if image.mode.startswith("I;16") or (image.mode == "I" and name in ("PNG", "PPM")):
        image, ground = _from_sixteen_bits(image)
    elif image.mode in ("I", "F"):
        raise UnreadablePicture(
            f"numbers of mode {image.mode}, of which nothing says what is white; save as 8 or 16 bits"
        )
    with _reasons():
        if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
            image, ground = _on_white(image)
        return (image if image.mode == target else image.convert(target)), ground


def _from_sixteen_bits(image: Image.Image) -> tuple[Image.Image, int]:
    """Scales 0…65535 (0…4095 where a TIFF says 12 bits) to 0…255, rounded; a transparent value becomes white."""
    values = np.asarray(image).astype(np.int64)
    bits = image.tag_v2.get(BITSPERSAMPLE, (16,))[0] if isinstance(image, TiffImageFile) else 16
    white = 2**bits - 1
    key = image.info.get("transparency")
    clear = values == key if isinstance(key, int) else np.zeros(values.shape, bool)
    values[clear] = white
    scaled = Image.fromarray(((values * 255 + white // 2) // white).clip(0, 255).astype(np.uint8))
    return scaled, WHITE if clear.any() else 0


def _on_white(image: Image.Image) -> tuple[Image.Image, int]:
    """Lays a picture with transparency on white; the ground is black where nothing of it is transparent."""
    layered = image.convert("RGBA")
    alpha = layered.getchannel("A")
    paper = Image.new("RGB", image.size, (WHITE, WHITE, WHITE))
    paper.paste(layered, mask=alpha)
    return paper, 0 if alpha.getextrema() == (WHITE, WHITE) else WHITE
