internal import MiniGPTParallel
internal import MiniGPTStorage
internal import Synchronization

/// Tensors of floats that lie one behind the other in a file, brought into memory in order by a thread of its own and
/// compared with their checksums by another.
///
/// Touching page after page is the fastest way to have them read, as systems read ahead then in pieces that fit the device;
/// but a thread that computes in between lets the device wait now and then.
final class VerifiedReading: Sendable {
  private let file: SafetensorsFile
  private let tensors: ArraySlice<SafetensorsTensor>
  /// All bytes of the tensors.
  private let range: Range<Int>
  private let touched = StreamPace(lead: 16 << 20)
  private let compared = StreamPace(lead: 16 << 20)
  private let failure = Mutex<SafetensorsError?>(nil)

  /// Bytes between two looks at the pace.
  private static let step = 1 << 20

  init(_ file: SafetensorsFile, _ tensors: ArraySlice<SafetensorsTensor>) {
    self.file = file
    self.tensors = tensors
    range = (tensors.first?.range.lowerBound ?? 0)..<(tensors.last?.range.upperBound ?? 0)
    BackgroundThread.start { [self] in touch() }
    BackgroundThread.start { [self] in compare() }
  }

  private func pieces(of range: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: range.lowerBound, to: range.upperBound, by: Self.step).lazy.map { first in
      first..<min(range.upperBound, first + Self.step)
    }
  }

  private func touch() {
    let file = file
    for piece in pieces(of: range) {
      let end = piece.upperBound - range.lowerBound
      if !touched.mayRead(upTo: end) { return }
      file.map.advise(.now, piece)
      touched.didRead(upTo: end)
    }
  }

  private func compare() {
    let file = file
    do throws(SafetensorsError) {
      try file.verifyHeader()
      for tensor in tensors {
        var hash = XXH64()
        for piece in pieces(of: tensor.range) {
          let end = piece.upperBound - range.lowerBound
          if !compared.mayRead(upTo: end) || !touched.waitForBytes(upTo: end) { return }
          hash.update(file.bytes(in: piece))
          touched.release(piece.count)
          compared.didRead(upTo: end)
        }
        try file.verify(tensor, hash)
      }
      // One more than there is: every sum was right.
      compared.didRead(upTo: range.count + 1)
    } catch {
      failure.withLock { $0 = error }
      cancel()
    }
  }

  /// False if they are broken: `finish` says how.
  func waitForFloats(upTo end: Int) -> Bool { compared.waitForBytes(upTo: 4 * end) }

  func release(floats: Int) { compared.release(4 * floats) }

  /// Waits until everything is compared.
  func finish() throws(SafetensorsError) {
    _ = compared.waitForBytes(upTo: range.count + 1)
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  func cancel() {
    touched.end()
    compared.end()
  }
}
