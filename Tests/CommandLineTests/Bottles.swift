import Foundation
import Testing

/// Small models that every test may talk to: made once, of a text that is quickly learned.
enum Bottles {
  /// A folder with `bottles.txt` and the models `char.safetensors` and `byte.safetensors`, each of a context of 32; and
  /// `early.safetensors`, the first one after fewer steps.
  static func folder() throws -> String { try made.get().folder }

  private static let made = Result { try make() }

  private static func make() throws -> Scratch {
    let scratch = try Scratch()
    // Statics live as long as the process does.
    atexit { try? FileManager.default.removeItem(atPath: Bottles.folder()) }
    try scratch.write("bottles.txt", (0..<150).map { "\($0) green bottles, hanging on the wall;\n" }.joined())
    for (name, tokenizer, steps) in [("char", "char", 120), ("byte", "byte", 120), ("early", "char", 10)] {
      let run = try Run(
        [
          "train", "bottles.txt", "--tokenizer", tokenizer, "--steps", "\(steps)", "--layers", "1", "--heads", "2",
          "--embd", "24", "--context", "32", "--batch-size", "8", "--eval-every", "1000", "--seed", "7", "--quiet",
          "--arch", "gpt2", "--optimizer", "adamw", "--order", "windows", "--schedule", "cosine", "--min-lr", "5e-4",
          "--embedding-lr", "5e-3", "--beta2", "0.99", "--cautious-decay", "off", "--dropout", "0.2",
          "--lr", "5e-3", "--out", name + ".safetensors",
        ], folder: scratch.folder)
      #expect(run.status == 0 && run.errorText == "")
      try? FileManager.default.removeItem(atPath: scratch.path(name + ".best.safetensors"))
    }
    return scratch
  }
}
