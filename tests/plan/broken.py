"""One broken matrix for each way to break a rule: text, place, message."""

from __future__ import annotations

BROKEN = {
    "heads do not divide the width": (
        "rows:\n  r: {n_head: 3}\n",
        "2:15",
        "model_dim 128 is not a multiple of n_head 3; 2 or 4 would do",
    ),
    "a head that cannot turn": (
        "rows:\n  r: {n_head: 128}\n",
        "2:15",
        "rotary embedding turns pairs of channels, n_head 128 leaves 1 each; 64 would do",
    ),
    "a width that follows from the depth and does not fit": (
        "rows:\n  r: {aspect_ratio: 30}\n",
        "2:21",
        "head_dim 32; 96 and 128 are, and where depth x aspect_ratio gives the width, "
        "`width_rounding: up` makes it 128",
    ),
    "a width beyond all machines": (
        "rows:\n  r: {aspect_ratio: 65536}\n",
        "2:21",
        "model_dim 262144 is more than 65536 channels",
    ),
    "a batch that processes cannot share": (
        "launch: {nproc_per_node: 2}\nrows:\n  r: {batch_tokens: 768}\n",
        "3:21",
        "batch_tokens 768 is not a whole number of sequences on each of 2 processes",
    ),
    "positions that need no scaling": (
        "rows:\n  r: {rope_train_len: 256}\n",
        "2:23",
        "rope_train_len 256 scales nothing: sequences have 256 tokens",
    ),
    "a base for one pair": (
        "rows:\n  r: {rope_train_len: 32, rope_dims: 2}\n",
        "2:23",
        "ntk scaling needs at least 4 rotary channels",
    ),
    "shared channels with a position": (
        "rows:\n  r: {rope_dims: 28, shared_head_dim: 8}\n",
        "2:39",
        "shared_head_dim 8 and rope_dims 28 overlap in a head of 32",
    ),
    "shared channels where all are turned": (
        "rows:\n  r: {shared_head_dim: 8}\n",
        "2:24",
        "shared_head_dim 8 and rope_dims 32 overlap in a head of 32",
    ),
    "shared channels of one head": (
        "rows:\n  r: {n_head: 1, rope_dims: 16, shared_head_dim: 8}\n",
        "2:50",
        "one head shares with nobody",
    ),
    "value embeddings on no set of layers": (
        "rows:\n  r: {value_embed: some}\n",
        "2:20",
        "model.value_embed: 'some' names no layers",
    ),
    "value embeddings on a layer that is not there": (
        "rows:\n  r: {value_embed: '1,4'}\n",
        "2:20",
        "model.value_embed: there is no layer 4 among 4",
    ),
    "XSA on a layer that is not there": (
        "rows:\n  r: {xsa: '9'}\n",
        "2:12",
        "model.xsa: there is no layer 9 among 4",
    ),
    "a smear gate wider than the stream": (
        "rows:\n  r: {smear: v2, smear_width: 129}\n",
        "2:31",
        "model.smear_width 129 exceeds model_dim 128",
    ),
    "a value residual of one block": (
        "rows:\n  r: {depth: 1, value_residual: true}\n",
        "2:33",
        "value_residual needs a second block",
    ),
    "a value residual whose source is looped": (
        "rows:\n  r: {value_residual: true, loop_count: 1}\n",
        "2:23",
        "value_residual passes the first block's values on",
    ),
    "skips of one block": (
        "rows:\n  r: {depth: 1, skips: plain}\n",
        "2:24",
        "skips join two blocks; there is one",
    ),
    "parallel blocks after the last": (
        "rows:\n  r: {parallel: one_stream, parallel_start: 4}\n",
        "2:17",
        "parallel_start 4 is not one of 4 blocks",
    ),
    "a loop from two lanes into one": (
        "rows:\n  r: {parallel: two_lane, parallel_start: 2, loop_count: 1, loop_end: 2}\n",
        "2:17",
        "a loop cannot run back from two lanes into one: it must end before block 2",
    ),
    "a loop beyond the depth": (
        "rows:\n  r: {loop_count: 1, loop_end: 4}\n",
        "2:32",
        "blocks 0 to 4 are no stretch of 4 blocks",
    ),
    "a loop that ends before it starts": (
        "rows:\n  r: {loop_count: 1, loop_start: 3}\n",
        "2:34",
        "blocks 3 to 1 are no stretch of 4 blocks",
    ),
    "a pair table of one row": (
        "rows:\n  r: {bigram_buckets: 1}\n",
        "2:23",
        "bigram_buckets 1 leaves no row for pairs",
    ),
    "an MLP of one channel": (
        "rows:\n  r: {mlp_mult: 0.01}\n",
        "2:17",
        "the MLP needs at least 2 hidden channels, mlp_mult gives 1",
    ),
    "heads do not fill the width": (
        "rows:\n  r:\n    model_dim: 100\n",
        "3:16",
        "model_dim 100 is not a multiple of head_dim 32",
    ),
    "a head that is wider than the model": (
        "rows:\n  r: {head_dim: 256}\n",
        "2:17",
        "model_dim 128 is not a multiple of head_dim 256; 256 is, and where",
    ),
    "key heads do not divide the heads": (
        "rows:\n  r: {n_kv_head: 3}\n",
        "2:18",
        "4 query heads cannot share n_kv_head 3 evenly",
    ),
    "an odd rotation": (
        "rows:\n  r: {rope_dims: 5}\n",
        "2:18",
        "rotary embedding turns pairs of channels, rope_dims 5 is odd; 4 or 6 would do",
    ),
    "a rotation wider than the head": (
        "rows:\n  r: {rope_dims: 64}\n",
        "2:18",
        "rope_dims 64 exceeds head_dim 32",
    ),
    "a window of another letter": (
        "rows:\n  r: {window_pattern: SM}\n",
        "2:23",
        "window_pattern is letters S (short) and L (full)",
    ),
    "a gate wider than the stream": (
        "rows:\n  r: {attn_gate: out_gate, gate_width: 200}\n",
        "2:40",
        "model.gate_width 200 exceeds model_dim 128",
    ),
    "a value gate wider than the stream": (
        "rows:\n  r: {value_embed: all, value_gate_width: 200}\n",
        "2:43",
        "model.value_gate_width 200 exceeds model_dim 128",
    ),
    "no budget": (
        "rows:\n  r: {steps: null}\n",
        "2:14",
        "a training needs one budget: steps, tokens or seconds",
    ),
    "a broken sequence in the batch": (
        "rows:\n  r: {batch_tokens: 1000}\n",
        "2:21",
        "batch_tokens 1000 is not a whole number of sequences of 256",
    ),
    "a micro batch that divides nothing": (
        "rows:\n  r: {micro_tokens: 768}\n",
        "2:21",
        "micro_tokens 768 must be whole sequences of 256 and divide a rank's share",
    ),
    "ramps that overlap": (
        "rows:\n  r: {warmup_frac: 0.7}\n",
        "2:20",
        "warmup and warmdown together take 1.2 of the budget",
    ),
    "growth from the whole model": (
        "rows:\n  r: {grow_from: 4}\n",
        "2:18",
        "a model of 4 blocks cannot grow from 4",
    ),
    "growth of a loop": (
        "rows:\n  r: {grow_from: 1, loop_count: 1}\n",
        "2:18",
        "the loop ends at block 1, beyond the first 1 blocks",
    ),
    "growth with XSA on some layers": (
        "rows:\n  r: {grow_from: 2, xsa: 'last:2'}\n",
        "2:18",
        "model.xsa names layers of the grown model",
    ),
    "an unknown geometry": (
        "evaluate: [chunk]\n",
        "1:11",
        "unknown geometry 'chunk'; there are chunked, slidingN, documents and documentsN",
    ),
    "a stride beyond the window": (
        "evaluate: [sliding512]\n",
        "1:11",
        "the stride of sliding512 is more than a window of 256 tokens",
    ),
    "a stride of nothing": ("evaluate: sliding0\n", "1:11", "unknown geometry 'sliding0'"),
    "a stride beyond a short window": (
        "rows:\n  r: {ttt: sgd, ttt_geometry: documents200, eval_seq_len: 128}\n",
        "2:31",
        "the stride of documents200 is more than a window of 128 tokens",
    ),
    "too few channels to stretch": (
        "rows:\n  r: {rope_dims: 2, eval_seq_len: 512, eval_rope_scaling: ntk}\n",
        "2:59",
        "ntk scaling needs at least 4 rotary channels",
    ),
    "operators in shards": (
        "rows:\n  r: {caseops: true, dataset: elsewhere}\n",
        "2:16",
        "caseops rewrites text, and shards are tokens already",
    ),
    "an adapter nowhere": (
        "rows:\n  r: {ttt: lora, ttt_lora_targets: [q, up]}\n",
        "2:36",
        "no place 'up' for adapters; there are q, k, v, o, mlp, head",
    ),
    "a chunk beyond the window": (
        "rows:\n  r: {ttt: lora, ttt_chunk_size: 300}\n",
        "2:34",
        "lora_chunk 300 is more than a window of 256 tokens",
    ),
    "frozen blocks that do not exist": (
        "rows:\n  r: {ttt: sgd, ttt_freeze_blocks: 9}\n",
        "2:36",
        "freeze_blocks 9 is more than the model's 4 blocks",
    ),
    "a sixth step of Polar Express": (
        "rows:\n  r: {muon_ns: polar, muon_ns_steps: 6}\n",
        "2:38",
        "Polar Express has coefficients for 5 steps, muon_ns_steps is 6",
    ),
    "steps of which none counts": (
        "rows:\n  r: {steps: 8, uncounted_steps: 8}\n",
        "2:34",
        "uncounted_steps 8 leaves none of 8 steps to count; set fewer",
    ),
    "a fit without sigmas": (
        "rows:\n  r: {fit: 16_000_000, clip_rule: search}\n",
        "2:12",
        "fit chooses multiples of sigma, clip_rule is search",
    ),
    "two averages": (
        "rows:\n  r: {ema_decay: 0.9, swa_start: 0.5}\n",
        "2:34",
        "one average is exported: set ema_decay to 0 or swa_start to null",
    ),
    "a broken sequence in adaptation": (
        "rows:\n  r: {ttt: sgd, ttt_batch_tokens: 300}\n",
        "2:35",
        "ttt.batch_tokens 300 is not a whole number of sequences of 256",
    ),
}
