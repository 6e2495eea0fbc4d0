internal import MiniGPT

/// A family of decoders: the parts that its blocks are made of. Each part is a flag of its own, which wins.
enum Architecture: String, CaseIterable {
  /// Radford et al. 2019: learned positions, layer norms, GELU, biases.
  case gpt2
  /// Touvron et al. 2023 (arXiv:2302.13971), §2.2: rotary positions, RMS norms, SwiGLU, no biases.
  case llama
  /// Yang et al. 2025 (arXiv:2505.09388), §2: the same with norms on queries and keys.
  case qwen3

  /// What such blocks are made of; projections into the residual stream start at zero where biases are gone.
  var parts: Preset {
    Preset(rawValue) { command in
      switch self {
      case .gpt2:
        (command[\.block.positions], command[\.block.norm], command[\.block.activation]) = (.learned, .pre, .gelu)
        (command[\.block.normKind], command[\.block.isGated], command[\.block.hasBiases]) = (.layer, false, true)
      case .llama, .qwen3:
        (command[\.block.positions], command[\.block.norm], command[\.block.activation]) = (.rotary, .pre, .silu)
        (command[\.block.normKind], command[\.block.isGated], command[\.block.hasBiases]) = (.rms, true, false)
        (command[\.block.normEpsilon], command[\.block.startsAtZero]) = (1e-6, true)
        if self == .qwen3 { command[\.block.normalizesQueriesAndKeys] = true }
      }
    }
  }
}
