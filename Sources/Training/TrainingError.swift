internal import MiniGPTTensors

/// Why a training cannot begin or go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  /// Loss or gradient is no number: the step is not taken.
  case notFinite(step: Int, what: String, leaving: Remains = .checkpoint)
  /// More memory than there is, in bytes.
  case tooLarge(needed: Int, available: Int)
  /// A checkpoint and the flags that continue it do not agree.
  case differs(path: String, what: String, checkpoint: String, given: String)
  /// A model to begin with and the flags of the training do not agree.
  case contradicts(path: String, what: String, model: String, given: String)
  /// Kernels that this processor cannot run.
  case noInstructions(String)
  /// A tokenizer and a model do not fit.
  case vocabulary(tokenizer: Int, model: Int)
  /// A tokenizer of this kind whose vocabulary is not laid out for translation.
  case notForTranslation(String)
  /// BLEU is to decide which evaluation is the best, but nothing measures it.
  case noBLEU

  /// What there is after a run that could not go on.
  public enum Remains: Sendable {
    /// Its last checkpoint.
    case checkpoint
    /// What another run had left under its names, untouched.
    case former
    case nothing

    /// What there is, and what may help.
    fileprivate var description: String {
      switch self {
      case .checkpoint: "the last checkpoint is as it was (a lower --lr with --overwrite begins anew)"
      case .former: "what was there is as it was (try a lower --lr)"
      case .nothing: "nothing is left of the run (try a lower --lr)"
      }
    }
  }

  /// The error in one line.
  public var description: String {
    switch self {
    case .notFinite(let step, let what, let remains):
      "step \(step): the \(what) is not finite; the step is not taken, and \(remains.description)"
    case .tooLarge(let needed, let available):
      "training needs \(gigabytes(needed)) of memory, but this machine has \(gigabytes(available));"
        + " try a smaller --batch-size, --context or model"
    case .differs(let path, let what, let checkpoint, let given):
      "\(path): cannot be resumed: its \(what) is \(checkpoint), but \(given) is given"
    case .contradicts(let path, let what, let model, let given):
      "\(path): cannot be begun with: its \(what) is \(model), but \(given) is given"
    case .noInstructions(let name):
      "this processor has no \(name); it has \(InstructionSet.available.map(\.rawValue).joined(separator: ", "))"
    case .vocabulary(let tokenizer, let model):
      "the tokenizer has \(tokenizer) tokens, but the model \(model)"
    case .notForTranslation(let kind):
      "the tokenizer (\(kind)) is not for translation: expected byte pairs with </s> as the first token and <pad> as the last"
    case .noBLEU: "best-by is bleu, but nothing here translates what is held out and measures it"
    }
  }

  private func gigabytes(_ bytes: Int) -> String {
    let tenths = (bytes + (1 << 30) / 20) / ((1 << 30) / 10)
    return "\(tenths / 10).\(tenths % 10) GiB"
  }
}

/// How much memory a training may take.
package struct MemoryLimits: Sendable {
  /// Whether the backward pass computes each block again instead of keeping what it made: less memory, more time, the same
  /// bits.
  package var recomputes = false
  /// Bytes that there are; nil is no limit.
  package var available: Int?

  /// Throws where a training needs more bytes than there are.
  func check(_ needed: Int) throws(TrainingError) {
    if let available, needed > available { throw .tooLarge(needed: needed, available: available) }
  }
}
