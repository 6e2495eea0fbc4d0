package import MiniGPTTensors

/// One trained matrix or row: its name in the checkpoint, its place, what it is for and how it starts.
package struct Parameter: Sendable {
  package let name: String
  /// Its place among the parameters; a row is `[1, n]`.
  package let slot: Slot
  /// As the checkpoint states it: `[n]` for a row.
  package let shape: [Int]
  package let role: Role
  package let start: Start

  /// What a parameter is for: it decides weight decay, what is packed for generation and what is quantized.
  package enum Role: Sendable, Equatable {
    /// The right factor of products, `[inputs, outputs]`: so many matrices of as many columns each, side by side.
    case matrix(parts: Int)
    /// Rows that are looked up. Where it makes logits too, its first `outputs` rows are, transposed, a right factor.
    case table(outputs: Int)
    case gain, bias
  }

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

  /// Whether weight decay falls on it: on matrices and tables, not on gains and biases.
  package var decays: Bool {
    switch role {
    case .matrix, .table: true
    case .gain, .bias: false
    }
  }

  /// It as products read it; nil where they do not.
  package var factor: Operand? {
    switch role {
    case .matrix: slot.plain
    case .table(let outputs): outputs > 0 ? slot.first(outputs).transposed : nil
    case .gain, .bias: nil
    }
  }
}

/// The list of a model's parameters, written once, in the order of the checkpoint and without gaps.
///
/// Initialization, checkpoint, AdamW, parameter count and gradient checks walk it.
package struct ParameterLayout: Sendable {
  package private(set) var parameters: [Parameter] = []
  /// Floats in all.
  package private(set) var count = 0

  package init() {}

  /// - Parameter parts: how many matrices of as many columns it is, which are kept as one: those of heads, or of a gate and
  ///   what it multiplies.
  package mutating func matrix(
    _ name: String, _ inputs: Int, _ outputs: Int, parts: Int = 1, start: Parameter.Start
  ) -> Slot {
    add(name, [inputs, outputs], .matrix(parts: parts), start)
  }

  /// - Parameter outputs: how many of its rows make logits too.
  package mutating func table(
    _ name: String, _ rows: Int, _ columns: Int, outputs: Int = 0, start: Parameter.Start
  ) -> Slot {
    add(name, [rows, columns], .table(outputs: outputs), start)
  }

  package mutating func gain(_ name: String, _ columns: Int) -> Slot { add(name, [columns], .gain, .ones) }

  package mutating func bias(_ name: String, _ columns: Int) -> Slot { add(name, [columns], .bias, .zeros) }

  private mutating func add(
    _ name: String, _ shape: [Int], _ role: Parameter.Role, _ start: Parameter.Start
  ) -> Slot {
    let slot = Slot(
      .parameters, offset: count, rows: shape.count == 1 ? 1 : shape[0], columns: shape[shape.count - 1])
    parameters.append(Parameter(name: name, slot: slot, shape: shape, role: role, start: start))
    count += slot.count
    return slot
  }

  /// The matrices that products read, as they read them: what generation packs.
  package var factors: [Operand] { parameters.compactMap(\.factor) }

  package subscript(name: String) -> Parameter? { parameters.first { $0.name == name } }
}

/// What an optimizer keeps of a parameter from update to update: a checkpoint has it as `optimizer.<state>.<parameter>`.
package struct OptimizerTensor: Sendable {
  package let name: String
  package let parameter: Parameter
  /// Where it is stored, in the parameter's shape.
  package let slot: Slot

  /// The name of the parameter that a tensor of a checkpoint is a state of; nil where it is none.
  package static func parameter(of name: String) -> String? {
    let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "optimizer" ? String(parts[2]) : nil
  }

  /// Plans a state with a number for each element of a parameter.
  package init(_ state: String, of parameter: Parameter, in plan: inout MemoryPlan) {
    name = "optimizer.\(state).\(parameter.name)"
    self.parameter = parameter
    slot = plan.takeState(like: parameter.slot)
  }
}
