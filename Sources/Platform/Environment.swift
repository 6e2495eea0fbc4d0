internal import MiniGPTSystemC

/// The variables that the process was started with.
package enum Environment {
  /// The value as it is, which need not be UTF-8; nil where the variable is not set.
  package static func bytes(_ name: String) -> [UInt8]? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe UnsafeBufferPointer(start: value, count: strlen(value)).map { UInt8(bitPattern: $0) }
  }

  package static func string(_ name: String) -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }
}
