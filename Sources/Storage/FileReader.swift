internal import MiniGPTPlatform

/// Reads a file through a small buffer, so that memory stays the same however large the file is.
package struct FileReader: ~Copyable {
  package let count: Int
  package var path: Path { file.path }
  private let file: Descriptor

  package init(_ path: Path) throws(StorageError) {
    let file = try Descriptor(path, .read)
    count = try file.fileLength()
    self.file = file
  }

  /// Hands out the bytes of `range` in order, in blocks of at most `blockSize`.
  package func forEachBlock<Failure: Error>(
    in range: Range<Int>, blockSize: Int = 1 << 20, _ body: (RawSpan) throws(Failure) -> Void
  ) throws {
    check(0 <= range.lowerBound && range.upperBound <= count, "bytes \(range) of a file of \(count)")
    var block = [UInt8](repeating: 0, count: min(blockSize, range.count))
    var offset = range.lowerBound
    while offset < range.upperBound {
      let wanted = min(block.count, range.upperBound - offset)
      try read(&block, wanted, at: offset)
      try body(block.span.extracting(0..<wanted).rawBytes)
      offset += wanted
    }
  }

  /// The bytes of `range`.
  package func bytes(in range: Range<Int>) throws(StorageError) -> [UInt8] {
    check(0 <= range.lowerBound && range.upperBound <= count, "bytes \(range) of a file of \(count)")
    var result = [UInt8](repeating: 0, count: range.count)
    try read(&result, range.count, at: range.lowerBound)
    return result
  }

  /// A whole file; one that is longer than `limit` is read no further than that.
  package static func bytes(of path: Path, limit: Int = .max) throws(StorageError) -> [UInt8] {
    let reader = try FileReader(path)
    return try reader.bytes(in: 0..<min(limit, reader.count))
  }

  /// A whole file, which must not be longer than `limit`.
  package static func whole(_ path: Path, limit: Int) throws(StorageError) -> [UInt8] {
    let reader = try FileReader(path)
    if reader.count > limit { throw .tooLong(path, limit: limit, found: reader.count) }
    return try reader.bytes(in: 0..<reader.count)
  }

  private func read(_ block: inout [UInt8], _ wanted: Int, at offset: Int) throws(StorageError) {
    let outcome = unsafe block.withUnsafeMutableBytes { buffer -> Result<Int, StorageError> in
      do throws(StorageError) {
        return .success(unsafe try file.read(into: .init(rebasing: buffer[..<wanted]), at: offset))
      } catch { return .failure(error) }
    }
    let done = try outcome.get()
    if done < wanted { throw .shrank(path, expected: count, found: offset + done) }
  }
}
