package import Foundation
internal import MiniGPTTensors
package import MiniGPTTransformer

/// The numbers that PyTorch and transformers computed: `Tests/Fixtures/README.md`.
package enum Fixtures {
  /// A file of the folder, found from where this source lies.
  package static func data(_ name: String) throws -> Data {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try Data(contentsOf: tests.appendingPathComponent("Fixtures").appendingPathComponent(name))
  }

  /// The six models of `parity.json`, by name.
  package static func parity() throws -> [ParityCase] {
    try cases("parity") { (name, shape: Shape, tensors) in
      ParityCase(name, try shape.configuration(name), batch: shape.batch, tensors)
    }
  }

  /// The seven of `today.json`, of Llama's and Qwen3's shape.
  package static func today() throws -> [ParityCase] {
    try cases("today") { (name, shape: TodayShape, tensors) in
      ParityCase(name, shape.configuration, batch: shape.batch, tensors)
    }
  }

  /// The three translators of `translators.json`, by name.
  package static func translators() throws -> [TranslatorCase] {
    try cases("translators") { try TranslatorCase($0, $1, $2) }
  }

  private static func cases<Shape: Decodable, Case>(
    _ file: String, _ make: (String, Shape, Safetensors) throws -> Case
  ) throws -> [Case] {
    let about = try JSONDecoder().decode(About<Shape>.self, from: data(file + ".json"))
    let tensors = try Safetensors(data(file + ".safetensors"))
    return try about.cases.sorted { $0.key < $1.key }.map { try make($0.key, $0.value, tensors) }
  }

  private struct About<Shape: Decodable>: Decodable {
    let cases: [String: Shape]
  }

  fileprivate struct TranslatorShape: Decodable {
    let encoderLayers, decoderLayers, heads, width, feedForward, context, vocabulary: Int
    let norm, activation: String
    let lengths: [[Int]]
  }

  private struct Shape: Decodable {
    let layers, heads, width, feedForward, context, vocabulary, batch: Int
    let positions, norm, activation: String

    func configuration(_ name: String) throws -> GPTConfiguration {
      guard let positions = Positions(rawValue: positions), let norm = NormPlacement(rawValue: norm),
        let activation = Activation(rawValue: activation)
      else { throw FixtureError.wrongType(name) }
      return GPTConfiguration(
        vocabularySize: vocabulary, context: context, layers: layers, heads: heads, width: width,
        feedForwardWidth: feedForward, positions: positions, norm: norm, activation: activation)
    }
  }

  private struct TodayShape: Decodable {
    let layers, heads, keyValueHeads, headWidth, width, feedForward, context, vocabulary, batch: Int
    let normEpsilon, rotaryBase: Double
    let normalizesQueriesAndKeys, tied: Bool

    var configuration: GPTConfiguration {
      var block = BlockConfiguration(
        heads: heads, width: width, feedForwardWidth: feedForward, positions: .rotary, activation: .silu)
      (block.keyValueHeads, block.headWidth, block.rotaryBase) = (keyValueHeads, headWidth, rotaryBase)
      (block.normKind, block.normEpsilon, block.hasBiases, block.isGated) = (.rms, normEpsilon, false, true)
      block.normalizesQueriesAndKeys = normalizesQueriesAndKeys
      var shape = GPTConfiguration(vocabularySize: vocabulary, context: context, layers: layers, block: block)
      shape.isTied = tied
      return shape
    }
  }
}

/// What is wrong with a fixture.
package enum FixtureError: Error {
  case missing(String)
  case wrongType(String)
}

/// One model, its text, and what comes out.
package struct ParityCase: CustomStringConvertible, Sendable {
  package let name: String
  package let configuration: GPTConfiguration
  /// Every text is as long as the context.
  package let batch: Int
  private let tensors: Safetensors

  fileprivate init(_ name: String, _ configuration: GPTConfiguration, batch: Int, _ tensors: Safetensors) {
    self.name = name
    self.configuration = configuration
    self.batch = batch
    self.tensors = tensors
  }

  /// A tensor of this case, such as `gradients/finalNorm.gain`.
  package func floats(_ tensor: String) throws -> [Float] { try tensors.floats(name + "/" + tensor) }
  package func integers(_ tensor: String) throws -> [Int32] { try tensors.integers(name + "/" + tensor) }
  /// Whether the case has that tensor: only some keep the weights after the steps.
  package func has(_ tensor: String) -> Bool { tensors.entries[name + "/" + tensor] != nil }
  package var description: String { name }
}

/// One translator, its sentences, and what comes out.
package struct TranslatorCase: CustomStringConvertible, Sendable {
  package let name: String
  package let configuration: TranslatorConfiguration
  /// Tokens of each source and target, `</s>` included.
  package let lengths: [(source: Int, target: Int)]
  private let tensors: Safetensors

  fileprivate init(_ name: String, _ shape: Fixtures.TranslatorShape, _ tensors: Safetensors) throws {
    guard let norm = NormPlacement(rawValue: shape.norm), let activation = Activation(rawValue: shape.activation)
    else { throw FixtureError.wrongType(name) }
    self.name = name
    self.tensors = tensors
    lengths = shape.lengths.map { ($0[0], $0[1]) }
    configuration = TranslatorConfiguration(
      vocabularySize: shape.vocabulary, context: shape.context, encoderLayers: shape.encoderLayers,
      decoderLayers: shape.decoderLayers, heads: shape.heads, width: shape.width, feedForwardWidth: shape.feedForward,
      norm: norm, activation: activation)
  }

  package func floats(_ tensor: String) throws -> [Float] { try tensors.floats(name + "/" + tensor) }
  package func integers(_ tensor: String) throws -> [Int32] { try tensors.integers(name + "/" + tensor) }
  package var description: String { name }

  /// The sentences, without padding.
  package func pairs() throws -> [(source: [Int32], target: [Int32])] {
    let sources = try integers("source"), targets = try integers("targets")
    let wide = sources.count / lengths.count, long = targets.count / lengths.count
    return lengths.enumerated().map { row, length in
      (
        Array(sources[row * wide..<row * wide + length.source]),
        Array(targets[row * long..<row * long + length.target])
      )
    }
  }
}

/// A reader for tests, apart from the product's own; the file is trusted.
package struct Safetensors: Sendable {
  fileprivate struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype
      case shape
      case offsets = "data_offsets"
    }
  }

  fileprivate let entries: [String: Entry]
  private let bytes: [UInt8]

  package init(_ data: Data) throws {
    let all = [UInt8](data), length = all.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    entries = try JSONDecoder().decode([String: Entry].self, from: Data(all[8..<8 + length]))
    bytes = Array(all[(8 + length)...])
  }

  package func floats(_ name: String) throws -> [Float] {
    try words(name, "F32").map { Float(bitPattern: $0) }
  }

  package func integers(_ name: String) throws -> [Int32] {
    try words(name, "I32").map { Int32(bitPattern: $0) }
  }

  private func words(_ name: String, _ type: String) throws -> [UInt32] {
    guard let entry = entries[name] else { throw FixtureError.missing(name) }
    guard entry.dtype == type else { throw FixtureError.wrongType(name) }
    return stride(from: entry.offsets[0], to: entry.offsets[1], by: 4).map { first in
      bytes[first..<first + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
  }
}
