extension Block.Kind {
  /// One block of the decoder: masked self-attention, attention over the source, and feed-forward, each in its "Add &
  /// Norm". Vaswani et al. 2017, §3.1 and figure 1, right.
  package static let decoder = Block.Kind(mask: .causal, crossAttends: true)

  /// The same without the middle sub-layer: a block of a GPT.
  package static let decoderAlone = Block.Kind(mask: .causal, crossAttends: false)
}
