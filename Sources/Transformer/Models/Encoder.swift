extension Column.Description {
  /// The paper's encoder: Vaswani et al. 2017, §3.1 and figure 1, left.
  package static func encoder(layers: Int, embeddingSite: Int, firstBlockSite: Int) -> Self {
    Self(
      prefix: "encoder.", kind: .encoder, layers: layers, embeddingSite: embeddingSite, firstBlockSite: firstBlockSite)
  }
}
