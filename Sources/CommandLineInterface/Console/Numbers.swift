internal import MiniGPT

/// A number with a fixed count of decimals (up to 9), rounded half to even as the processor does.
func fixed(_ value: Double, _ decimals: Int) -> String {
  let scale = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000][decimals]
  let scaled = (value * Double(scale)).rounded(.toNearestOrEven)
  // Beyond 2^53 the decimals are noise, and an Int could not hold them.
  guard scaled.magnitude < 9e15 else { return value.isNaN ? "nan" : shortest(value) }
  let (whole, part) = Int(scaled.magnitude).quotientAndRemainder(dividingBy: scale)
  let sign = scaled < 0 ? "-" : ""
  if decimals == 0 { return sign + String(whole) }
  let digits = String(part)
  return sign + String(whole) + "." + String(repeating: "0", count: decimals - digits.count) + digits
}

/// "48 s", "3 min 20 s", "2 h 05 min", "3 d 04 h"; "?" where the time is not known.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
  let whole = Int(seconds.rounded())
  func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
  if whole < 86_400 { return "\(whole / 3600) h \(two(whole % 3600 / 60)) min" }
  return "\(whole / 86_400) d \(two(whole % 86_400 / 3600)) h"
}

/// "512 bytes", "4.8 MB" (a MB is a million bytes).
func size(_ bytes: Int) -> String {
  let value = Double(bytes)
  if bytes < 1000 { return "\(bytes) bytes" }
  if value < 1e6 { return fixed(value / 1e3, 1) + " kB" }
  if value < 1e9 { return fixed(value / 1e6, 1) + " MB" }
  return fixed(value / 1e9, 2) + " GB"
}

/// "12 %"; "100 %" only when all is done.
func percent(_ done: Int, _ total: Int) -> String {
  if total <= 0 || done >= total { return "100 %" }
  return "\(min(99, Int(100 * Double(done) / Double(total)))) %"
}
