import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct SafetensorsFileWriterTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  static let tensors: [SafetensorsFileWriter.Tensor] = [
    .init("weight", .f32, [2, 3]), .init("empty", .f32, [0, 3]), .init("odd \"name\"\u{1B}é", .u8, [5]),
    .init("number", .i64, []), .init("half", .bf16, [3]),
  ]
  static let metadata = [("format", "minigpt"), ("text", "a\n\"b\"\u{7F}é😀"), ("", "")]

  static func bytes(_ index: Int) -> [UInt8] {
    (0..<tensors[index].byteCount).map { UInt8(truncatingIfNeeded: 17 * index + 5 * $0) }
  }

  @discardableResult
  func write(_ name: String, piece: Int = 1000) throws -> Path {
    let path = folder.path(name)
    try SafetensorsFileWriter.write(path, tensors: Self.tensors, metadata: Self.metadata) { index, writer in
      let bytes = Self.bytes(index)
      for start in stride(from: 0, to: bytes.count, by: piece) {
        try writer.append(Array(bytes[start..<min(start + piece, bytes.count)]).rawBytes)
      }
    }
    return path
  }

  @Test func readsBack() throws {
    let path = try write("f")
    let file = try SafetensorsFile(path)
    #expect(file.tensors.map(\.name) == Self.tensors.map(\.name))
    #expect(file.tensors.map(\.shape) == Self.tensors.map(\.shape))
    #expect(file.tensors.map(\.type) == Self.tensors.map(\.type))
    #expect(file.header.dataStart % 64 == 0)
    for (index, tensor) in file.tensors.enumerated() {
      #expect(file.bytes(of: tensor).array == Self.bytes(index))
      try file.verify(tensor)
    }
    try file.verifyHeader()
    #expect(file.hasChecksums)
    #expect(file.metadata.prefix(3).map(\.key) == ["format", "text", ""])
    #expect(file.header.metadata("text") == "a\n\"b\"\u{7F}é😀")
    #expect(file.header.metadata("nothing") == nil)
    #expect(try file.tensor("half").byteCount == 6)
    #expect(throws: SafetensorsError.tensor(path, "no", .notThere)) { try file.tensor("no") }
    #expect(try SafetensorsChecksum.verify(path) == .verified(bytes: 43))
    #expect(try folder.names() == ["f"])
  }

  @Test func piecesMakeTheSameFile() throws {
    try write("a")
    let whole = try folder.read("a")
    for piece in 1...7 {
      try write("b", piece: piece)
      #expect(try folder.read("b") == whole)
    }
  }

  /// The bytes themselves, so that the description of the format stays true.
  @Test func theFormat() throws {
    let path = folder.path("f")
    try SafetensorsFileWriter.write(path, tensors: [.init("x", .i32, [2])], metadata: [("k", "v")]) { _, writer in
      try writer.append(([1, -1] as [Int32]).span)
    }
    let bytes = try folder.read("f")
    let header = String(decoding: bytes[8..<192], as: UTF8.self)
    #expect(bytes.count == 192 + 8)
    #expect(Array(bytes[..<8]) == [184, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[192...]) == [1, 0, 0, 0, 255, 255, 255, 255])
    let digits = try #require(try SafetensorsFile(path).header.metadata("checksum.header"))
    let text =
      #"{"__metadata__":{"k":"v","checksum.x":"\#(Self.sum(Array(bytes[192...])))","checksum.header":"\#(digits)"},"#
      + #""x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#
    #expect(header == text + String(repeating: " ", count: 184 - text.utf8.count))
    let zeroed = header.replacing(digits, with: "0000000000000000")
    #expect(digits == Self.sum(Array(bytes[..<8]) + Array(zeroed.utf8)))
  }

  static func sum(_ bytes: [UInt8]) -> String {
    var hash = XXH64()
    hash.update(bytes)
    return hash.hexadecimal
  }

  @Test func noTensors() throws {
    let path = folder.path("f")
    try SafetensorsFileWriter.write(path, tensors: [], metadata: []) { _, _ in }
    #expect(try SafetensorsFile(path).tensors.isEmpty)
    #expect(try SafetensorsChecksum.verify(path) == .verified(bytes: 0))
  }

  @Test func refusals() throws {
    let path = folder.path("f")
    for name in ["header", "__metadata__"] {
      #expect(throws: SafetensorsError.tensor(path, name, .reservedName)) {
        try SafetensorsFileWriter.write(path, tensors: [.init(name, .u8, [])], metadata: []) { _, _ in }
      }
    }
    let large = [("k", String(repeating: "x", count: 33 << 20))]
    #expect(throws: SafetensorsError.self) {
      try SafetensorsFileWriter.write(path, tensors: [], metadata: large) { _, _ in }
    }
    #expect(try folder.names() == [])
  }

  @Test func anErrorOfTheSourceLeavesTheOldFile() throws {
    try folder.write("f", "old")
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try SafetensorsFileWriter.write(folder.path("f"), tensors: Self.tensors, metadata: []) { index, writer in
        if index == 2 { throw Stop() }
        try writer.append(Self.bytes(index).rawBytes)
      }
    }
    #expect(try folder.read("f") == Array("old".utf8))
    #expect(try folder.names() == ["f"])
  }

  @Test func tooFewBytesAreOurMistake() async {
    let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
      let folder = try Folder()
      try SafetensorsFileWriter.write(folder.path("f"), tensors: [.init("x", .u8, [3])], metadata: []) { _, writer in
        try writer.append(([1, 2] as [UInt8]).span)
      }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("0 of 1 tensors have all of their bytes"))
  }
}
