internal import MiniGPTPlatform

/// A text file that grows by lines, such as the log of a training run.
///
/// Each line is written at once by a single call at the end of the file. A process killed in the middle of it leaves a
/// line without its newline, which `forEachLine` does not hand out and `truncate` cuts off.
package struct AppendFile: ~Copyable {
  package var path: Path { file.path }
  private let file: Descriptor

  /// Opens the file, or creates it. What is there stays.
  package init(_ path: Path) throws(StorageError) {
    if let kind = Files.kind(path), kind != .file { throw .notAFile(path, kind) }
    file = try Descriptor(path, .append)
  }

  package func count() throws(StorageError) -> Int { try file.fileLength() }

  /// Adds `line` and a newline; `line` itself must have none. Where it does not fit, on a full disk, nothing of it stays.
  package func append(line: [UInt8]) throws(StorageError) {
    check(!line.contains(Self.newline), "a line with a newline in it")
    let end = try file.fileLength()
    do { try file.write((line + [Self.newline]).rawBytes) } catch {
      try? file.truncate(to: end)
      throw error
    }
  }

  package func append(line: String) throws(StorageError) { try append(line: Array(line.utf8)) }

  /// Cuts the file behind its first `count` bytes.
  package func truncate(to count: Int) throws(StorageError) {
    let now = try file.fileLength()
    if count < now { try file.truncate(to: count) }
  }

  package func flush() throws(StorageError) { try file.flush() }

  /// Hands out each complete line, without its newline, and where in the file it ends (its newline included), until
  /// `body` returns false.
  package func forEachLine(_ body: (_ line: RawSpan, _ end: Int) throws -> Bool) throws {
    let map = try MappedFile(file)
    let bytes = map.bytes
    var start = 0
    for index in bytes.byteOffsets where unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self) == 10 {
      if try !body(bytes.extracting(start..<index), index + 1) { return }
      start = index + 1
    }
  }

  private static let newline = UInt8(ascii: "\n")
}
