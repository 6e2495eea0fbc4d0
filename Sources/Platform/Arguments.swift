internal import MiniGPTSystemC

/// The words that the process was started with, as bytes: Swift's own `CommandLine.arguments` replaces what is no
/// UTF-8, and such a file is then not found.
package enum Arguments {
  /// The name of the program first.
  package static let raw: [[UInt8]] = {
    let count = Int(CommandLine.argc)
    // Swift reads them from /proc on Linux, which a container may lack.
    if count == 0 { return onStack }
    let words = unsafe CommandLine.unsafeArgv
    return (0..<count).map { index in unsafe bytes(words[index]) }
  }()

  private typealias Words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// The words as they stand in front of the environment when a process begins: their number, the words, a null, and the
  /// environment (System V ABI, "Process Initialization"). Empty where the environment has moved.
  private static var onStack: [[UInt8]] {
    guard let symbol = unsafe dlsym(nil, "environ"),
      let environment = unsafe symbol.assumingMemoryBound(to: Words?.self).pointee, unsafe environment[-1] == nil
    else { return [] }
    for count in 0..<1 << 20 {
      if UInt(bitPattern: unsafe environment[-2 - count]) == UInt(count) {
        return (0..<count).map { index in unsafe bytes(environment[index - count - 1]) }
      }
    }
    return []
  }

  private static func bytes(_ word: UnsafeMutablePointer<CChar>?) -> [UInt8] {
    guard let word = unsafe word else { return [] }
    return unsafe UnsafeBufferPointer(start: word, count: strlen(word)).map { UInt8(bitPattern: $0) }
  }
}
