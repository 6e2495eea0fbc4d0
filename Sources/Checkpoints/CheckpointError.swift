package import MiniGPTStorage

/// Why a file is no checkpoint that can be used.
package enum CheckpointError: Error, CustomStringConvertible {
  case safetensors(SafetensorsError)
  case json(JSONError)
  /// A model of another program.
  case foreign(any Error)
  /// A model that does something else than what was asked for.
  case otherKind(Path, ModelKind, wanted: ModelKind)
  /// A safetensors file of another program.
  case notOurs(Path)
  /// A file that begins as something else: what it is, and what can be done with it.
  case otherFile(Path, String)
  /// The number may be larger than 64 bits hold.
  case newerVersion(Path, found: String, known: Int)
  case unknownKind(Path, String, expected: String)
  case missingTensor(Path, String)
  case extraTensor(Path, String)
  case wrongTensor(Path, String, expected: String, found: String)
  case vocabularyDiffers(Path, tokenizer: Int, model: Int)
  /// Every checkpoint of ours has checksums.
  case noChecksums(Path)
  case noRecord(Path)
  case noOptimizerState(Path)
  case brokenTokenizer(Path, String)

  /// The error in one line.
  package var description: String {
    switch self {
    case .safetensors(let error): "\(error)"
    case .json(let error): "\(error)"
    case .foreign(let error): "\(error)"
    case .otherKind(let path, let kind, let wanted):
      "\(path): a \(kind.noun), where a \(wanted.noun) is wanted: \(kind.commands) work with \(kind.noun)s"
    case .notOurs(let path):
      "\(path): a safetensors file, but not a minigpt checkpoint: no `minigpt.version` in it; of another program's model"
        + " name the folder"
    case .otherFile(let path, let what): "\(path): no model, but \(what)"
    case .newerVersion(let path, let found, let known):
      "\(path): checkpoint format version \(found), but this minigpt reads up to version \(known)"
    case .unknownKind(let path, let kind, let expected):
      "\(path): a checkpoint of kind '\(Path(kind))', expected '\(expected)'"
    case .missingTensor(let path, let name): "\(path): tensor \(Path(name)) is missing"
    case .extraTensor(let path, let name): "\(path): tensor \(Path(name)) does not belong to the configuration"
    case .wrongTensor(let path, let name, let expected, let found):
      "\(path): tensor \(Path(name)) is \(found), expected \(expected)"
    case .vocabularyDiffers(let path, let tokenizer, let model):
      "\(path): its tokenizer has \(tokenizer) tokens, but its model \(model)"
    case .noChecksums(let path): "\(path): its checksums are missing: expected `checksum.header` and one a tensor"
    case .noRecord(let path): "\(path): no training record in it: nothing to resume"
    case .noOptimizerState(let path): "\(path): no optimizer state in it: it can be used by --init, but not by --resume"
    case .brokenTokenizer(let path, let problem): "\(path): tokenizer: \(problem)"
    }
  }
}
