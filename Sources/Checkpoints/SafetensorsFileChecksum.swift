internal import MiniGPTPlatform
package import MiniGPTStorage

/// The checksums in a file that we wrote: entries of `__metadata__`, each 16 lower-case hexadecimal digits of XXH64.
///
/// `checksum.<tensor>` is the sum of the tensor's bytes. `checksum.header` is the sum of the file's bytes in front of
/// the data (the 8 of the length, the JSON, the padding), the header's own 16 digits taken as zeros. A file has all of
/// them or none.
package enum SafetensorsChecksum {
  static let prefix = "checksum."
  static let headerKey: JSON.Key = "checksum.header"

  package enum Outcome: Hashable, Sendable {
    /// Everything agrees; so many bytes of data were read.
    case verified(bytes: Int)
    /// A file of somebody else: nothing to compare.
    case absent
  }

  /// Reads the whole file through a small buffer and compares. Throws at the first difference.
  package static func verify(_ path: Path) throws(SafetensorsError) -> Outcome {
    do {
      let reader = try FileReader(path)
      let start = try reader.bytes(in: 0..<min(8, reader.count))
      let length = try SafetensorsHeader.length(start.rawBytes, fileCount: reader.count, path: path)
      let front = try reader.bytes(in: 0..<8 + length)
      let json = front.rawBytes.extracting(8..<front.count)
      let header = try SafetensorsHeader(json, fileCount: reader.count, path: path)
      if !arePresent(header) { return .absent }
      try verifyHeader(header, front.rawBytes, path)
      var total = 0
      for tensor in header.tensors {
        var hash = XXH64()
        try reader.forEachBlock(in: tensor.range) { block in hash.update(block) }
        try compare(header, tensor, hash.digest(), path)
        total += tensor.byteCount
      }
      return .verified(bytes: total)
    } catch let error as SafetensorsError {
      throw error
    } catch let error as StorageError {
      throw .storage(error)
    } catch { fail("neither of the two errors: \(error)") }
  }

  static func arePresent(_ header: SafetensorsHeader) -> Bool {
    header.metadata.contains { $0.key.utf8.starts(with: prefix.utf8) }
  }

  /// `front` is everything before the data.
  static func verifyHeader(_ header: SafetensorsHeader, _ front: RawSpan, _ path: Path) throws(SafetensorsError) {
    if !arePresent(header) { return }
    guard let expected = header.metadata(headerKey.text), let range = header.checksumRange else {
      throw .file(path, .noHeaderChecksum)
    }
    let found = sum(front, without: range)
    if found != expected { throw .file(path, .headerChecksum(expected: printable(expected), found: found)) }
  }

  static func compare(
    _ header: SafetensorsHeader, _ tensor: SafetensorsTensor, _ sum: UInt64, _ path: Path
  ) throws(SafetensorsError) {
    guard let expected = header.metadata(prefix + tensor.name) else { throw .tensor(path, tensor.name, .noChecksum) }
    let found = hexadecimal16(sum)
    if found != expected {
      throw .tensor(path, tensor.name, .checksum(expected: printable(expected), found: found))
    }
  }

  /// The sum of `front` with zeros for the digits in `range`.
  static func sum(_ front: RawSpan, without range: Range<Int>) -> String {
    var hash = XXH64()
    hash.update(front.extracting(0..<range.lowerBound))
    hash.update([UInt8](repeating: UInt8(ascii: "0"), count: range.count))
    hash.update(front.extracting(range.upperBound..<front.byteCount))
    return hash.hexadecimal
  }

  /// What stands in a damaged file may be anything of any length.
  private static func printable(_ text: String) -> String { EscapedText.string(String(text.prefix(40))) }
}
