package import Storage
internal import Tokenization
internal import Tensors
internal import Transformer

/// Opens a Hugging Face model folder: `config.json`, safetensors, and a tokenizer.
package enum HuggingFaceFolder {
  static let configuration = "config.json"
  /// Larger ones are none.
  static let configurationLimit = 4 << 20

  package static func open(_ folder: Path) throws(InterchangeError) -> ForeignModel {
    let path = folder.appending(configuration)
    if !Files.exists(path) { throw .notAModel(folder, "there is no \(configuration) in it") }
    let root: JSONField, type: String
    do {
      let bytes = try FileReader.bytes(of: path, limit: configurationLimit)
      root = try JSONField(parsing: bytes.rawBytes, source: "\(path)")
      type = try root.field("model_type").string()
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(path, "\(error)") }
    if type != "gpt2" {
      throw .unsupported(path, "model_type `\(Path(type))`; minigpt reads `gpt2`")
    }
    do throws(JSONError) {
      if let method = try root.optionalField("quantization_config") {
        throw method.outside("weights in fp32, fp16 or bf16", "quantized ones")
      }
      if let names = try root.optionalField("architectures") {
        for name in try names.array() where try !["GPT2LMHeadModel", "GPT2Model"].contains(name.string()) {
          throw name.outside("GPT2LMHeadModel", try name.string())
        }
      }
    } catch { throw .json(error) }
    return try gpt2(folder, root)
  }

  private static func gpt2(_ folder: Path, _ root: JSONField) throws(InterchangeError) -> ForeignModel {
    var configuration: GPTConfiguration
    let claimed: Positions, end: Int?
    do throws(JSONError) {
      configuration = try HuggingFaceGPT2.configuration(root)
      claimed = try root.optionalField(HuggingFaceGPT2.positionsKey.text)?.choice(Positions.self) ?? .learned
      let field = try root.optionalField("eos_token_id")
      if case .array? = field?.value { end = nil } else { end = try field?.integer(in: 0...1 << 30) }
    } catch { throw .json(error) }
    let tensors = try TensorFolder(folder)
    let prefix = tensors.contains(HuggingFaceGPT2.prefix + "wte.weight") ? HuggingFaceGPT2.prefix : ""
    let positions = try tensors.matrix(prefix + "wpe.weight", [configuration.context, configuration.width])
    // A table that was trained on is no formula any more, whatever the configuration says.
    configuration.positions = claimed
    if let fixed = HuggingFaceGPT2.fixedPositions(configuration), !fixed.isRounded(in: positions) {
      configuration.positions = .learned
    }
    let model = GPT(configuration)
    var known: Set<JSON.Key> = [JSON.Key(prefix + "wpe.weight"), "lm_head.weight"]
    var found: [Int: FileMatrix] = [:]
    if let table = model.embedding.learned { found[table.offset] = positions }
    let shapes = Dictionary(uniqueKeysWithValues: model.layout.parameters.map { ($0.slot.offset, $0.shape) })
    for (name, slot) in HuggingFaceGPT2.tensors(model) {
      found[slot.offset] = try tensors.matrix(prefix + name, shapes[slot.offset] ?? [])
      known.insert(JSON.Key(prefix + name))
    }
    for name in tensors.names where !known.contains(JSON.Key(name)) {
      let isMask = name.hasPrefix(prefix) && HuggingFaceGPT2.isMask(String(name.dropFirst(prefix.utf8.count)))
      if !isMask { throw .extraTensor(tensors.path, name) }
    }
    var twins: [(name: String, one: FileMatrix, other: FileMatrix)] = []
    if tensors.contains("lm_head.weight"), let embedding = found[model.embedding.table.offset] {
      let head = try tensors.matrix("lm_head.weight", [configuration.vocabularySize, configuration.width])
      twins.append(("lm_head.weight", embedding, head))
    }
    return ForeignModel(
      path: folder, configuration: configuration, weights: model.layout.parameters.compactMap { found[$0.slot.offset] },
      twins: twins, endOfText: end,
      tokenizer: { () throws(InterchangeError) in try tokenizer(folder) },
      verify: { () throws(InterchangeError) in
        do throws(SafetensorsError) { try tensors.verify() } catch { throw .safetensors(error) }
      })
  }

  static func tokenizer(_ folder: Path) throws(InterchangeError) -> any Tokenizer {
    do {
      return try TokenizerFile.open(folder)
    } catch let error as TokenizerError {
      throw .tokenizer(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(folder, "\(error)") }
  }
}
