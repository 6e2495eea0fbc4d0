package import MiniGPTTensors

/// y = x + dropout(f(x)): He et al. 2015 (arXiv:1512.03385); Vaswani et al. 2017, §5.4, "we apply dropout to the output
/// of each sub-layer, before it is added to the sub-layer input".
package struct Residual: Sendable {
  package let dropout: Dropout

  /// `branch` holds f(x) and becomes x + dropout(f(x)). All `[B·T, C]`.
  package func forward(_ x: Slot, branch: Slot, _ pass: Pass) {
    dropout.apply(branch, pass)
    pass.memory.add(branch, x)
  }

  /// The gradient of the branch, from that of the sum; the gradient of x is that of the sum itself.
  ///
  /// Where nothing is dropped both are the same, and `branch` is left as it is.
  package func backward(_ dy: Slot, branch: Slot, _ pass: Pass) -> Slot {
    guard let mask = dropout.mask(pass.dropout) else { return dy }
    pass.memory.copy(branch, dy)
    pass.memory.dropout(branch, length: pass.texts.length, mask)
    return branch
  }
}
