internal import MiniGPTParallel
package import MiniGPTStorage
package import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// A model in one file: a safetensors file with the weights, and in its metadata the configuration, the whole tokenizer
/// and the training record; after the weights, where it is kept, the optimizer's state. Or a model of another program, which
/// has no record and no state.
///
/// Opening reads the header alone. Every rule is checked before a tensor is touched. `Docs/Checkpoint.md` has the format.
package struct ModelCheckpoint<Model: TrainableModel>: Sendable {
  package let path: Path
  package let configuration: Model.Configuration
  /// How the model was trained; nil in a file without it.
  package let record: TrainingRecord?
  /// The parameters in the order of the layout, as they are stored.
  package let weights: [FileMatrix]

  private let source: Source

  private enum Source: Sendable {
    /// With the places of the weights.
    case own(SafetensorsFile, [SafetensorsTensor])
    case foreign(WeightSource)
  }

  /// Opens a file of ours that holds such a model.
  package init(_ path: Path) throws(CheckpointError) { try self.init(CheckpointFormat.open(path)) }

  /// A model of another program as one of ours: its headers are checked, its numbers not yet read.
  package init(_ configuration: Model.Configuration, _ source: WeightSource) {
    path = source.path
    self.configuration = configuration
    record = nil
    weights = source.weights
    self.source = .foreign(source)
  }

  init(_ file: SafetensorsFile) throws(CheckpointError) {
    let kind = CheckpointFormat.kind(of: file)
    if kind != Model.Configuration.kind { throw .unknownKind(file.path, kind, expected: Model.Configuration.kind) }
    do throws(JSONError) {
      configuration = try Model.Configuration(try Self.json(file, "minigpt.configuration"))
      record =
        file.header.metadata("minigpt.training") == nil
        ? nil : try TrainingRecord(try Self.json(file, "minigpt.training"))
    } catch { throw .json(error) }
    let layout = Model(configuration).layout
    let tensors = try Self.match(file, layout)
    path = file.path
    weights = tensors.prefix(layout.parameters.count).compactMap { tensor in
      NumberFormat(tensor.type).map { file.matrix(tensor, $0) } ?? file.scaledMatrix(tensor)
    }
    source = .own(file, tensors)
  }

  private static func json(_ file: SafetensorsFile, _ key: String) throws(JSONError) -> JSONField {
    let text = Array((file.header.metadata(key) ?? "").utf8)
    return try JSONField(parsing: text.rawBytes, source: "\(file.path): \(key)")
  }

  /// Every parameter is there in its shape; besides there is nothing but states of parameters.
  private static func match(
    _ file: SafetensorsFile, _ layout: ParameterLayout
  ) throws(CheckpointError) -> [SafetensorsTensor] {
    var found: [SafetensorsTensor] = []
    var known = Set<String>()
    func take(_ name: String, _ shape: [Int], _ types: [NumberFormat]) throws(CheckpointError) -> SafetensorsTensor {
      guard let tensor = file.header.tensor(name) else { throw .missingTensor(file.path, name) }
      if types.count > 1, tensor.type == .i8, tensor.shape == shape, shape.count == 2 {
        known.formUnion([name, try file.scales(of: tensor).name])
        return tensor
      }
      if !types.contains(where: { $0.safetensors == tensor.type }) || tensor.shape != shape {
        let expected = types.map(\.safetensors.rawValue).joined(separator: " or ")
        throw .wrongTensor(
          file.path, name, expected: "\(expected) \(shape)", found: "\(tensor.type.rawValue) \(tensor.shape)")
      }
      known.insert(name)
      return tensor
    }
    for parameter in layout.parameters {
      found.append(try take(parameter.name, parameter.shape, NumberFormat.floats))
    }
    for tensor in file.tensors where !known.contains(tensor.name) {
      let parameter = OptimizerTensor.parameter(of: tensor.name).flatMap { layout[$0] }
      guard let parameter else { throw .extraTensor(file.path, tensor.name) }
      _ = try take(tensor.name, parameter.shape, [.fp32])
    }
    return found
  }

  /// The size of the file, or of all files with weights in the folder.
  package var byteCount: Int {
    switch source {
    case .own(let file, _): file.byteCount
    case .foreign(let source): source.byteCount
    }
  }

  /// Whether training can go on from it.
  package var hasOptimizerState: Bool {
    guard case .own(let file, _) = source else { return false }
    return file.tensors.contains { OptimizerTensor.parameter(of: $0.name) != nil }
  }

  /// The tokenizer, parsed when it is asked for.
  package func tokenizer() throws(CheckpointError) -> any Tokenizer {
    switch source {
    case .foreign(let source): do { return try source.tokenizer() } catch { throw .foreign(error) }
    case .own(let file, _):
      let text = Array((file.header.metadata("minigpt.tokenizer") ?? "").utf8)
      let tokenizer: any Tokenizer
      do throws(TokenizerError) {
        tokenizer = try TokenizerJSON.parse(text.rawBytes, source: "\(path): tokenizer")
      } catch { throw .brokenTokenizer(path, "\(error)") }
      if tokenizer.vocabularySize != configuration.vocabularySize {
        throw .vocabularyDiffers(path, tokenizer: tokenizer.vocabularySize, model: configuration.vocabularySize)
      }
      return tokenizer
    }
  }

  /// The weights where they lie in the map, if they lie as floats one behind the other as the layout has them; else a
  /// copy. They are compared with their checksums.
  package func parameters() throws(CheckpointError) -> ParameterStorage {
    if let mapped = mappedParameters {
      try verify()
      return mapped
    }
    let storage = ParameterStorage(count: Model(configuration).layout.count)
    let memory = Memory(MemoryPlan(), storage, on: .plain())
    try load(into: memory)
    return storage
  }

  /// The weights where they lie in the map, not compared with anything yet; nil where that is not as the layout has them.
  var mappedParameters: ParameterStorage? {
    let places = weights.compactMap(\.floatsInPlace)
    let areTogether =
      places.count == weights.count
      && zip(places, places.dropFirst()).allSatisfy { $0.map === $1.map && $0.range.upperBound == $1.range.lowerBound }
    guard areTogether, let first = places.first, let last = places.last else { return nil }
    let map = first.map
    let all = map.bytes.extracting(first.range.lowerBound..<last.range.upperBound)
    return ParameterStorage(viewing: all, keptBy: map)
  }

  /// The tensors of the weights in the order of the layout; nil for a foreign model.
  var ownTensors: (file: SafetensorsFile, tensors: ArraySlice<SafetensorsTensor>)? {
    guard case .own(let file, let tensors) = source else { return nil }
    return (file, tensors.prefix(weights.count))
  }

  /// Compares the weights with their checksums, for whoever is about to read them all.
  package func verify() throws(CheckpointError) {
    switch source {
    case .foreign(let source): do { try source.verify() } catch { throw .foreign(error) }
    case .own(let file, let tensors): try Self.verify(file, tensors.prefix(weights.count))
    }
  }

  private static func verify(_ file: SafetensorsFile, _ tensors: ArraySlice<SafetensorsTensor>) throws(CheckpointError)
  {
    if !file.hasChecksums { return }
    do throws(SafetensorsError) {
      try file.verifyHeader()
      for tensor in tensors {
        try file.verify(tensor)
        if tensor.type == .i8, let scales = file.header.tensor(Int8Blocks.scalesName(tensor.name)) {
          try file.verify(scales)
        }
      }
    } catch { throw .safetensors(error) }
  }

  /// Reads the weights, and an optimizer's state where it is asked for, into a memory, against their checksums.
  ///
  /// - Throws: also where the file lacks a part of the state, or has more of it.
  package func load(into memory: Memory, state: [OptimizerTensor] = []) throws(CheckpointError) {
    if !state.isEmpty && !hasOptimizerState { throw .noOptimizerState(path) }
    try verify()
    for (parameter, matrix) in zip(Model(configuration).layout.parameters, weights) {
      Self.fill(parameter.slot, from: matrix, in: memory)
    }
    guard !state.isEmpty, case .own(let file, _) = source else { return }
    var tensors: [SafetensorsTensor] = []
    for part in state {
      guard let tensor = file.header.tensor(part.name) else { throw .missingTensor(path, part.name) }
      tensors.append(tensor)
    }
    let names = Set(state.map(\.name))
    for tensor in file.tensors where OptimizerTensor.parameter(of: tensor.name) != nil && !names.contains(tensor.name) {
      throw .extraTensor(path, tensor.name)
    }
    try Self.verify(file, tensors[...])
    for (part, tensor) in zip(state, tensors) { memory.setBytes(of: part.slot, file.bytes(of: tensor)) }
  }

  /// Reads the weights alone to where gradients stand: to be added to others.
  package func loadWeightsAsGradients(into memory: Memory) throws(CheckpointError) {
    try verify()
    for (parameter, matrix) in zip(Model(configuration).layout.parameters, weights) {
      Self.fill(parameter.slot.at(.gradients), from: matrix, in: memory)
    }
  }

  private static func fill(_ slot: Slot, from matrix: FileMatrix, in memory: Memory) {
    guard let place = matrix.floatsInPlace else {
      return matrix.forEachBlock { rows, numbers in memory.setBytes(of: slot.rows(rows), numbers.span.rawBytes) }
    }
    let map = place.map
    let bytes = map.bytes.extracting(place.range)
    memory.setBytes(of: slot, bytes)
  }

  /// Writes a checkpoint durably: at any moment the old file or the new one is under its name, whole.
  package static func write(
    _ path: Path, _ model: Model, tokenizer: [UInt8], record: TrainingRecord?, state: [OptimizerTensor] = [],
    from memory: Memory
  ) throws {
    let parts =
      model.layout.parameters.map { ($0.name, $0.shape, $0.slot) }
      + state.map { ($0.name, $0.parameter.shape, $0.slot) }
    let tensors = parts.map { name, shape, _ in SafetensorsFileWriter.Tensor(name, .f32, shape) }
    let metadata = try metadata(model.configuration, tokenizer: tokenizer, record: record)
    try SafetensorsFileWriter.write(path, tensors: tensors, metadata: metadata) { index, writer in
      try memory.withBytes(of: parts[index].2) { bytes in try writer.append(bytes) }
    }
  }

  /// What a file says beside its tensors.
  package static func metadata(
    _ configuration: Model.Configuration, tokenizer: [UInt8], record: TrainingRecord?
  ) throws(JSONError) -> [(key: String, value: String)] {
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    var metadata = [
      (key: "format", value: "pt"), (key: "minigpt.version", value: "\(CheckpointFormat.version)"),
      (key: "minigpt.kind", value: Model.Configuration.kind),
      (key: "minigpt.configuration", value: text(try JSONWriter.write(configuration.json))),
      (key: "minigpt.tokenizer", value: text(tokenizer)),
    ]
    if let record { metadata.append((key: "minigpt.training", value: text(try JSONWriter.write(record.json)))) }
    return metadata
  }
}

