internal import MiniGPTTensors

/// Which keys a query may look at.
package enum AttentionMask: Sendable, Equatable {
  /// A token sees itself and those before it: Vaswani et al. 2017, §3.2.3, "prevent leftward information flow".
  ///
  /// Never a matrix: tiles beyond the diagonal are not computed, and on it a row's loop ends at its own place.
  case causal
  /// All see all.
  case full

  package func allows(query: Int, key: Int) -> Bool { self == .full || key <= query }

  /// The keys that the tile of queries from `first` to `end` reaches.
  func reach(queriesEnd end: Int, keys: Int) -> Int { self == .causal ? min(end, keys) : keys }

  func visible(firstQuery: Int, firstKey: Int) -> VisibleKeys {
    self == .causal ? .causal(firstQuery: firstQuery, firstKey: firstKey) : .all
  }
}
