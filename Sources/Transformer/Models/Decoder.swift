extension Column.Description {
  /// The paper's decoder: Vaswani et al. 2017, §3.1 and figure 1, right.
  package static func decoder(layers: Int, embeddingSite: Int, firstBlockSite: Int) -> Self {
    Self(
      prefix: "decoder.", kind: .decoder, layers: layers, embeddingSite: embeddingSite, firstBlockSite: firstBlockSite)
  }

  /// The same without attention over a source: the whole of a GPT but its output.
  package static func decoderAlone(layers: Int) -> Self {
    Self(prefix: "", kind: .decoderAlone, layers: layers, embeddingSite: 0, firstBlockSite: 1)
  }
}
