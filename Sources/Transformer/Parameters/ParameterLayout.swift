package import MiniGPTTensors

/// One trained matrix or row: its name in the checkpoint, its place, how it starts and whether it decays.
package struct Parameter: Sendable {
  package let name: String
  /// Its place among the parameters; a row is `[1, n]`.
  package let slot: Slot
  /// As the checkpoint states it: `[n]` for a row.
  package let shape: [Int]
  package let start: Start

  /// How a parameter begins.
  package enum Start: Sendable, Equatable {
    case zeros, ones
    /// N(0, σ²).
    case normal(deviation: Float)
    /// The same, with zeros in the last row: the embedding of `<pad>`.
    case normalButLastRow(deviation: Float)
    /// U(-a, a) with a = √(6 / (in + out)): Glorot and Bengio 2010.
    case xavierUniform
  }

  /// Weight decay falls on tensors of rank 2, embeddings included; biases, gains and their like are spared.
  package var decays: Bool { shape.count >= 2 }
}

/// The list of a model's parameters, written once, in the order of the checkpoint and without gaps.
///
/// Initialization, checkpoint, AdamW, parameter count and gradient checks walk it.
package struct ParameterLayout: Sendable {
  package private(set) var parameters: [Parameter] = []
  /// Floats in all.
  package private(set) var count = 0

  package init() {}

  package mutating func matrix(_ name: String, _ rows: Int, _ columns: Int, start: Parameter.Start) -> Slot {
    add(name, Slot(.parameters, offset: count, rows: rows, columns: columns), [rows, columns], start)
  }

  package mutating func row(_ name: String, _ columns: Int, start: Parameter.Start) -> Slot {
    add(name, Slot(.parameters, offset: count, rows: 1, columns: columns), [columns], start)
  }

  private mutating func add(_ name: String, _ slot: Slot, _ shape: [Int], _ start: Parameter.Start) -> Slot {
    parameters.append(Parameter(name: name, slot: slot, shape: shape, start: start))
    count += slot.count
    return slot
  }

  package subscript(name: String) -> Parameter? { parameters.first { $0.name == name } }
}
