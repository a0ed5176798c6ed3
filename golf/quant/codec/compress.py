"""General compressors behind two functions, with output bounded by what was promised."""

from __future__ import annotations

import lzma
import zlib

import brotli

FASTEST, SMALLEST = 5, 11  # brotli's effort
COMPRESSORS = ("brotli", "lzma", "zstd", "zlib")


def compress(name: str, data: bytes, quality: int = SMALLEST) -> bytes:
    """Return ``data`` compressed as small as the compressor can; brotli with ``quality``.

    Raises:
        ImportError: zstandard is not installed.
    """
    if name == "brotli":
        packed: bytes = brotli.compress(data, quality=quality, lgwin=24)
        return packed
    if name == "lzma":
        return lzma.compress(data, check=lzma.CHECK_NONE, preset=9 | lzma.PRESET_EXTREME)
    if name == "zlib":
        return zlib.compress(data, 9)
    import zstandard  # noqa: PLC0415 (a frozen program need not have it)

    return zstandard.ZstdCompressor(level=22).compress(data)


def decompress(name: str, packed: bytes, length: int) -> bytes:
    """Return exactly ``length`` bytes.

    Raises:
        ValueError: the stream is damaged, or holds another number of bytes; at most one byte
            more than promised is ever unpacked.
    """
    try:
        data, whole = _BOUNDED[name](packed, length + 1)
    except (zlib.error, lzma.LZMAError, brotli.error) as error:
        raise ValueError(f"a damaged {name} stream: {error}") from None
    if len(data) != length or not whole:
        raise ValueError(f"a {name} stream has another length than promised")
    return data


def _unbrotli(packed: bytes, limit: int) -> tuple[bytes, bool]:
    decoder = brotli.Decompressor()
    data: bytes = decoder.process(packed, output_buffer_limit=limit)
    return data, decoder.is_finished()


def _unlzma(packed: bytes, limit: int) -> tuple[bytes, bool]:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 30)
    return decoder.decompress(packed, limit), decoder.eof and not decoder.unused_data


def _unzlib(packed: bytes, limit: int) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj()
    return decoder.decompress(packed, limit), decoder.eof and not decoder.unused_data


def _unzstd(packed: bytes, limit: int) -> tuple[bytes, bool]:
    import zstandard  # noqa: PLC0415 (a frozen program need not have it)

    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    try:
        with decoder.stream_reader(packed) as stream:
            return stream.read(limit), zstandard.frame_content_size(packed) == limit - 1
    except zstandard.ZstdError as error:
        raise ValueError(f"a damaged zstd stream: {error}") from None


_BOUNDED = {"brotli": _unbrotli, "lzma": _unlzma, "zlib": _unzlib, "zstd": _unzstd}
