import MiniGPTCheckpoints
import Foundation
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct SafetensorsFileTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// A file of a header and so many bytes of data.
  static func file(_ header: [UInt8], length: UInt64? = nil, data: Int) -> [UInt8] {
    let length = length ?? UInt64(header.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + header
      + [UInt8](repeating: 1, count: data)
  }

  /// What opening says, without the file's name.
  func message(_ bytes: [UInt8]) throws -> String {
    let path = try folder.write("f", bytes)
    do throws(SafetensorsError) {
      let file = try SafetensorsFile(path)
      return "read: "
        + file.tensors.map { "\($0.name) \($0.type.rawValue) \($0.shape) \($0.byteCount)" }
        .joined(separator: "; ")
    } catch { return "\(error)".replacing("\(path): ", with: "") }
  }

  func message(_ header: String, data: Int) throws -> String { try message(Self.file(Array(header.utf8), data: data)) }

  static func tensor(_ type: String, _ shape: String, _ begin: String, _ end: String) -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
  }

  static let x8 = #"{"x":\#(tensor("F32", "[2]", "0", "8"))}"#

  @Test(
    arguments: [
      (x8, 8, "x F32 [2] 8"), (x8 + "   \n", 8, "x F32 [2] 8"), ("{}", 0, ""), (#"{"__metadata__":null}"#, 0, ""),
      (#"{"__metadata__":{}}"#, 0, ""),
      (#"{"b":\#(tensor("U8", "[]", "3", "4")),"a":\#(tensor("U8", "[3]", "0", "3"))}"#, 4, "a U8 [3] 3; b U8 [] 1"),
      (
        #"{"a":\#(tensor("F64", "[0,7]", "2", "2")),"b":\#(tensor("I16", "[1,1]", "0", "2"))}"#, 2,
        "b I16 [1, 1] 2; a F64 [0, 7] 0"
      ),
      (#"{"a":\#(tensor("U8", "[0,9223372036854775807,4]", "0", "0"))}"#, 0, "a U8 [0, 9223372036854775807, 4] 0"),
      (#"{"a":\#(tensor("F4", "[2]", "0", "1"))}"#, 1, "a F4 [2] 1"),
      (#"{"a":\#(tensor("F6_E2M3", "[4]", "0", "3"))}"#, 3, "a F6_E2M3 [4] 3"),
      (#"{"":\#(tensor("I8", "[1]", "0", "1"))}"#, 1, " I8 [1] 1"),
      (#"{"a\u0000":\#(tensor("I8", "[1]", "0", "1"))}"#, 1, "a\0 I8 [1] 1"),
      (
        #"{"x":{"shape":[1],"extra":[{"y":null}],"data_offsets":[0,4],"more":-1.5e3,"dtype":"I32"}}"#, 4, "x I32 [1] 4"
      ),
    ] as [(String, Int, String)]) func accepted(header: String, data: Int, tensors: String) throws
  {
    #expect(try message(header, data: data) == "read: " + tensors)
  }

  @Test(arguments: SafetensorsType.allCases) func everyTypeHasASize(type: SafetensorsType) throws {
    let header = #"{"x":\#(Self.tensor(type.rawValue, "[8]", "0", "\(type.bits)"))}"#
    #expect(try message(header, data: type.bits) == "read: x \(type.rawValue) [8] \(type.bits)")
    #expect(
      try message(header, data: type.bits + 1)
        == "the header describes a file of \(header.utf8.count + 8 + type.bits) bytes, found "
        + "\(header.utf8.count + 9 + type.bits)")
  }

  @Test(
    arguments: [
      ([], "expected a safetensors file of at least 8 bytes, found 0"),
      ([1, 2, 3, 4, 5, 6, 7], "expected a safetensors file of at least 8 bytes, found 7"),
      (file([], data: 0), "the safetensors header must begin with `{`, found nothing"),
      (
        file([], length: .max, data: 0),
        "no safetensors file, or too large a header: expected at most 33554432 bytes, found 18446744073709551615"
      ),
      (
        file([], length: 33_554_433, data: 0),
        "no safetensors file, or too large a header: expected at most 33554432 bytes, found 33554433"
      ),
      (
        file([], length: 33_554_432, data: 5),
        "no safetensors file, or a truncated one: a header of 33554432 bytes in a file of 13"
      ),
      (
        file(Array("{}".utf8), length: 3, data: 0),
        "no safetensors file, or a truncated one: a header of 3 bytes in a file of 10"
      ),
      (file(Array("PK".utf8), data: 0), "the safetensors header must begin with `{`, found byte 80"),
      (file([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], data: 0), "the safetensors header must begin with `{`, found byte 239"),
      (file(Array(" {}".utf8), data: 0), "the safetensors header must begin with `{`, found byte 32"),
      (file(Array("{}\0".utf8), data: 0), "safetensors header: byte 2: expected the end, found byte 0"),
      (file(Array("{}x".utf8), data: 0), "safetensors header: byte 2: expected the end, found `x`"),
      (
        file([0x7B, 0x22, 0xFF, 0x22], data: 0),
        "safetensors header: byte 2: expected UTF-8, found a byte that is not"
      ),
      (
        file(Array("{".utf8), data: 0),
        "safetensors header: byte 1: expected a key in double quotes, found the end"
      ),
    ] as [([UInt8], String)]) func brokenFiles(bytes: [UInt8], expected: String) throws
  {
    #expect(try message(bytes) == expected)
  }

  /// Headers that lie, each with its data's length.
  @Test(
    arguments: [
      (x8, 9, "the header describes a file of 70 bytes, found 71"),
      (x8, 7, "the header describes a file of 70 bytes, found 69"),
      ("{}", 1, "the header describes a file of 10 bytes, found 11"),
      (
        #"{"x":\#(tensor("F32", "[2]", "4", "12"))}"#, 12,
        "tensor `x`: begins at byte 4 of the data, the one before it ends at 0: a hole"
      ),
      (
        #"{"x":\#(tensor("U8", "[4]", "0", "4")),"y":\#(tensor("U8", "[4]", "5", "9"))}"#, 9,
        "tensor `y`: begins at byte 5 of the data, the one before it ends at 4: a hole"
      ),
      (
        #"{"x":\#(tensor("U8", "[4]", "0", "4")),"y":\#(tensor("U8", "[4]", "3", "7"))}"#, 7,
        "tensor `y`: begins at byte 3 of the data, the one before it ends at 4: they overlap"
      ),
      (
        #"{"x":\#(tensor("U8", "[4]", "0", "4")),"y":\#(tensor("U8", "[4]", "0", "4"))}"#, 4,
        "tensor `y`: begins at byte 0 of the data, the one before it ends at 4: they overlap"
      ),
      (
        #"{"x":\#(tensor("U8", "[4]", "4", "0"))}"#, 4, "tensor `x`: begins at byte 4 of the data and ends before, at 0"
      ),
      (
        #"{"x":\#(tensor("F32", "[3]", "0", "8"))}"#, 8,
        "tensor `x`: shape [3] of F32 takes 12 bytes, the offsets give it 8"
      ),
      (
        #"{"x":\#(tensor("F32", "[]", "0", "8"))}"#, 8,
        "tensor `x`: shape [] of F32 takes 4 bytes, the offsets give it 8"
      ),
      (#"{"x":\#(tensor("F4", "[3]", "0", "2"))}"#, 2, "tensor `x`: shape [3] of F4 does not end at a whole byte"),
      (
        #"{"x":\#(tensor("F32", "[1000000000000,1000000000000]", "0", "8"))}"#, 8,
        "tensor `x`: shape [1000000000000, 1000000000000] of F32 is larger than 64 bits can count"
      ),
      (
        #"{"x":\#(tensor("F32", "[9223372036854775807,4,0]", "0", "0"))}"#, 0,
        "tensor `x`: shape [9223372036854775807, 4, 0] of F32 is larger than 64 bits can count"
      ),
      (
        #"{"x":\#(tensor("F32", "[18446744073709551615]", "0", "0"))}"#, 0,
        "tensor `x`: a dimension of 18446744073709551615, more than memory can have"
      ),
      (
        #"{"x":\#(tensor("F64", "[1000000000000]", "0", "8000000000000"))}"#, 8,
        "the header describes a file of 8000000000086 bytes, found 94"
      ),
      (
        #"{"x":\#(tensor("U8", "[0]", "18446744073709551615", "18446744073709551615"))}"#, 0,
        "tensor `x`: begins at byte 18446744073709551615 of the data, the one before it ends at 0: a hole"
      ),
      (
        #"{"x":\#(tensor("f32", "[2]", "0", "8"))}"#, 8,
        "tensor `x`: expected a type of the safetensors format, found `f32`"
      ),
      (
        #"{"x":\#(tensor("F32 ", "[2]", "0", "8"))}"#, 8,
        "tensor `x`: expected a type of the safetensors format, found `F32 `"
      ),
      (#"{"x":{"dtype":"F32","shape":[2]}}"#, 8, "tensor `x`: field `data_offsets` is missing"),
      (#"{"x":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "tensor `x`: field `shape` is missing"),
      (#"{"x":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "tensor `x`: field `dtype` is missing"),
      (
        #"{"x":\#(tensor("F32", "[2]", "0", "8")),"x":\#(tensor("F32", "[2]", "0", "8"))}"#, 8,
        "tensor `x`: is given twice"
      ),
      (
        #"{"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8,
        "safetensors header: byte 28: field `x.dtype`: is given twice"
      ),
      (
        #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#, 8,
        "safetensors header: byte 52: field `x.data_offsets`: expected two offsets, found more"
      ),
      (
        #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8,
        "safetensors header: byte 50: field `x.data_offsets`: expected two offsets, found 1"
      ),
      (#"{"x":{"dtype":1}}"#, 0, "safetensors header: byte 14: field `x.dtype`: expected a string, found 1"),
      (#"{"x":7}"#, 0, "safetensors header: byte 5: field `x`: expected an object, found 7"),
      (
        #"{"x":{"shape":["2"]}}"#, 0,
        "safetensors header: byte 15: field `x.shape`: expected a number of plain digits, found a string"
      ),
      (
        #"{"x":{"shape":[1.0]}}"#, 0,
        "safetensors header: byte 15: field `x.shape`: expected a number of plain digits, found 1.0"
      ),
      (
        #"{"x":{"shape":[-0]}}"#, 0,
        "safetensors header: byte 15: field `x.shape`: expected a number of plain digits, found -0"
      ),
      (
        #"{"x":{"data_offsets":[0,-8]}}"#, 8,
        "safetensors header: byte 24: field `x.data_offsets`: expected a number of plain digits, found -8"
      ),
      (
        #"{"x":{"data_offsets":[0,1e0]}}"#, 8,
        "safetensors header: byte 24: field `x.data_offsets`: expected a number of plain digits, found 1e0"
      ),
      (#"{"x":{},}"#, 8, "tensor `x`: field `dtype` is missing"),
      (#"{"\uD800":{}}"#, 0, "safetensors header: byte 2: half of a surrogate pair in a string"),
      ("{/**/}", 0, "safetensors header: byte 1: expected a key in double quotes, found `/`"),
      (
        #"{"__metadata__":{"a":1}}"#, 0,
        "safetensors header: byte 21: field `__metadata__.a`: expected a string, found 1"
      ),
      (
        #"{"__metadata__":{"a":"1","a":"2"}}"#, 0,
        "safetensors header: byte 29: field `__metadata__.a`: is given twice"
      ),
      (
        #"{"__metadata__":{},"__metadata__":{}}"#, 0,
        "safetensors header: byte 34: field `__metadata__`: is given twice"
      ),
      (
        #"{"__metadata__":[]}"#, 0,
        "safetensors header: byte 16: field `__metadata__`: expected an object, found a list"
      ),
      (
        #"{"x\u001b[2J":\#(tensor("Q\\u001b", "[]", "0", "0"))}"#, 0,
        #"tensor `x\x1B[2J`: expected a type of the safetensors format, found `Q\x1B`"#
      ),
    ] as [(String, Int, String)]) func hostile(header: String, data: Int, expected: String) throws
  {
    #expect(try message(header, data: data) == expected)
  }

  @Test func depthBombs() throws {
    let bomb = String(repeating: "[", count: 100_000)
    #expect(
      try message(#"{"x":{"y":\#(bomb)"#, data: 0)
        == "safetensors header: byte 136: field `x.y`: nested deeper than 128 levels")
    #expect(
      try message(#"{"x":\#(bomb)"#, data: 0)
        == "safetensors header: byte 5: field `x`: expected an object, found a list")
  }

  @Test func limits() throws {
    let shape = "[" + [String](repeating: "1", count: 65).joined(separator: ",") + "]"
    #expect(
      try message(#"{"x":\#(Self.tensor("U8", shape, "0", "1"))}"#, data: 1)
        == "tensor `x`: expected at most 64 dimensions, found 65")
    let empty = Self.tensor("U8", "[0]", "0", "0")
    let tensors = { (count: Int) in "{" + (0..<count).map { #""\#($0)":\#(empty)"# }.joined(separator: ",") + "}" }
    #expect(try message(tensors(65_536), data: 0).hasPrefix("read: "))
    #expect(try message(tensors(65_537), data: 0) == "more than 65536 tensors")
    let entries = (0...131_072).map { #""\#($0)":"""# }.joined(separator: ",")
    #expect(try message(#"{"__metadata__":{\#(entries)}}"#, data: 0) == "more than 131072 entries in `__metadata__`")
  }

  @Test func notAFile() throws {
    #expect(throws: SafetensorsError.storage(.notAFile(folder.whole, .folder))) { try SafetensorsFile(folder.whole) }
    let missing = folder.path("missing")
    #expect(throws: SafetensorsError.storage(.refused(.open, missing, .noSuchFile))) { try SafetensorsFile(missing) }
  }
}
