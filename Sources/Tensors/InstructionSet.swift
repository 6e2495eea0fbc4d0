internal import CKernels

/// The families of vector instructions that the kernels are written for.
public enum InstructionSet: String, CaseIterable, Sendable {
  /// Plain Swift: the same bits on any machine.
  case portable
  /// 8 floats at a time, with fused multiply-add.
  case avx2
  /// 16 floats at a time.
  case avx512

  /// Those that this machine can run, the best one last.
  public static var available: [InstructionSet] { allCases.filter { $0.kernels != nil } }

  /// The fastest that this machine can run.
  public static var best: InstructionSet { available.last ?? .portable }

  /// Its functions, or nil where the processor lacks them.
  package var kernels: Kernels? {
    switch self {
    case .portable: Kernels.portable
    case .avx2: unsafe minigpt_avx2().map { unsafe Kernels(table: $0, decoding: minigpt_decoding_for_avx2()) }
    case .avx512:
      // A processor without BF16 and VNNI decodes as one with AVX2 does.
      unsafe minigpt_avx512().map {
        unsafe Kernels(table: $0, decoding: minigpt_decoding_for_avx512() ?? minigpt_decoding_for_avx2())
      }
    }
  }
}

/// The functions of one instruction set.
///
/// Sendable since the table is never written after it was made.
@safe package struct Kernels: @unchecked Sendable {
  let table: UnsafePointer<minigpt_kernels>
  /// Products of a few rows: generation's.
  let decoding: UnsafePointer<minigpt_decoding>

  /// Decodes in plain Swift where `decoding` is nil.
  init(table: UnsafePointer<minigpt_kernels>, decoding: UnsafePointer<minigpt_decoding>?) {
    unsafe self.table = table
    unsafe self.decoding = decoding ?? Self.portable.decoding
  }

  /// Those in plain Swift.
  package static let portable: Kernels = {
    let table = UnsafeMutablePointer<minigpt_kernels>.allocate(capacity: 1)
    unsafe table.initialize(to: portableTable())
    let decoding = UnsafeMutablePointer<minigpt_decoding>.allocate(capacity: 1)
    unsafe decoding.initialize(to: portableDecoding())
    return unsafe Kernels(table: table, decoding: UnsafePointer(decoding))
  }()

  /// The largest tile that a product makes.
  package var tileRows: Int { unsafe table.pointee.tile_rows }
  /// The columns of a tile, which are the width of a packed panel.
  package var tileColumns: Int { unsafe table.pointee.tile_columns }
}
