import Foundation
import MiniGPTTensors
import Testing

/// Heads that are normalized and turned, against the definition in double precision.
@Suite struct HeadTurningTests {
  /// Heads of halves that are multiples of nothing, of one vector, and of several.
  static let widths = [2, 6, 10, 16, 34, 64, 128]
  static let epsilon: Float = 1e-4

  /// One head: normalized where there are gains, turned where there are angles.
  static func definition(_ x: [Double], _ gain: [Double]?, _ angles: [Double]?) -> [Double] {
    let width = x.count, half = width / 2
    let rstd = gain == nil ? 1 : NormTests.rstd(x, epsilon)
    let y = x.indices.map { x[$0] * rstd * (gain?[$0] ?? 1) }
    guard let angles else { return y }
    return x.indices.map { i in
      let angle = angles[i % half]
      return i < half ? y[i] * cos(angle) - y[i + half] * sin(angle) : y[i] * cos(angle) + y[i - half] * sin(angle)
    }
  }

  /// A table of turns, and the angles in it.
  private func table(_ field: Field, rows: Int, width: Int) -> (slot: Slot, angles: [[Double]]) {
    let angles = (0..<rows).map { row in (0..<width / 2).map { 0.3 * Double(row) / Double($0 + 1) } }
    let numbers = angles.flatMap { $0.map { Float(cos($0)) } + $0.map { Float(sin($0)) } }
    return (field.place(rows, width, numbers), angles)
  }

  @Test(arguments: InstructionSet.available, [(true, true), (true, false), (false, true)])
  func headsAreThoseOfTheDefinition(set: InstructionSet, what: (isNormalized: Bool, isTurned: Bool)) throws {
    for width in Self.widths {
      let field = try Field(set, floats: 1 << 17), heads = 3, rows = 7, length = 3
      let x = field.place(rows, heads * width, seed: width), y = field.place(rows, heads * width, seed: 1)
      let gain = what.isNormalized ? field.place(1, width, seed: 2) : nil
      let (turns, angles) = table(field, rows: 5, width: width)
      let turn = HeadTurn(
        headWidth: width, gain: gain, epsilon: Self.epsilon, table: what.isTurned ? turns : nil)
      let values = field.memory.read(x).doubles, gains = gain.map { field.memory.read($0).doubles }
      func expected(_ place: (Int) -> Int) -> [Double] {
        (0..<rows * heads).flatMap { part in
          Self.definition(
            Array(values[part * width..<(part + 1) * width]), gains, what.isTurned ? angles[place(part / heads)] : nil)
        }
      }
      field.memory.turnHeads(y, x, turn, at: .texts(length: length))
      #expect(field.changedOnly(y))
      let got = field.memory.read(y)
      #expect(worstError(got, expected { $0 % length }) < 1e-5, "\(width)")
      // Rows of a decoding step say their places.
      let places: [Int32] = [4, 0, 2, 2, 1, 3, 0], given = field.place(places)
      field.memory.turnHeads(y, x, turn, at: .given(given))
      #expect(worstError(field.memory.read(y), expected { Int(places[$0]) }) < 1e-5, "\(width)")
      field.memory.turnHeads(x, x, turn, at: .texts(length: length))
      #expect(field.memory.read(x).bits == got.bits, "in place, \(width)")
    }
  }

  /// By central differences of the definition.
  @Test(arguments: InstructionSet.available, [(true, true), (true, false), (false, true)])
  func gradientsAreDifferences(set: InstructionSet, what: (isNormalized: Bool, isTurned: Bool)) throws {
    for width in [2, 10, 34] {
      let field = try Field(set, floats: 1 << 17), heads = 2, rows = 3
      let x = field.place(rows, heads * width, seed: width), dx = field.place(rows, heads * width, seed: 3)
      let gain = field.place(1, width, seed: 2), dgain = field.place(1, width, seed: 4)
      let bands = field.place(1, width, seed: 5), (turns, angles) = table(field, rows: rows, width: width)
      let turn = HeadTurn(
        headWidth: width, gain: what.isNormalized ? gain : nil, epsilon: Self.epsilon,
        table: what.isTurned ? turns : nil)
      let values = field.memory.read(x).doubles, dy = field.memory.read(dx).doubles
      let gains = field.memory.read(gain).doubles, before = field.memory.read(dgain).doubles
      field.memory.turnHeadsBackward(
        dx, x, turn, dgain: what.isNormalized ? dgain : nil, bands: bands, at: .texts(length: rows))
      func loss(_ x: [Double], _ gains: [Double]) -> Double {
        (0..<rows * heads).reduce(0) { sum, part in
          let own = part * width..<(part + 1) * width
          let y = Self.definition(
            Array(x[own]), what.isNormalized ? gains : nil, what.isTurned ? angles[part / heads] : nil)
          return sum + zip(y, dy[own]).reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
      func slopes(_ at: [Double], _ loss: ([Double]) -> Double) -> [Double] {
        at.indices.map { i in
          var (up, down) = (at, at)
          up[i] += 1e-6
          down[i] -= 1e-6
          return (loss(up) - loss(down)) / 2e-6
        }
      }
      #expect(worstError(field.memory.read(dx), slopes(values) { loss($0, gains) }) < 2e-5, "\(width)")
      if what.isNormalized {
        let expected = zip(before, slopes(gains) { loss(values, $0) }).map { $0 + $1 }
        #expect(worstError(field.memory.read(dgain), expected) < 2e-5, "gain, \(width)")
      } else {
        #expect(field.memory.read(dgain).doubles == before)
      }
    }
  }

  /// Sums over rows lie in bands of a fixed length.
  @Test(arguments: InstructionSet.available) func bitsDependOnNoThreads(set: InstructionSet) throws {
    let (rows, width) = (150, 20)
    func run(threads: Int) throws -> [[UInt32]] {
      let field = try Field(set, threads: threads, floats: 1 << 17)
      let x = field.place(rows, 3 * width, seed: 1), dx = field.place(rows, 3 * width, seed: 2)
      let gain = field.place(1, width, seed: 3), dgain = field.place(1, width, seed: 4)
      let bands = field.place(3, width, seed: 5), (turns, _) = table(field, rows: 50, width: width)
      let turn = HeadTurn(headWidth: width, gain: gain, epsilon: Self.epsilon, table: turns)
      field.memory.turnHeadsBackward(dx, x, turn, dgain: dgain, bands: bands, at: .texts(length: 50))
      field.memory.turnHeads(x, x, turn, at: .texts(length: 50))
      return [dx, dgain, x].map { field.memory.read($0).bits }
    }
    let one = try run(threads: 1)
    for threads in 2...3 { #expect(try run(threads: threads) == one) }
  }
}
