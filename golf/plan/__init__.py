"""Planning: from a matrix to rows, from rows to nodes named by what they depend on."""
