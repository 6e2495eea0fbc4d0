extension Block.Kind {
  /// One block of the encoder: self-attention, in which every token of the source sees every other, and feed-forward, each
  /// in its "Add & Norm". Vaswani et al. 2017, §3.1 and figure 1, left.
  package static let encoder = Block.Kind(mask: .full, crossAttends: false)
}
