"""Every case of the table in `decode`, against pixels worked out by hand or by numpy."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from trainwright.data.decoding import (
    ROTATIONS,
    UnreadablePicture,
    decode,
    decode_resized,
    read_bytes,
    read_header,
    strict_pillow,
)

SETTINGS = {"img_size": 8, "fit": "crop", "scaled_decoding": True, "max_pixels": 10_000}


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def ramp(height: int = 12, width: int = 16) -> np.ndarray:
    """An rgb picture in which every pixel differs from its neighbors."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([10 * x + y, 15 * y, 255 - 5 * x - 6 * y], -1).astype(np.uint8)


def png(width: int, height: int, bits: int, color: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand, for what Pillow does not write. `rows` carry their filter byte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    middle = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF", "WEBP"])
def test_lossless_formats_give_back_every_pixel(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    decoded = decode(saved(Image.fromarray(ramp()), format, **options), channels=3)
    assert np.array_equal(decoded.pixels_HWC, ramp())
    assert (decoded.width, decoded.height, decoded.format, decoded.mode) == (16, 12, format, "RGB")


def test_jpeg_is_close_to_its_source() -> None:
    decoded = decode(saved(Image.fromarray(ramp()), "JPEG", quality=95, subsampling=0), channels=3)
    assert np.abs(decoded.pixels_HWC.astype(int) - ramp()).mean() < 3


def test_rgb_becomes_gray_by_luma() -> None:
    expected = np.floor(ramp() @ np.array([0.299, 0.587, 0.114]) + 0.5)
    gray = decode(saved(Image.fromarray(ramp()), "PNG"), channels=1).pixels_HWC
    assert gray.shape == (12, 16, 1)
    assert np.abs(gray[:, :, 0] - expected).max() <= 1


def test_gray_becomes_rgb_by_repeating() -> None:
    gray = ramp()[:, :, 0]
    pixels = decode(saved(Image.fromarray(gray), "PNG"), channels=3).pixels_HWC
    assert np.array_equal(pixels, np.repeat(gray[:, :, None], 3, axis=2))


def test_one_bit_is_black_and_white() -> None:
    bits = ramp()[:, :, 0] > 80
    pixels = decode(saved(Image.fromarray(bits), "PNG"), channels=1).pixels_HWC
    assert np.array_equal(pixels[:, :, 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_turned_upright(format: str, orientation: int) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = 255
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    blob = saved(Image.fromarray(np.ascontiguousarray(stored)), format, exif=exif)
    decoded = decode(blob, channels=3)
    assert (decoded.width, decoded.height) == (32, 16)
    assert np.abs(decoded.pixels_HWC.astype(int) - upright).mean() < 4
    small = decode(blob, channels=3, img_size=8, fit="squash", scaled_decoding=True).pixels_HWC
    assert small[1, 1, 0] > 200
    assert small[6, 6, 0] < 50


def test_orientations_outside_the_standard_are_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    assert decode(saved(Image.fromarray(ramp()), "PNG", exif=exif), channels=3).width == 16
    assert sorted(ROTATIONS) == [2, 3, 4, 5, 6, 7, 8]


def test_transparency_lies_on_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (200, 0, 0, 255)
    rgba[0, 1] = (200, 0, 0, 0)
    rgba[1, 0] = (0, 0, 0, 128)
    pixels = decode(saved(Image.fromarray(rgba), "PNG"), channels=3).pixels_HWC
    assert pixels[0, 0].tolist() == [200, 0, 0]
    assert pixels[0, 1].tolist() == [255, 255, 255]
    assert pixels[1, 0].tolist() == [127, 127, 127]


def test_gray_with_alpha_lies_on_white() -> None:
    la = np.array([[[10, 255], [10, 0]]], np.uint8)
    pixels = decode(saved(Image.fromarray(la, "LA"), "PNG"), channels=1).pixels_HWC
    assert pixels[0, :, 0].tolist() == [10, 255]


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_a_transparent_entry(format: str) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    blob = saved(image, format, transparency=1)
    assert decode(blob, channels=3).pixels_HWC[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    opaque = saved(image, format)
    assert decode(opaque, channels=3).pixels_HWC[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_palette_with_several_degrees_of_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.putdata([0, 1])
    blob = saved(image, "PNG", transparency=bytes([255, 51]))
    assert decode(blob, channels=1).pixels_HWC[0, :, 0].tolist() == [0, 204]


@pytest.mark.parametrize(
    ("bits", "color", "rows", "key", "expected"),
    [
        (8, 0, b"\0\x07\x09", b"\0\x07", [255, 9]),
        (16, 0, b"\0\x12\x34\x80\x80", b"\x12\x34", [255, 128]),
        (1, 0, b"\0\x40", b"\0\0", [255, 255]),
        (8, 2, b"\0\1\2\3\4\4\4", b"\0\1\0\2\0\3", [255, 4]),
    ],
)
def test_a_transparent_color_is_white(bits: int, color: int, rows: bytes, key: bytes, expected: list[int]) -> None:
    blob = png(2, 1, bits, color, rows, (b"tRNS", key))
    assert decode(blob, channels=1).pixels_HWC[0, :, 0].tolist() == expected


def test_cmyk_jpeg_has_its_colors_and_not_their_negative() -> None:
    cmyk = np.zeros((8, 16, 4), np.uint8)
    cmyk[:, :8, 1] = cmyk[:, :8, 2] = 255
    blob = saved(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in blob
    pixels = decode(blob, channels=3).pixels_HWC.astype(int)
    assert np.abs(pixels[:, :7] - (255, 0, 0)).max() < 12
    assert np.abs(pixels[:, 9:] - (255, 255, 255)).max() < 12
    assert decode(blob, channels=3).mode == "CMYK"


def test_cmyk_tiff_is_not_inverted() -> None:
    cmyk = np.zeros((2, 2, 4), np.uint8)
    cmyk[0, :, 0] = 255
    pixels = decode(saved(Image.fromarray(cmyk, "CMYK"), "TIFF"), channels=3).pixels_HWC
    assert pixels[0, 0].tolist() == [0, 255, 255]
    assert pixels[1, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_gray_is_scaled_and_not_clipped(format: str) -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    pixels = decode(saved(Image.fromarray(values), format), channels=1).pixels_HWC
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_sixteen_bit_color_keeps_the_upper_byte() -> None:
    blob = png(1, 1, 16, 2, b"\0\xff\xff\x80\x01\x00\xff")
    assert decode(blob, channels=3).pixels_HWC[0, 0].tolist() == [255, 128, 0]


def twelve_bit_tiff() -> bytes:
    """Two gray values of 12 bits, 4095 and 0, packed into three bytes."""
    tags = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 122), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 3)]
    entries = b"".join(struct.pack("<HHIHH", *tag, 0) if tag[1] == 3 else struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + b"\xff\xf0\x00"


def test_twelve_bit_tiff_is_white_at_4095() -> None:
    assert decode(twelve_bit_tiff(), channels=1).pixels_HWC[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_without_a_white_are_refused(dtype: type) -> None:
    blob = saved(Image.fromarray(np.ones((2, 2), dtype)), "TIFF")
    with pytest.raises(UnreadablePicture, match="nothing says what is white; save as 8 or 16 bits"):
        decode(blob, channels=1)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_the_first_is_taken_and_said(format: str) -> None:
    first, second = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 255))
    options = {"lossless": True} if format == "WEBP" else {}
    blob = saved(first, format, save_all=True, append_images=[second], **options)
    decoded = decode(blob, channels=3)
    assert decoded.animated
    assert decoded.pixels_HWC[2, 2].tolist() == [255, 0, 0]
    assert not decode(saved(first, format, **options), channels=3).animated


def test_lab_and_ycbcr_tiff_become_rgb() -> None:
    gray = Image.new("YCbCr", (4, 4), (90, 128, 128))
    assert decode(saved(gray, "TIFF"), channels=3).pixels_HWC[0, 0].tolist() == [90, 90, 90]
    white = Image.new("LAB", (4, 4), (255, 128, 128))
    assert decode(saved(white, "TIFF"), channels=3).pixels_HWC.min() > 250


def decoded_or_none(blob: bytes) -> np.ndarray | None:
    """Pixels of a square of 40, or None where there is a reason instead."""
    try:
        return decode(blob, channels=3, img_size=40, max_pixels=100_000).pixels_HWC
    except UnreadablePicture as unreadable:
        return None if str(unreadable) else np.zeros(0)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_a_truncated_file_is_unreadable_and_never_half_a_picture(format: str) -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    blob = saved(image, format)
    whole = decode(blob, channels=3).pixels_HWC
    for length in {*range(0, len(blob), max(1, len(blob) // 150)), *range(len(blob) - 40, len(blob))}:
        pixels = decoded_or_none(blob[:length])
        assert pixels is None or np.array_equal(pixels, whole), f"cut at {length} of {len(blob)}: another picture"


def test_truncated_stays_unreadable_when_the_process_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    blob = saved(Image.fromarray(ramp(64, 64)), "JPEG")
    with strict_pillow(), pytest.raises(UnreadablePicture, match="truncated"):
        decode(blob[: len(blob) // 2], channels=3)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@settings(max_examples=150, deadline=None)
@given(
    format=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_files_give_a_picture_of_the_right_kind_or_a_reason(format: str, edits: list[tuple[int, int]]) -> None:
    blob = bytearray(saved(Image.fromarray(ramp()), format))
    for place, value in edits:
        blob[place % len(blob)] = value
    with strict_pillow():
        pixels = decoded_or_none(bytes(blob))
    assert pixels is None or (pixels.shape == (40, 40, 3) and pixels.dtype == np.uint8)


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", "empty file (0 bytes)"),
        (b"hello, I am a text", "not a picture file"),
        (b"RIFF\0\0\0\0WAVEfmt ", "not a picture file"),
        (b"\0\0\0\x20ftypavif", "an AVIF picture; read are JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM"),
        (b"\0\0\0\x20ftypheic", "a HEIC picture; read are JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM"),
        (b"%PDF-1.7", "a PDF document; read are JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM"),
        (b"\xef\xbb\xbf\n<SVG xmlns=", "an SVG drawing; read are JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM"),
    ],
)
def test_what_is_no_picture_is_named(blob: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        decode(blob, channels=3)
    assert str(caught.value) == reason


def test_a_header_without_a_picture_is_damaged() -> None:
    with pytest.raises(UnreadablePicture, match=r"^(damaged|truncated): "):
        decode(b"\x89PNG\r\n\x1a\n", channels=3)


def test_running_out_of_memory_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", full)
    with pytest.raises(MemoryError):
        decode(saved(Image.new("L", (4, 4)), "BMP"), channels=1)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    bomb = png(60_000, 60_000, 8, 0, b"")
    with pytest.raises(UnreadablePicture, match=r"60000×60000 = 3,600,000,000 pixels, more than data.max_pixels = 89,"):
        decode(bomb, channels=1)
    with pytest.raises(UnreadablePicture, match=r"16×12 = 192 pixels, more than data.max_pixels = 191$"):
        decode(saved(Image.fromarray(ramp()), "PNG"), channels=3, max_pixels=191)
    assert decode(saved(Image.fromarray(ramp()), "PNG"), channels=3, max_pixels=192).width == 16


def test_a_large_jpeg_is_decoded_small_where_that_still_is_twice_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.mgrid[0:512, 0:512]
    waves = np.stack([127 + 90 * np.sin(x / 40), 127 + 90 * np.cos(y / 30), 127 + 60 * np.sin((x + y) / 50)], -1)
    blob = saved(Image.fromarray(waves.astype(np.uint8)), "JPEG", quality=95)
    scaled = decode(blob, channels=3, img_size=64)
    exact = decode(blob, channels=3, img_size=64, scaled_decoding=False)
    difference = np.abs(scaled.pixels_HWC.astype(int) - exact.pixels_HWC)
    assert 0 < difference.mean() < 1
    assert (scaled.width, scaled.height) == (512, 512)
    at_full_size = decode(blob, channels=3, img_size=257)
    assert np.array_equal(
        at_full_size.pixels_HWC, decode(blob, channels=3, img_size=257, scaled_decoding=False).pixels_HWC
    )


def test_predict_reads_as_the_store_does(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(Image.fromarray(ramp()), "PNG"))
    pixels_CHW = decode_resized(path, channels=3, **SETTINGS)
    assert pixels_CHW.shape == (3, 8, 8)
    expected = decode(path.read_bytes(), channels=3, img_size=8).pixels_HWC.transpose(2, 0, 1)
    assert np.array_equal(pixels_CHW, expected)
    assert pixels_CHW.flags.c_contiguous


def test_what_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="cannot be opened: No such file"):
        decode_resized(tmp_path / "none.png", channels=3, **SETTINGS)
    with pytest.raises(UnreadablePicture, match="cannot be opened: Is a directory"):
        read_bytes(tmp_path)
    with pytest.raises(UnreadablePicture, match="cannot be opened: Is a directory"):
        read_header(tmp_path, max_pixels=100)


@pytest.mark.parametrize(
    ("image", "gray"),
    [
        (Image.new("L", (4, 2)), True),
        (Image.new("1", (4, 2)), True),
        (Image.new("LA", (4, 2)), True),
        (Image.fromarray(np.zeros((2, 4), np.uint16)), True),
        (Image.new("RGB", (4, 2)), False),
        (Image.new("RGBA", (4, 2)), False),
    ],
)
def test_headers_know_what_can_have_color(image: Image.Image, gray: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(image, "PNG"))
    header = read_header(path, max_pixels=100)
    assert (header.gray, header.width, header.height) == (gray, 4, 2)


def test_a_palette_of_grays_is_gray(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4))
    path = tmp_path / "a.gif"
    for palette, gray in (([0, 0, 0, 9, 9, 9], True), ([0, 0, 0, 9, 9, 8], False)):
        image.putpalette(palette)
        image.putdata([0, 1] * 8)
        path.write_bytes(saved(image, "GIF"))
        assert read_header(path, max_pixels=100).gray is gray


def test_pillows_remarks_stay_off_the_terminal() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with strict_pillow():
            warnings.warn_explicit("odd metadata", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
        with pytest.raises(UserWarning, match="odd"):
            warnings.warn_explicit("odd metadata", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")


@pytest.mark.parametrize(
    ("mode", "clear", "ground"),
    [
        ("RGBA", True, 255),
        ("RGBA", False, 0),
        ("LA", True, 255),
        ("RGB", False, 0),
        ("P", True, 255),
        ("I;16", True, 255),
    ],
)
def test_padding_goes_on_in_what_the_picture_lies_on(mode: str, clear: bool, ground: int) -> None:
    options = {}
    if mode == "I;16":
        image = Image.fromarray(np.array([[0, 30000, 500, 65535]], np.uint16))
        options = {"transparency": 500}
    elif mode == "P":
        image = Image.new("P", (4, 1))
        image.putpalette([9, 9, 9, 0, 255, 0])
        image.putdata([0, 1, 0, 0])
        options = {"transparency": 1}
    else:
        image = Image.new(mode, (4, 1), (7,) * len(mode))
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(np.array([[255, 255, 0 if clear else 255, 255]], np.uint8)))
    pixels = decode(saved(image, "PNG", **options), channels=3, img_size=4, fit="pad").pixels_HWC
    assert pixels[0].tolist() == pixels[3].tolist() == [[ground] * 3] * 4
    assert pixels[1].tolist() != [[ground] * 3] * 4
