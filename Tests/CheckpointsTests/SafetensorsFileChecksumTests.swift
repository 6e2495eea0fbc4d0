import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct SafetensorsFileChecksumTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  func verify(_ bytes: [UInt8]) throws -> String { try verify(folder.write("damaged", bytes)) }

  /// The same for thousands of variants: a file that is emptied and written anew goes to the disk each time, one that
  /// is written over does not.
  func verify(_ bytes: [UInt8], over file: Int32) throws -> String {
    try #require(pwrite(file, bytes, bytes.count, 0) == bytes.count && ftruncate(file, bytes.count) == 0)
    return verify(folder.path("over"))
  }

  func openOver() throws -> Int32 {
    let file = open(String(decoding: folder.path("over").bytes, as: UTF8.self), O_RDWR | O_CREAT, 0o600)
    try #require(file >= 0)
    return file
  }

  func verify(_ path: Path) -> String {
    do throws(SafetensorsError) { return "\(try SafetensorsChecksum.verify(path))" } catch {
      return "\(error)".replacing("\(path): ", with: "")
    }
  }

  func written() throws -> [UInt8] {
    let others = try SafetensorsFileWriterTests()
    try others.write("f")
    return try others.folder.read("f")
  }

  @Test func damagedDataIsNamed() throws {
    var bytes = try written()
    let tensor = try SafetensorsFile(folder.write("f", bytes)).tensor("number")
    let sum = SafetensorsFileWriterTests.sum(SafetensorsFileWriterTests.bytes(3))
    bytes[tensor.range.lowerBound + 3] ^= 1
    var damaged = SafetensorsFileWriterTests.bytes(3)
    damaged[3] ^= 1
    let found = SafetensorsFileWriterTests.sum(damaged)
    #expect(try verify(bytes) == "tensor `number`: is damaged: its checksum should be \(sum), found \(found)")
    let file = try SafetensorsFile(folder.path("damaged"))
    #expect(throws: SafetensorsError.tensor(file.path, "number", .checksum(expected: sum, found: found))) {
      try file.verify(tensor)
    }
    try file.verify(file.tensor("half"))
  }

  /// Whatever bit flips, nothing traps, and nothing that differs is taken for whole.
  @Test func everyFlippedBitIsFound() throws {
    let bytes = try written()
    let file = try openOver()
    defer { close(file) }
    #expect(try verify(bytes, over: file) == "verified(bytes: 43)")
    for index in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(bit)
        let outcome = try verify(flipped, over: file)
        if outcome.hasPrefix("verified") || outcome == "absent" {
          Issue.record("byte \(index), bit \(bit): \(outcome)")
        }
      }
    }
  }

  @Test func manyFlippedBits() throws {
    let bytes = try written()
    let file = try openOver()
    defer { close(file) }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var flipped = bytes
      for _ in 0..<Int.random(in: 2...20, using: &generator) {
        flipped[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      let outcome = try verify(flipped, over: file)
      if flipped != bytes && outcome.hasPrefix("verified") { Issue.record("\(flipped)") }
    }
  }

  @Test func everyTruncationIsFound() throws {
    let bytes = try written()
    let file = try openOver()
    defer { close(file) }
    for count in bytes.indices.reversed() {
      let outcome = try verify(Array(bytes[..<count]), over: file)
      if outcome.hasPrefix("verified") || outcome == "absent" { Issue.record("\(count) bytes: \(outcome)") }
    }
    #expect(try verify(bytes + [0]).hasPrefix("the header describes a file of \(bytes.count) bytes, found"))
  }

  @Test func foreignFilesHaveNone() throws {
    let header = Array(#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#.utf8)
    #expect(try verify(SafetensorsFileTests.file(header, data: 1)) == "absent")
    let file = try SafetensorsFile(folder.path("damaged"))
    #expect(!file.hasChecksums)
    try file.verifyHeader()
    try file.verify(file.tensor("x"))
  }

  @Test(arguments: [
    (
      #"{"__metadata__":{"checksum.x":"0000000000000000"}}"#,
      "tensors have checksums, but the header has none: it was changed"
    ),
    (
      #"{"__metadata__":{"checksum.header":"short"}}"#,
      "the header is damaged: its checksum should be short, found 2cb6c2d3ba3fd2d8"
    ),
    (#"{"__metadata__":{"checksum.header":""}}"#, "the header is damaged: its checksum should be , found "),
  ]) func strangeChecksums(header: String, expected: String) throws {
    let outcome = try verify(SafetensorsFileTests.file(Array(header.utf8), data: 0))
    // Which sum a header with a place of the wrong width has, is nobody's business.
    #expect(outcome.hasPrefix(expected.replacing("2cb6c2d3ba3fd2d8", with: "")))
  }
}