/// What the weights of another program's model are read from.
package struct WeightSource: Sendable {
  let path: Path
  /// In the order of the layout.
  let weights: [FileMatrix]
  /// Of all files with weights together.
  let byteCount: Int
  /// Opens the tokenizer, which must be that of the model.
  let tokenizer: @Sendable () throws -> any Tokenizer
  /// Compares what can be compared, for callers that are about to read all weights.
  let verify: @Sendable () throws -> Void

  package init(
    path: Path, weights: [FileMatrix], byteCount: Int, tokenizer: @escaping @Sendable () throws -> any Tokenizer,
    verify: @escaping @Sendable () throws -> Void
  ) {
    self.path = path
    self.weights = weights
    self.byteCount = byteCount
    self.tokenizer = tokenizer
    self.verify = verify
  }
}

/// A language model's.
package typealias Checkpoint = ModelCheckpoint<GPT>
/// A translator's.
package typealias TranslatorCheckpoint = ModelCheckpoint<EncoderDecoder>

/// What all checkpoints share.
package enum CheckpointFormat {
  package static let version = 1

  /// Opens a file, which must be a checkpoint of ours.
  static func open(_ path: Path) throws(CheckpointError) -> SafetensorsFile {
    let file: SafetensorsFile
    do throws(SafetensorsError) { file = try SafetensorsFile(path) } catch { throw .safetensors(error) }
    guard let version = file.header.metadata("minigpt.version") else { throw .notOurs(path) }
    try check(version: version, path)
    if !file.hasChecksums { throw .noChecksums(path) }
    return file
  }

  /// What sort of model is in a file.
  static func kind(of file: SafetensorsFile) -> String { file.header.metadata("minigpt.kind") ?? "" }

  /// A number of any length: of one that 64 bits cannot hold, too, it is said that it is newer.
  private static func check(version: String, _ path: Path) throws(CheckpointError) {
    let isNumber = !version.isEmpty && version.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    if !isNumber || version.utf8.first == UInt8(ascii: "0") { throw .notOurs(path) }
    guard let number = Int(version), number <= Self.version else {
      throw .newerVersion(
        path, found: version.utf8.count <= 40 ? version : version.prefix(40) + "…", known: Self.version)
    }
  }
}
