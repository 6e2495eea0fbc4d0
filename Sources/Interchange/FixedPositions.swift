internal import MiniGPTCheckpoints
internal import MiniGPTTensors
package import MiniGPTTransformer

extension Positions {
  /// What GPT-2 of other programs can be given, as a table.
  package static let ofGPT2: [Positions] = [.learned, .sinusoidal, .none]
}

// GPT-2 of other programs has a table of positions, always; what is a formula in minigpt is written as one.
extension GPTConfiguration {
  /// The table of positions of a model that does not learn it, as its generator adds it.
  var fixedPositions: FileMatrix? {
    switch block.positions.table {
    case .learned: return nil
    case .fixed:
      let table: PlainMatrix<Float> = PositionalEncoding.table(
        rows: context, width: block.width, scale: PositionalEncoding.gptScale())
      return FileMatrix(rows: context, columns: block.width, table.elements)
    case nil:
      return FileMatrix(rows: context, columns: block.width, [Float](repeating: 0, count: context * block.width))
    }
  }

  /// What a file must say of positions, as its table does not.
  var statedPositions: String? {
    block.positions == .learned ? nil : block.positions.rawValue
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
