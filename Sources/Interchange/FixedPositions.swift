internal import MiniGPTCheckpoints
internal import MiniGPTTensors
internal import MiniGPTTransformer

// GPT-2 of other programs has a table of positions, always; what is a formula in minigpt is written as one.
extension GPTConfiguration {
  /// The table of positions of a model that does not learn it, as its generator adds it.
  var fixedPositions: FileMatrix? {
    switch block.positions {
    case .learned: return nil
    case .sinusoidal:
      let table: PlainMatrix<Float> = PositionalEncoding.table(
        rows: context, width: block.width, scale: PositionalEncoding.gptScale())
      return FileMatrix(rows: context, columns: block.width, table.elements)
    case .none:
      return FileMatrix(rows: context, columns: block.width, [Float](repeating: 0, count: context * block.width))
    }
  }

  /// What a file must say of positions, as its table does not.
  var statedPositions: String? {
    switch block.positions {
    case .learned: nil
    case .sinusoidal, .none: block.positions.rawValue
    }
  }

  /// A table that was trained on is no formula any more, whatever a file says.
  mutating func comparePositions(_ table: FileMatrix) {
    if let fixed = fixedPositions, !fixed.isRounded(in: table) { block.positions = .learned }
  }

  /// The table as a tensor that holds no parameter.
  func fixedPositions(_ name: String) -> [TensorMap.Constant] {
    guard let table = fixedPositions else { return [] }
    return [.init(name: name, shape: [context, block.width], isRequired: true, value: { table })]
  }
}
