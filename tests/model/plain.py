"""The decoder once more, one token and one head at a time, in float64.

Written from the formulas alone: it shares no code with ``golf.model``, reads settings and
weights by name, and takes nothing for granted that a loop can say. A stream is a list with a
vector (C,) per token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tests.model.plain_parts import (
    F64,
    averaged,
    chosen,
    norm,
    order,
    pair_row,
    rotary,
    sigmoid,
    turned,
)

Stream = list[Tensor]


BOS = 1


@dataclass
class Plain:
    """A model by its settings and named weights.

    Args:
        c: settings, as ``ModelConfig`` has them.
        w: weights by the names of golf's state dict.
        seq_len: for windows and stretched positions.
        loops: extra passes over the looped blocks.
    """

    c: Any
    w: dict[str, Tensor]
    seq_len: int
    loops: int

    def __post_init__(self) -> None:
        self.w = {n: t.detach().double() for n, t in self.w.items()}
        self.speeds, self.sharpness = rotary(self.c, self.seq_len)
        self.heads = self.c.model_dim // self.c.head_dim
        self.kv_heads = self.c.n_kv_head or self.heads

    def logits(self, tokens: list[int], starts: list[int] | None = None) -> Tensor:
        """Return (T, V) logits of one text."""
        self.tokens, self.starts = tokens, starts or [0] * len(tokens)
        self.first_values: list[list[Tensor]] = []
        self.x0 = self.embedded()
        lanes, outputs, ran = (self.x0, self.x0), [], order(self.c, self.loops)
        encoders = len(ran) // 2
        for step, layer in enumerate(ran):
            decoder = step - encoders
            if self.c.skips != "none" and 0 <= decoder < encoders:
                back = outputs[encoders - 1 - decoder][0]
                lanes = (self.skipped(lanes[0], back, decoder), lanes[1])
            self.layer, self.passed, self.decodes = layer, ran[:step].count(layer), decoder >= 0
            lanes = self.block(lanes)
            outputs.append(lanes)
        return torch.stack([self.read_out(x) for x in self.merged(lanes, outputs)])

    def embedded(self) -> Stream:
        c, w, tokens = self.c, self.w, self.tokens
        x = [w["embed_VC"][t] for t in tokens]
        befores = [None, *tokens[:-1]]
        if c.bigram_buckets:
            for i, (token, before) in enumerate(zip(tokens, befores, strict=True)):
                alone = c.bigram_bos_mask and token == BOS
                row = pair_row(token, None if alone else before, c.bigram_buckets)
                pair = w["bigram.project.master"] @ w["bigram.table_NE"][row]
                x[i] = x[i] + w["bigram.scale_1"] * pair
        kept = [t == BOS and c.smear_bos_mask for t in tokens]
        if c.smear == "v2":
            gates = [sigmoid(w["smear.gate_1W"][0] @ v[: c.smear_width]) for v in x]
            pulls = [w["smear.strength_1"] * g for g in gates]
            x = [v if i == 0 or kept[i] else v + pulls[i] * x[i - 1] for i, v in enumerate(x)]
        x = [norm(v) for v in x]
        if c.smear == "v1":
            g, nothing = sigmoid(w["blend.gate_C"]), torch.zeros(c.model_dim, dtype=F64)
            before = [nothing if i == 0 or kept[i] else x[i - 1] for i in range(len(x))]
            x = [(1 - g) * v + g * b for v, b in zip(x, before, strict=True)]
        return x

    def skipped(self, x: Stream, back: Stream, row: int) -> Stream:
        weight = self.w["skips.weights_SC"][row]
        if self.c.skips == "plain":
            return [v + weight * b for v, b in zip(x, back, strict=True)]
        g = sigmoid(self.w["skips.gates_SC"][row])
        return [(1 - g) * weight * b + g * v for v, b in zip(x, back, strict=True)]

    def own(self, name: str) -> Tensor:
        return self.w[f"blocks.{self.layer}.{name}"]

    def block(self, lanes: tuple[Stream, Stream]) -> tuple[Stream, Stream]:
        late = self.layer >= self.c.parallel_start
        u = self.mixed(lanes[0])
        if self.c.parallel == "two_lane" and late and self.decodes:
            return self.exchanged(lanes, self.attn(u), self.mlp(lanes[1]))
        if self.c.parallel == "one_stream" and late:
            added = zip(u, self.attn(u), self.mlp(u), strict=True)
            x = [v + a + m for v, a, m in added]
            return x, x
        x = [v + a for v, a in zip(u, self.attn(u), strict=True)]
        x = [v + m for v, m in zip(x, self.mlp(x), strict=True)]
        return x, x

    def mixed(self, x: Stream) -> Stream:
        if self.c.x0_mix == "none":
            return x
        if self.c.x0_mix == "scalar":
            a, b = self.own("mix.resid_1"), self.own("mix.x0_1")
        else:
            a, b = self.own("mix.mix_2C")
        return [a * v + b * v0 for v, v0 in zip(x, self.x0, strict=True)]

    def exchanged(
        self, lanes: tuple[Stream, Stream], attn: Stream, mlp: Stream
    ) -> tuple[Stream, Stream]:
        r, p = self.w["lanes.keep_L2"][self.layer], self.w["lanes.write_L22"][self.layer]
        first, second = (
            [
                r[lane] * v + p[0, lane] * a + p[1, lane] * m
                for v, a, m in zip(lanes[lane], attn, mlp, strict=True)
            ]
            for lane in (0, 1)
        )
        return first, second

    def branch(self, x: Stream, name: str, run: Callable[[Stream], Stream]) -> Stream:
        """Return what a branch adds: norm, scale by depth, run, scale by channel."""
        deep = 1 / math.sqrt(self.layer + 1)
        before = deep if self.c.ln_scale == "norm_input" else 1.0
        after = deep if self.c.ln_scale == "residual" else 1.0
        scale = self.own(f"{name}_scale.scale_C") if self.c.branch_scale else 1.0
        return [after * scale * y for y in run([norm(v) * before for v in x])]

    def mlp(self, x: Stream) -> Stream:
        return self.branch(x, "mlp", lambda n: [self.fed(v) for v in n])

    def fed(self, n: Tensor) -> Tensor:
        up, act = self.own("mlp.up.master") @ n, self.c.mlp_act
        if act == "swiglu":
            gate = self.own("mlp.gate.master") @ n
            return self.own("mlp.down.master") @ (gate * sigmoid(gate) * up)
        if act == "sin2":
            return self.own("mlp.down.master") @ torch.sin(up) ** 2
        slope = 0.0 if act == "relu2" else self.c.leaky_slope
        bent = torch.tensor([z if z > 0 else slope * z for z in up.tolist()], dtype=F64)
        return self.own("mlp.down.master") @ bent**2

    def attn(self, u: Stream) -> Stream:
        return self.branch(u, "attn", lambda n: self.attention(n, u))

    def map(self, name: str, x: Tensor, heads: int = 0) -> Tensor:
        """Return a projection of attention, with what this pass's adapter adds."""
        weight = self.own(f"attention.{name}.master")
        if heads and self.c.shared_head_dim:
            weight = averaged(weight, heads, self.c.shared_head_dim)
        y = weight @ x
        if self.c.loop_lora_rank:
            adapter = f"adapters.0.passes.{self.passed}.{self.layer}.{name}."
            y = y + (x @ self.w[adapter + "a_CR"]) @ self.w[adapter + "b_RC"]
        return y

    def attention(self, n: Stream, u: Stream) -> Stream:
        c, d = self.c, self.c.head_dim
        raw_q = [self.map("q", v, self.heads) for v in n]
        k = [self.map("k", v, self.kv_heads).split(d) for v in n]
        values = self.values(n)
        places = [i - s for i, s in enumerate(self.starts)]
        q = [self.positioned(v.split(d), p) for v, p in zip(raw_q, places, strict=True)]
        k = [self.positioned(v, p) for v, p in zip(k, places, strict=True)]
        out = []
        for i in range(len(n)):
            source = {"normed": n, "residual": u, "q": raw_q}[c.gate_src][i]
            gates = self.gates(source)
            heads = [gates[h] * self.head(i, h, q[i][h], k, values) for h in range(self.heads)]
            out.append(self.map("out", torch.cat(heads)))
        return out

    def positioned(self, heads: Sequence[Tensor], place: int) -> list[Tensor]:
        normed = [norm(x) if self.c.qk_norm else x for x in heads]
        return [turned(x, place, self.speeds) for x in normed]

    def head(
        self, i: int, h: int, q: Tensor, k: list[list[Tensor]], v: list[list[Tensor]]
    ) -> Tensor:
        """Return what one head reads at one position."""
        c, kv = self.c, h // (self.heads // self.kv_heads)
        gain = self.own("attention.query_gain.gain_H")[h] if c.q_gain is not None else 1.0
        letter = c.window_pattern[self.layer % len(c.window_pattern)]
        short = letter == "S" and self.layer < c.depth - 1
        reach = int(self.seq_len * c.short_window) if short else self.seq_len
        seen = [j for j in range(self.starts[i], i + 1) if i - j <= reach]
        scale = self.sharpness / math.sqrt(c.head_dim)
        powers = [torch.exp(gain * scale * (q @ k[j][kv])) for j in seen]
        y = sum(p * v[j][kv] for p, j in zip(powers, seen, strict=True)) / sum(powers)
        if self.layer in chosen(c.xsa, c.depth):
            unit = v[i][kv] / max(v[i][kv].norm().item(), 1e-12)
            share = sigmoid(self.own("attention.exclude.gate_H")[h]) if c.xsa_gated else 1.0
            y = y - share * (y @ unit) * unit
        return y

    def values(self, n: Stream) -> list[list[Tensor]]:
        """Return the values that are attended, per token and key head."""
        v = [list(self.map("v", x).split(self.c.head_dim)) for x in n]
        if self.layer in chosen(self.c.value_embed, self.c.depth):
            v = [
                [a + b for a, b in zip(heads, self.extra(t, x), strict=True)]
                for heads, t, x in zip(v, self.tokens, n, strict=True)
            ]
        if self.c.value_residual and self.layer == 0:
            self.first_values = v
        elif self.c.value_residual:
            a, b = self.own("attention.value_residual.mix_2")
            v = [
                [a * f + b * x for f, x in zip(first, heads, strict=True)]
                for first, heads in zip(self.first_values, v, strict=True)
            ]
        return v

    def extra(self, token: int, n: Tensor) -> list[Tensor]:
        """Return a token's value embedding per key head."""
        c = self.c
        if c.value_embed_dim is not None:
            wide = self.w["values.project.master"] @ self.w["values.table_VE"][token]
            factor = self.own("attention.value_embed.factor_1") * self.w["values.factor_1"]
            return list((factor * wide).split(c.head_dim))
        rows = self.own("attention.value_embed.table_VE")[token].split(c.head_dim)
        if c.value_gate == "fixed":
            return list(rows)
        table = self.own("attention.value_embed.gate.table_HW")
        opened = 2 * sigmoid(table @ n[: c.value_gate_width])
        return [g * row for g, row in zip(opened, rows, strict=True)]

    def gates(self, source: Tensor) -> Tensor:
        kind = self.c.attn_gate
        if kind == "none":
            return torch.ones(self.heads, dtype=F64)
        table = self.own("attention.gate.table_HW")
        z = table @ source[: table.size(1)]
        if kind == "bias":
            z = z + self.own("attention.gate.bias_H")
        if kind == "sparse":
            z = z * self.c.gate_scale
        return sigmoid(z) * (2 if kind == "out_gate" else 1)

    def merged(self, lanes: tuple[Stream, Stream], outputs: list[tuple[Stream, Stream]]) -> Stream:
        """Return what goes to the head."""
        first, second = {"mean": (0.5, 0.5), "attn": (1, 0), "mlp": (0, 1)}[self.c.lanes_out]
        x = [first * a + second * b for a, b in zip(*lanes, strict=True)]
        if self.c.backout is None:
            return x
        middle = outputs[len(outputs) // 2][0]
        return [v - self.w["backout.weight_1"] * m for v, m in zip(x, middle, strict=True)]

    def read_out(self, x: Tensor) -> Tensor:
        table = self.w["embed_VC" if self.c.tied else "head.out.master"]
        logits, cap = table @ norm(x), self.c.logit_softcap
        return logits if cap is None else cap * torch.tanh(logits / cap)
