/// Chance from the system, for a run that was given no seed.
package enum RandomSeed {
  /// Below 2^31, so that people can type it and every program can hold it.
  package static func draw() -> UInt64 {
    var system = SystemRandomNumberGenerator()
    return system.next() >> 33
  }
}
