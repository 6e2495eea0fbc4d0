internal import MiniGPTSystemC

/// Ends the program when `condition` is false: a mistake of ours, never of a user's.
///
/// Prints `message` in release builds too, where `precondition` is silent, and leaves with status 70
/// (`EX_SOFTWARE`) rather than by a signal.
@inlinable
@inline(__always)
package func check(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fail(message(), file: file, line: line) }
}

/// Ends the program at a place that cannot be reached.
@inline(never)
@usableFromInline
package func fail(_ message: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
  var text = "minigpt: internal error: \(message) (\(file):\(line))\n"
  text.withUTF8 { bytes in _ = unsafe write(2, bytes.baseAddress, bytes.count) }
  _exit(70)
}
