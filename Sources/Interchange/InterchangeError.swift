package import MiniGPTCheckpoints
package import MiniGPTStorage
package import MiniGPTTokenization

/// Why a model of another program cannot be read, or one of ours not be written for it.
package enum InterchangeError: Error, CustomStringConvertible {
  case storage(StorageError)
  case safetensors(SafetensorsError)
  case json(JSONError)
  case tokenizer(TokenizerError)
  /// Something that is no model in a format that we read.
  case notAModel(Path, String)
  /// A model that minigpt cannot be: which file says so, and what.
  case unsupported(Path, String)
  /// Two files, or two parts of one, that contradict each other.
  case contradiction(Path, String)
  case missingTensor(Path, String)
  case extraTensor(Path, String)
  case wrongTensor(Path, String, expected: String, found: String)
  /// A part of a binary file that breaks the rules of its format.
  case broken(Path, String, String)
  /// A folder that `--overwrite` does not replace, and why.
  case notReplaceable(Path, String)
  /// What a format cannot say.
  case inexpressible(format: String, String)
  /// A number that a type does not have.
  case tooLarge(tensor: String, Float, String)

  /// The error in one line.
  package var description: String {
    switch self {
    case .storage(let error): "\(error)"
    case .safetensors(let error): "\(error)"
    case .json(let error): "\(error)"
    case .tokenizer(let error): "\(error)"
    case .notAModel(let path, let found): "\(path): no model that minigpt can open: \(found)"
    case .unsupported(let path, let what): "\(path): not supported: \(what)"
    case .contradiction(let path, let what): "\(path): \(what)"
    case .missingTensor(let path, let name): "\(path): tensor \(Path(name)) is missing"
    case .extraTensor(let path, let name): "\(path): tensor \(Path(name)) does not belong to the configuration"
    case .wrongTensor(let path, let name, let expected, let found):
      "\(path): tensor \(Path(name)) is \(found), expected \(expected)"
    case .broken(let path, let part, let problem): "\(path): \(part): \(problem)"
    case .notReplaceable(let path, let why): "\(path): is there already, and --overwrite leaves it alone: \(why)"
    case .inexpressible(let format, let what): "cannot be exported to \(format): \(what)"
    case .tooLarge(let tensor, let number, let type):
      "tensor \(tensor): \(number) cannot be written as \(type)"
    }
  }
}
