internal import MiniGPTPlatform

/// Standard input, for values that are copied.
final class Input {
  private var lines = InputLines()

  var hasLine: Bool { lines.hasLine }

  func read() throws -> InputLines.Next { try lines.read() }

  func readBlock() throws -> InputLines.Next { try lines.readBlock() }

  func readAll() throws -> [UInt8]? { try lines.readAll() }
}
