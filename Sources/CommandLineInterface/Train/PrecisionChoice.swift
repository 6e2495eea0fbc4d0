internal import MiniGPT

/// What `--precision` may say; what `auto` becomes is what is kept.
enum PrecisionChoice: String, CaseIterable, Sendable {
  case auto, fp32

  /// The precision itself; nil for `auto`.
  var precision: Precision? { Precision(rawValue: rawValue) }

  /// What `auto` stands for on this machine.
  static var best: Precision { .fp32 }
}
