internal import MiniGPTCKernels

/// The families of vector instructions that the kernels are written for.
public enum InstructionSet: String, CaseIterable, Sendable {
  /// Plain Swift: the same bits on any machine.
  case portable
  /// 8 floats at a time, with fused multiply-add.
  case avx2
  /// 16 floats at a time.
  case avx512
  /// The same, and bfloat16 products of 16 × 16 tiles.
  case amx

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
    case .amx: Kernels.amx
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

  /// Those with AMX, where the processor has it, the system grants it, and a small product comes out right: they were
  /// written without such a processor at hand, so they are not trusted blindly.
  static let amx: Kernels? = unsafe minigpt_amx().flatMap { table in
    let kernels = unsafe Kernels(table: table, decoding: minigpt_decoding_for_avx512() ?? minigpt_decoding_for_avx2())
    return kernels.multipliesRightly ? kernels : nil
  }

  /// Whether a product of small whole numbers, exact in any order, is what the definition says.
  private var multipliesRightly: Bool {
    guard let product16 = unsafe table.pointee.product16 else { return false }
    let columns = tileColumns, (height, width, words) = (min(21, tileRows16), columns - 3, 37)
    func left(_ i: Int, _ k: Int) -> Float { Float((7 * i + 3 * k) % 11 - 5) }
    func right(_ k: Int, _ j: Int) -> Float { Float((5 * k + 2 * j) % 9 - 4) }
    func pair(_ x: Float, _ y: Float) -> UInt32 { x.bitPattern >> 16 | y.bitPattern & 0xFFFF_0000 }
    let a = (0..<tileRows16 * words).map {
      pair(left($0 / words, $0 % words * 2), left($0 / words, $0 % words * 2 + 1))
    }
    let b = (0..<words * columns).map {
      pair(right($0 / columns * 2, $0 % columns), right($0 / columns * 2 + 1, $0 % columns))
    }
    var c = [Float](repeating: 1, count: height * columns)
    unsafe product16(height, width, words, a, words, 1, b, columns, &c, columns, 1)
    for i in 0..<height {
      for j in 0..<columns {
        let sum = (0..<2 * words).reduce(Float(1)) { $0 + (j < width ? left(i, $1) * right($1, j) : 0) }
        if c[i * columns + j] != sum { return false }
      }
    }
    return true
  }

  /// The largest tile that a product makes.
  package var tileRows: Int { unsafe table.pointee.tile_rows }
  /// The columns of a tile, which are the width of a packed panel.
  package var tileColumns: Int { unsafe table.pointee.tile_columns }
  /// The rows of the largest tile of bfloat16 products.
  package var tileRows16: Int { unsafe table.pointee.tile_rows16 }
  /// Whether there are instructions for products of bfloat16.
  package var multipliesBFloat16: Bool { unsafe table.pointee.product16 != nil }
  /// Whether training is faster with them. It is a property of the processor and never timed: what a busy moment decides,
  /// the same command would not repeat.
  package var gainsByBFloat16: Bool {
    unsafe multipliesBFloat16 && (table == minigpt_amx() || minigpt_has_fast_pairs() != 0)
  }
}
