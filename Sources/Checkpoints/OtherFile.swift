package import MiniGPTStorage

/// What people hand in where a model is asked for, known by its first bytes.
package enum OtherFile {
  private static let beginnings: [(bytes: [UInt8], what: String)] = [
    ([0x50, 0x4B, 3, 4], "a zip archive, as PyTorch's .pt and .bin are: save the model with safetensors"),
    ([0x1F, 0x8B], "a gzip file: unpack it first"),
    ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file: unpack it first"),
    (Array("version https://git-lfs".utf8), "a pointer of git-lfs: git lfs pull fetches the file itself"),
    ([0x89] + Array("PNG".utf8), "a picture (PNG)"), ([0xFF, 0xD8, 0xFF], "a picture (JPEG)"),
    (Array("GIF8".utf8), "a picture (GIF)"), (Array("%PDF".utf8), "a PDF document"),
    ([0x7F] + Array("ELF".utf8), "a program or library (ELF)"),
    ([0xFD] + Array("7zXZ".utf8), "an xz file: unpack it first"), (Array("BZh".utf8), "a bzip2 file: unpack it first"),
    (Array("<!".utf8), "a page of the web: the download went wrong"),
    (Array("<html".utf8), "a page of the web: the download went wrong"),
  ]

  /// What a file is instead of a model, in words; nil where that is not known.
  package static func describe(_ path: Path) -> String? {
    guard Files.kind(path) == .file, !SafetensorsFile.looksLike(path),
      let start = try? FileReader.bytes(of: path, limit: 512), !start.isEmpty
    else { return nil }
    if let known = beginnings.first(where: { start.starts(with: $0.bytes) }) { return known.what }
    // Pickles of protocol 2 and later name it in their second byte.
    if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) {
      return "a pickle of Python: save the model with safetensors"
    }
    let isText = start.allSatisfy { $0 >= 0x20 || (9...13).contains($0) }
    return isText ? "a text: minigpt train \(path) learns from it" : nil
  }
}
