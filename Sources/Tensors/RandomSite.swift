internal import MiniGPTPlatform

/// What random numbers are drawn for. Each purpose has numbers of its own, a word of Philox's counter, so that streams of
/// one seed never meet. They decide bits: a number is never given away again.
package enum RandomSite: CaseIterable, Sendable {
  /// A number for each place where elements are dropped.
  case dropout
  /// Where a language model's windows begin.
  case windows
  /// The order of sentence pairs.
  case pairs
  /// The order of their batches.
  case batches
  /// The tokens that are drawn.
  case sampler
  /// What a benchmark computes with.
  case benchmark
  /// A number for each parameter.
  case initialization
  /// The order of a text's blocks.
  case blocks
  /// Where the blocks of an epoch begin.
  case phases
  /// Which merges are left out.
  case merges

  /// The numbers of this purpose.
  package var numbers: ClosedRange<UInt32> {
    switch self {
    case .dropout: 0...0x3FFF_FFFF
    case .windows: 0x4000_0000...0x4000_0000
    case .pairs: 0x4000_0001...0x4000_0001
    case .batches: 0x4000_0002...0x4000_0002
    case .sampler: 0x4000_0003...0x4000_0003
    case .benchmark: 0x4000_0004...0x4000_0004
    case .blocks: 0x4000_0005...0x4000_0005
    case .phases: 0x4000_0006...0x4000_0006
    case .merges: 0x4000_0007...0x4000_0007
    case .initialization: 0x8000_0000...0xFFFF_FFFF
    }
  }

  /// The number of a place among those of this purpose.
  func number(_ place: Int) -> UInt32 {
    check(0...numbers.count - 1 ~= place, "place \(place) of \(self)")
    return numbers.lowerBound + UInt32(place)
  }
}
