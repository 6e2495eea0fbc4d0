package import MiniGPTStorage
package import MiniGPTTensors

/// A safetensors file, mapped. Opening reads and checks the header alone, whatever the size of the data.
package struct SafetensorsFile: Sendable {
  package let header: SafetensorsHeader
  package let map: MappedFile

  package var path: Path { map.path }
  package var tensors: [SafetensorsTensor] { header.tensors }
  /// The entries of `__metadata__`, in the file's order.
  package var metadata: [(key: String, value: String)] { header.metadata }

  package init(_ path: Path) throws(SafetensorsError) {
    let map: MappedFile
    do { map = try MappedFile(path) } catch { throw .storage(error) }
    let bytes = map.bytes
    let length = try SafetensorsHeader.length(bytes, fileCount: bytes.byteCount, path: path)
    header = try SafetensorsHeader(bytes.extracting(8..<8 + length), fileCount: bytes.byteCount, path: path)
    self.map = map
  }

  /// Whether a file begins as one in this format does: a short length, then an object. No text begins so.
  package static func looksLike(_ path: Path) -> Bool {
    guard let reader = try? FileReader(path), reader.count > 8, let start = try? reader.bytes(in: 0..<9) else {
      return false
    }
    return start[4..<8].allSatisfy { $0 == 0 } && start[8] == UInt8(ascii: "{")
  }

  /// A tensor that must be there.
  package func tensor(_ name: String) throws(SafetensorsError) -> SafetensorsTensor {
    guard let tensor = header.tensor(name) else { throw .tensor(path, name, .notThere) }
    return tensor
  }

  /// The bytes of a tensor of this file, little-endian numbers at an address that may be aligned to nothing.
  @_lifetime(borrow self)
  package func bytes(of tensor: SafetensorsTensor) -> RawSpan {
    map.bytes.extracting(tensor.range)
  }

  /// The bytes of several tensors that lie one behind the other.
  @_lifetime(borrow self)
  package func bytes(in range: Range<Int>) -> RawSpan { map.bytes.extracting(range) }

  package var byteCount: Int { map.count }

  package var hasChecksums: Bool { SafetensorsChecksum.arePresent(header) }

  /// Compares the header with its checksum. Nothing to compare is no error where no tensor has one either.
  package func verifyHeader() throws(SafetensorsError) {
    try SafetensorsChecksum.verifyHeader(header, map.bytes.extracting(0..<header.dataStart), path)
  }

  /// Compares a tensor's bytes with its checksum, for whoever is about to read them all anyway.
  package func verify(_ tensor: SafetensorsTensor) throws(SafetensorsError) {
    guard hasChecksums else { return }
    var hash = XXH64()
    // In pieces, each let go, so that a large file is not held in memory at once.
    for start in stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: 1 << 22) {
      let piece = start..<min(tensor.range.upperBound, start + 1 << 22)
      hash.update(bytes(in: piece))
      map.advise(.dontNeed, piece)
    }
    try verify(tensor, hash)
  }

  /// The same for whoever read the bytes already.
  func verify(_ tensor: SafetensorsTensor, _ hash: XXH64) throws(SafetensorsError) {
    try SafetensorsChecksum.compare(header, tensor, hash.digest(), path)
  }
}

extension SafetensorsFile {
  /// A tensor as a matrix; one of rank 1 is a row.
  package func matrix(_ tensor: SafetensorsTensor, _ type: NumberFormat) -> FileMatrix {
    let columns = tensor.shape.last ?? 1
    return FileMatrix(
      map, offset: tensor.range.lowerBound, type, rows: tensor.shape.dropLast().reduce(1, *), columns: columns)
  }
}
