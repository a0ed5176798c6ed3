"""From weights to bytes and back; works on named tensors and roles, never on the model."""
