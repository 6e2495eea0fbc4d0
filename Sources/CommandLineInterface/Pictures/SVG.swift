internal import MiniGPTPlatform

/// A picture as text: elements are written one behind the other, and everything that a person wrote is escaped.
///
/// One file that opens offline: no script, no font and no picture from elsewhere. Colours are variables of the style
/// sheet, one set for light and one for dark surroundings.
struct SVG {
  private(set) var body = ""

  /// Colours that people with any common colour vision tell apart: Okabe and Ito 2008.
  static let palette = 6

  private static let style = """
    svg{--paper:#fff;--ink:#1a1a1a;--soft:#6b6b6b;--grid:#e3e3e3;--heat:#0058a8;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;\
    --c3:#aa4499;--c4:#b07900;--c5:#444;background:var(--paper);font:12px system-ui,sans-serif}
    @media (prefers-color-scheme:dark){svg{--paper:#16181c;--ink:#ececec;--soft:#a0a4ab;--grid:#33373e;--heat:#7cc4ff;\
    --c0:#5ab4ee;--c1:#ff9147;--c2:#35cda0;--c3:#e393c6;--c4:#f3c14b;--c5:#ccc}}
    text{fill:var(--ink)}.soft{fill:var(--soft)}.end{text-anchor:end}.mid{text-anchor:middle}.head{font-weight:600}
    .grid{stroke:var(--grid)}.line{fill:none;stroke-width:2;stroke-linejoin:round}
    """

  /// Appends what is SVG already.
  mutating func add(_ markup: String) { body += markup + "\n" }

  mutating func text(_ x: Double, _ y: Double, _ text: String, style: String = "", more: String = "") {
    add(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\"" + (style.isEmpty ? "" : " class=\"\(style)\"")
        + (more.isEmpty ? "" : " " + more) + ">\(Self.escaped(text))</text>")
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ more: String) {
    let ends = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)].map { "\($0)=\"\(Self.number($1))\"" }
    add("<line \(ends.joined(separator: " ")) \(more)/>")
  }

  /// The whole file; `title` is what a screen reader says.
  func file(width: Double, height: Double, title: String, style: String = "") -> String {
    let w = Self.number(width), h = Self.number(height)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" role="img">
      <title>\(Self.escaped(title))</title>
      <style>\(Self.style)\(style)</style>
      \(body)</svg>

      """
  }

  /// At most two decimals.
  static func number(_ x: Double) -> String {
    var text = fixed(x, 2)
    while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") {
      let wasPoint = text.hasSuffix(".")
      text.removeLast()
      if wasPoint { break }
    }
    return text
  }

  /// For the inside of elements and of attributes in double quotes. Control characters, which XML forbids, and the marks
  /// that turn the direction of writing are spelled out.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in EscapedText.string(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
