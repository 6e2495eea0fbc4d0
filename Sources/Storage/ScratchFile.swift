internal import MiniGPTPlatform

/// Memory on disk: a file without a name, gone when its last owner is, however the process ends.
///
/// Large intermediate results (the token ids of a corpus) are appended, then mapped, so that the system may page them
/// out and in.
package struct ScratchFile: ~Copyable {
  /// Bytes appended so far.
  package private(set) var count = 0
  let file: Descriptor

  /// In `folder`, or else where `TMPDIR` says, or else in `/tmp`.
  package init(in folder: Path? = nil) throws(StorageError) {
    let folder = folder ?? Environment.bytes("TMPDIR").flatMap { $0.isEmpty ? nil : Path(bytes: $0) } ?? "/tmp"
    file = try Self.open(in: folder)
  }

  /// Not every file system can make a file without a name.
  private static func open(in folder: Path) throws(StorageError) -> Descriptor {
    if let unnamed = try? Descriptor(folder, .unnamed) { return unnamed }
    let name = Files.temporary(in: folder)
    let file = try Descriptor(name, .createNew)
    try Files.remove(name)
    return file
  }

  package mutating func append(_ bytes: RawSpan) throws(StorageError) {
    try file.write(bytes)
    count += bytes.byteCount
  }

  /// What was appended so far, read-only.
  package func map() throws(StorageError) -> MappedFile { try MappedFile(file) }
}
