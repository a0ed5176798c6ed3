"""The matrix that ``golf init`` writes."""

TEMPLATE = """\
# What do you want to know? One line here helps whoever reads the table.
name: {name}
question: Which of these settings pay for a small model?

preset: quickstart            # values to start from
seeds: [1337, 42]             # each row runs once per seed; deltas are paired by seed
# budget: {{steps: 200}}        # or {{tokens: 1000000}}, or {{seconds: 60}}
# launch: {{nproc_per_node: 1, device: auto}}

baseline:                     # values that every row starts from; the first line of the table
  ttt: none

factors:                      # one row for each value, all else as in the baseline
  logit_softcap: [15]
  rope_dims: [8]
  embed_bits: [6]             # changes no training: the baseline's weights are reused

rows:                         # rows with a name, several settings at once
  wide:
    model_dim: 96
    note: 1.5 times the width
  wide-int4:
    parent: wide              # starts from `wide`, and its delta is taken against `wide`
    bits: 4

# golf plan {path}      what would run
# golf run {path}       run it; what is done is reused
# golf report {path}    the table
# golf factors                every setting there is
"""
