"""Knobs of quantization: from weights to integers, and from integers to bytes."""

from __future__ import annotations

from golf.config.knob import ON, Scale, Stage, Value, knob
from golf.frozen import Frozen

QUANTIZE = Stage.QUANTIZE
BITS = (2, 3, 4, 5, 6, 7, 8)
FREE: dict[str, tuple[Value, ...]] = {"quant.fit_bytes": (None,)}
BY_SIGMA = {"quant.clip": ("sigma",)}
CLIPPED = {**BY_SIGMA, **FREE}
GPTQ = {"quant.method": ("gptq",)}
LQER = {"quant.lqer": (True,)}
CODED_GATES = {"model.attn_gate": ("gated", "sparse")}
GENERAL = {"quant.compressor": ("brotli", "lzma", "zstd", "zlib")}


class QuantConfig(Frozen):
    """How weights become bytes: integers with a scale per row, then a compressor."""

    method: str = knob(
        "rtn", QUANTIZE, "rounding: rtn to the nearest code, or gptq with Hessians of calibration "
        "inputs", choices=("rtn", "gptq"), example="gptq", bare=False, aliases=("quant_method",),
        published={"GPTQ_ENABLED": "quant_method: gptq"},
        source="GPTQ, arXiv 2210.17323; PR 1019",
    )  # fmt: skip
    bits: int = knob(
        8, QUANTIZE, "bits per weight in the matrices of the blocks", unit="bit", choices=BITS,
        example=6, needs=FREE, aliases=("matrix_bits", "quant_bits"),
    )  # fmt: skip
    attn_bits: int | None = knob(
        None, QUANTIZE, "bits per weight in attention matrices (null: as in all matrices)",
        unit="bit", choices=BITS, example=6, needs=FREE,
    )  # fmt: skip
    mlp_bits: int | None = knob(
        None, QUANTIZE, "bits per weight in MLP matrices (null: as in all matrices)",
        unit="bit", choices=BITS, example=6, needs=FREE,
    )  # fmt: skip
    embed_bits: int = knob(
        8, QUANTIZE, "bits per weight in embeddings", unit="bit", choices=BITS, example=6,
        needs=FREE,
    )  # fmt: skip
    clip: str = knob(
        "sigma", QUANTIZE, "how far a row's grid reaches: sigma, a multiple of its standard "
        "deviation; percentile of its absolute values; search, the percentile that moves the "
        "tensor least", choices=("sigma", "percentile", "search"), example="percentile",
        bare=False, aliases=("clip_rule", "quant_clip"),
        source="PR 1394 (sigma)",
    )  # fmt: skip
    clip_sigmas: float | None = knob(
        None, QUANTIZE, "matrix rows are clipped at this many standard deviations (null: "
        "by bit width)", unit="sigma", example=3.0, at_least=0.1, needs=CLIPPED,
        aliases=("matrix_clip_sigmas",),
    )  # fmt: skip
    attn_clip_sigmas: float | None = knob(
        None, QUANTIZE, "attention rows are clipped at this many standard deviations (null: as "
        "all matrices of this bit width)", unit="sigma", example=3.0, at_least=0.1, needs=CLIPPED,
    )  # fmt: skip
    mlp_clip_sigmas: float | None = knob(
        None, QUANTIZE, "MLP rows are clipped at this many standard deviations (null: as all "
        "matrices of this bit width)", unit="sigma", example=3.0, at_least=0.1, needs=CLIPPED,
    )  # fmt: skip
    embed_clip_sigmas: float | None = knob(
        None, QUANTIZE, "embedding rows are clipped at this many standard deviations "
        "(null: by bit width)", unit="sigma", example=3.0, at_least=0.1, needs=CLIPPED,
    )  # fmt: skip
    clip_percentile: float = knob(
        99.99984, QUANTIZE, "absolute values above this percentile of their row are clipped",
        unit="%", example=99.5, at_least=1.0, at_most=100.0,
        needs={"quant.clip": ("percentile",)}, aliases=("int8_clip_percentile",),
    )  # fmt: skip
    scale_floor: float = knob(
        0.0, QUANTIZE, "smallest step between two codes of a row; the published int8 rule has "
        "1/127, which costs short or decayed trainings dearly", off=0.0, example=0.05,
        at_least=0.0, at_most=1000.0,
    )  # fmt: skip
    importance: float = knob(
        0.0, QUANTIZE, "how much coarser rows of more than mean importance get (Hessian-aware "
        "SDClip)", off=0.0, example=0.175, at_least=0.0, at_most=1.0,
        needs={**GPTQ, **BY_SIGMA}, aliases=("hessian_clip_lambda",),
        source="PR 1412",
    )  # fmt: skip
    rotate: bool = knob(
        False, QUANTIZE, "turn the columns of every matrix by a fixed orthogonal rotation before "
        "rounding, and back when loading", off=False, example=True, aliases=("rotation",),
        source="QuIP#, arXiv 2402.04396; QuaRot, arXiv 2404.00456",
    )  # fmt: skip
    gptq_damping: float = knob(
        0.01, QUANTIZE, "share of the Hessian's mean diagonal that is added to its diagonal",
        example=0.1, at_least=1e-6, at_most=10.0, needs=GPTQ, aliases=("gptq_percdamp",),
    )  # fmt: skip
    gptq_order: str = knob(
        "diagonal", QUANTIZE, "columns in GPTQ: largest diagonal of the Hessian first, or as they "
        "stand", choices=("diagonal", "plain"), example="plain", needs=GPTQ,
    )  # fmt: skip
    calib_source: str = knob(
        "train", QUANTIZE, "calibration inputs: windows of the training split, or text that the "
        "model makes up itself", choices=("train", "self"), example="self", needs=GPTQ,
        example_with={"quant.calib_batches": 1, "quant.calib_tokens": 128},
        source="PR 1019 (self)",
    )  # fmt: skip
    calib_batches: int = knob(
        16, QUANTIZE, "calibration batches behind the Hessians", unit="batch", example=2,
        at_least=1, needs=GPTQ, scale=Scale.STEPS,
        aliases=("gptq_calibration_batches", "calibration_batches"),
    )  # fmt: skip
    calib_tokens: int = knob(
        4096, QUANTIZE, "tokens in one calibration batch, rounded up to whole sequences",
        unit="token", example=512, at_least=1, needs=GPTQ, aliases=("calib_batch_tokens",),
        scale=Scale.BATCH,
    )  # fmt: skip
    calib_seed: int | None = knob(
        None, QUANTIZE, "seed of the calibration batches (null: from the training's seed)",
        example=7, at_least=0, needs=GPTQ,
    )  # fmt: skip
    quant_gate: bool = knob(
        False, QUANTIZE, "store the tables of gated and sparse output gates as int8 per row, not "
        "as fp16", off=False, example=True, needs=CODED_GATES, aliases=("gated_attn_quant_gate",),
    )  # fmt: skip
    lqer: bool = knob(
        False, QUANTIZE, "repair the largest rounding errors with low-rank factors", off=False,
        example=True, aliases=("lqer_enabled",),
        source="arXiv 2402.02446; PR 1855",
    )  # fmt: skip
    lqer_rank: int = knob(
        4, QUANTIZE, "rank of a repair", example=2, at_least=1, at_most=256, needs=LQER,
    )  # fmt: skip
    lqer_top_k: int = knob(
        3, QUANTIZE, "tensors that are repaired, those with the largest error first",
        unit="tensor", example=1, at_least=1, needs=LQER,
    )  # fmt: skip
    lqer_asym: bool = knob(
        True, QUANTIZE, "two bits for the left factor, four with a scale per group for the right "
        "one, where the width is a whole number of groups", example=False, needs=LQER,
        aliases=("lqer_asym_enabled",),
    )  # fmt: skip
    lqer_group: int = knob(
        64, QUANTIZE, "entries of the right factor that share a scale", example=32, at_least=1,
        needs={**LQER, "quant.lqer_asym": (True,)}, aliases=("lqer_asym_group",),
    )  # fmt: skip
    lqer_factor_bits: int = knob(
        4, QUANTIZE, "bits per entry of symmetric factors", unit="bit", choices=BITS, example=8,
        needs={**LQER, "quant.lqer_asym": (False,)},
    )  # fmt: skip
    prune_to_bytes: int | None = knob(
        None, QUANTIZE, "zero codes of plus or minus one, smallest scales first, until the model's "
        "file has at most so many bytes (null: none)", unit="byte", off=None, example=66500,
        at_least=1, needs=FREE,
        source="PR 1019",
    )  # fmt: skip
    fit_bytes: int | None = knob(
        None, QUANTIZE, "choose bits and clips of attention, MLP and embeddings so that model and "
        "code take at most so many bytes, with the least loss on windows of the training split "
        "(null: as set)", unit="byte", off=None, example=16_000_000, at_least=1, aliases=("fit",),
    )  # fmt: skip
    fit_tokens: int = knob(
        8192, QUANTIZE, "tokens of the training split on which choices are compared, rounded up "
        "to whole sequences", unit="token", example=1024, at_least=1,
        needs={"quant.fit_bytes": ON}, example_with={"quant.fit_bytes": 100_000},
        scale=Scale.BATCH,
    )  # fmt: skip
    compressor: str = knob(
        "ans", QUANTIZE, "integers to bytes: ans, golf's entropy coder with a table for every "
        "spread of a row and column; or a general compressor at its smallest",
        choices=("ans", "brotli", "lzma", "zstd", "zlib"), example="brotli", aliases=("codec",),
        source="arXiv 1311.2540 (ans)",
    )  # fmt: skip
    brotli_quality: int = knob(
        11, QUANTIZE, "effort of brotli", example=5, at_least=0, at_most=11, scale=Scale.EFFORT,
        needs={"quant.compressor": ("brotli",)},
    )  # fmt: skip
    group_streams: bool = knob(
        False, QUANTIZE, "compress each kind of matrix as a stream of its own, transposed",
        off=False, example=True, needs=GENERAL, aliases=("per_group",),
        source="PR 1855",
    )  # fmt: skip
    sort_rows: bool = knob(
        False, QUANTIZE, "put similar rows next to each other before compressing", off=False,
        example=True, needs=GENERAL,
        source="PR 1855",
    )  # fmt: skip
    bit_pack: bool = knob(
        False, QUANTIZE, "store only the bits that a code has before compressing", off=False,
        example=True, needs=GENERAL,
    )  # fmt: skip
    byte_shuffle: bool = knob(
        False, QUANTIZE, "even bytes first, then odd ones, before compressing", off=False,
        example=True, needs={**GENERAL, "quant.bit_pack": (False,)}, aliases=("shuffle",),
        source="PR 1493",
    )  # fmt: skip
