internal import MiniGPTPlatform

/// A picture as text: elements are written one behind the other, and everything that a person wrote is escaped.
///
/// One file that opens offline and everywhere: no script, no font and no picture from elsewhere, and every colour an
/// attribute. A style sheet on top has the colours for dark surroundings, which browsers alone know.
struct SVG {
  private(set) var body = ""

  /// Colours that people with any common colour vision tell apart: Okabe and Ito 2008.
  static let palette = 6

  private static let colours: [(name: String, light: String, dark: String)] = [
    ("paper", "#fff", "#16181c"), ("ink", "#1a1a1a", "#ececec"), ("soft", "#6b6b6b", "#a0a4ab"),
    ("grid", "#e3e3e3", "#33373e"), ("heat", "#0058a8", "#7cc4ff"), ("c0", "#0072b2", "#5ab4ee"),
    ("c1", "#d55e00", "#ff9147"), ("c2", "#009e73", "#35cda0"), ("c3", "#aa4499", "#e393c6"),
    ("c4", "#b07900", "#f3c14b"), ("c5", "#444", "#ccc"),
  ]

  private static var style: String {
    let rules = colours.map { ".\($0.name){fill:\($0.dark)}.s-\($0.name){stroke:\($0.dark)}" }
    return "@media (prefers-color-scheme:dark){svg{background:\(colours[0].dark)}\(rules.joined())}"
  }

  private static func light(_ name: String) -> String { colours.first { $0.name == name }?.light ?? "#000" }

  /// Attributes that paint the inside of an element.
  static func fill(_ colour: String, classes: String = "") -> String {
    "class=\"\(classes.isEmpty ? "" : classes + " ")\(colour)\" fill=\"\(light(colour))\""
  }

  /// Attributes that paint the line of an element, of which the inside stays empty.
  static func stroke(_ colour: String, width: String = "1", classes: String = "") -> String {
    "class=\"\(classes.isEmpty ? "" : classes + " ")s-\(colour)\" fill=\"none\" stroke=\"\(light(colour))\""
      + " stroke-width=\"\(width)\""
  }

  enum Anchor: String { case start, middle, end }

  /// Appends what is SVG already.
  mutating func add(_ markup: String) { body += markup + "\n" }

  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ colour: String = "ink", anchor: Anchor = .start, isHead: Bool = false,
    more: String = ""
  ) {
    add(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" \(Self.fill(colour))"
        + (anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\"") + (isHead ? " font-weight=\"600\"" : "")
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
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" role="img"\
       font-family="system-ui, sans-serif" font-size="12">
      <title>\(Self.escaped(title))</title>
      <style>\(Self.style)\(style)</style>
      <rect width="100%" height="100%" \(Self.fill("paper"))/>
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
