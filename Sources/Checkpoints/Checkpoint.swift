internal import Parallel
package import Storage
package import Tensors
package import Tokenization
package import Transformer

/// A model in one file: a safetensors file with the weights, and in its metadata the configuration, the whole tokenizer
/// and the training record; behind the weights, where they are kept, the two moments of AdamW.
///
/// Opening reads the header alone. Every rule is checked before a tensor is touched. `Docs/Checkpoint.md` has the format.
package struct Checkpoint: Sendable {
  package static let version = 1

  package let file: SafetensorsFile
  package let configuration: GPTConfiguration
  /// How the model was trained; nil in a file without it.
  package let record: TrainingRecord?
  package var path: Path { file.path }

  /// The names of the parameters and their places, in the order of the file.
  private let tensors: [SafetensorsTensor]

  package init(_ path: Path) throws(CheckpointError) {
    do throws(SafetensorsError) { file = try SafetensorsFile(path) } catch { throw .safetensors(error) }
    guard let version = file.header.metadata("minigpt.version") else { throw .notOurs(path) }
    try Self.check(version: version, path)
    if !file.hasChecksums { throw .noChecksums(path) }
    let kind = file.header.metadata("minigpt.kind") ?? ""
    if kind != "gpt" { throw .unknownKind(path, kind) }
    do throws(JSONError) {
      configuration = try GPTConfiguration(try Self.json(file, "minigpt.configuration"))
      record =
        file.header.metadata("minigpt.training") == nil
        ? nil : try TrainingRecord(try Self.json(file, "minigpt.training"))
    } catch { throw .json(error) }
    tensors = try Self.match(file, GPT(configuration).layout)
  }

  /// A number of any length: of one that 64 bits cannot hold, too, it is said that it is newer.
  private static func check(version: String, _ path: Path) throws(CheckpointError) {
    let isNumber = !version.isEmpty && version.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    if !isNumber || version.utf8.first == UInt8(ascii: "0") { throw .notOurs(path) }
    guard let number = Int(version), number <= Self.version else {
      throw .newerVersion(
        path, found: version.utf8.count <= 40 ? version : version.prefix(40) + "…", known: Self.version)
    }
  }

  private static func json(_ file: SafetensorsFile, _ key: String) throws(JSONError) -> JSONField {
    let text = Array((file.header.metadata(key) ?? "").utf8)
    return try JSONField(parsing: text.rawBytes, source: "\(file.path): \(key)")
  }

  /// Every parameter is there in its shape, nothing else but the moments is.
  private static func match(
    _ file: SafetensorsFile, _ layout: ParameterLayout
  ) throws(CheckpointError) -> [SafetensorsTensor] {
    var found: [SafetensorsTensor] = []
    var known = Set<String>()
    func take(_ name: String, _ shape: [Int]) throws(CheckpointError) -> SafetensorsTensor {
      guard let tensor = file.header.tensor(name) else { throw .missingTensor(file.path, name) }
      if tensor.type != .f32 || tensor.shape != shape {
        throw .wrongTensor(
          file.path, name, expected: "F32 \(shape)", found: "\(tensor.type.rawValue) \(tensor.shape)")
      }
      known.insert(name)
      return tensor
    }
    for parameter in layout.parameters { found.append(try take(parameter.name, parameter.shape)) }
    if file.tensors.contains(where: { $0.name.hasPrefix("optimizer.") }) {
      for moment in Self.moments {
        for parameter in layout.parameters { found.append(try take(moment + parameter.name, parameter.shape)) }
      }
    }
    if let extra = file.tensors.first(where: { !known.contains($0.name) }) {
      throw .extraTensor(file.path, extra.name)
    }
    return found
  }

  private static let moments = ["optimizer.m.", "optimizer.v."]

  /// Whether training can go on from it.
  package var hasMoments: Bool { tensors.count == 3 * GPT(configuration).layout.parameters.count }

  /// The tokenizer, parsed when it is asked for.
  package func tokenizer() throws(CheckpointError) -> any Tokenizer {
    let text = Array((file.header.metadata("minigpt.tokenizer") ?? "").utf8)
    let tokenizer: any Tokenizer
    do throws(TokenizerError) {
      tokenizer = try TokenizerJSON.parse(text.rawBytes, source: "\(path): tokenizer")
    } catch { throw .brokenTokenizer(path, "\(error)") }
    if tokenizer.vocabularySize != configuration.vocabularySize {
      throw .vocabularyDiffers(
        path, tokenizer: tokenizer.vocabularySize, model: configuration.vocabularySize)
    }
    return tokenizer
  }

  /// The weights where they lie in the map, if they lie one behind the other as the layout has them; else a copy.
  package func parameters() throws(CheckpointError) -> ParameterStorage {
    let layout = GPT(configuration).layout
    let weights = tensors.prefix(layout.parameters.count)
    var end = weights.first?.range.lowerBound ?? 0
    let areTogether = weights.allSatisfy { tensor in
      defer { end = tensor.range.upperBound }
      return tensor.range.lowerBound == end
    }
    if areTogether, let first = weights.first, first.range.lowerBound % 4 == 0 {
      let all = file.bytes(in: first.range.lowerBound..<end)
      return ParameterStorage(viewing: all, keptBy: file.owner)
    }
    let storage = ParameterStorage(count: layout.count)
    let memory = Memory(
      parameters: storage, trains: false, activations: 0, indices: 0, scratch: 0, pool: WorkerPool(threads: 1),
      kernels: .portable)
    for (parameter, tensor) in zip(layout.parameters, weights) {
      memory.setBytes(of: parameter.slot, file.bytes(of: tensor))
    }
    return storage
  }

  /// Reads the weights, and the moments where asked for, into a memory, against their checksums.
  package func load(into memory: Memory, moments: Bool) throws(CheckpointError) {
    if moments && !hasMoments { throw .noMoments(path) }
    let parameters = GPT(configuration).layout.parameters
    let regions: [Region] = moments ? [.parameters, .firstMoments, .secondMoments] : [.parameters]
    do throws(SafetensorsError) {
      try file.verifyHeader()
      for (index, region) in regions.enumerated() {
        for (parameter, tensor) in zip(parameters, tensors[(index * parameters.count)...]) {
          try file.verify(tensor)
          memory.setBytes(of: parameter.slot.at(region), file.bytes(of: tensor))
        }
      }
    } catch { throw .safetensors(error) }
  }

  /// Writes a checkpoint durably: at any moment the old file or the new one is under its name, whole.
  package static func write(
    _ path: Path, _ model: GPT, tokenizer: [UInt8], record: TrainingRecord?, moments: Bool, from memory: Memory
  ) throws {
    let parameters = model.layout.parameters
    let regions: [Region] = moments ? [.parameters, .firstMoments, .secondMoments] : [.parameters]
    let names = [""] + Self.moments
    var tensors: [SafetensorsFileWriter.Tensor] = []
    for index in regions.indices {
      for parameter in parameters {
        tensors.append(SafetensorsFileWriter.Tensor(names[index] + parameter.name, .f32, parameter.shape))
      }
    }
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    var metadata = [
      (key: "format", value: "pt"), (key: "minigpt.version", value: "\(version)"), (key: "minigpt.kind", value: "gpt"),
      (key: "minigpt.configuration", value: text(try JSONWriter.write(model.configuration.json))),
      (key: "minigpt.tokenizer", value: text(tokenizer)),
    ]
    if let record { metadata.append((key: "minigpt.training", value: text(try JSONWriter.write(record.json)))) }
    try SafetensorsFileWriter.write(path, tensors: tensors, metadata: metadata) { index, writer in
      let slot = parameters[index % parameters.count].slot.at(regions[index / parameters.count])
      try memory.withBytes(of: slot) { bytes in try writer.append(bytes) }
    }
  }
}
