internal import MiniGPT

/// Loss curves of several runs as a picture: validation with points, training thin, n-grams as dashed lines.
struct LossChart {
  let curves: [TrainingCurve]

  private static let width = 860.0
  private static let height = 480.0
  private static let left = 56.0
  private static let right = 170.0
  private static let top = 44.0
  private static let bottom = 46.0

  /// Kinds of dashes, so that colour is not alone in telling runs apart.
  private static let dashes = ["", "9 4", "2 4", "12 4 2 4", "5 3", "1 3"]

  func file() -> String {
    let range = ChartRange(curves), plotWidth = Self.width - Self.left - Self.right
    let plotHeight = Self.height - Self.top - Self.bottom, end = Self.width - Self.right
    func x(_ step: Int) -> Double { Self.left + plotWidth * Double(step) / Double(range.steps) }
    func y(_ value: Double) -> Double {
      Self.top + plotHeight * (range.high - min(max(value, range.low), range.high)) / (range.high - range.low)
    }
    func points(_ list: [TrainingCurve.Point]) -> String {
      list.map { "\(SVG.number(x($0.step))),\(SVG.number(y($0.value)))" }.joined(separator: " ")
    }
    var picture = SVG(), labels: [(y: Double, text: String, style: String)] = []
    let unit = curves.allSatisfy(\.isBits) ? "bits per byte" : "loss"
    picture.text(Self.left, 24, "\(unit) by step", isHead: true)
    picture.text(end, 24, "● held-out text · thin: training text · grey dashes: n-grams", "soft", anchor: .end)
    for tick in range.ticks {
      picture.line(Self.left, y(tick), end, y(tick), SVG.stroke("grid"))
      picture.text(Self.left - 8, y(tick) + 4, shortest((tick * 1e6).rounded() / 1e6), "soft", anchor: .end)
    }
    for step in range.stepTicks {
      picture.text(x(step), Self.height - Self.bottom + 20, grouped(step), "soft", anchor: .middle)
    }
    picture.text(end, Self.height - 8, "steps", "soft", anchor: .end)
    for (order, value, name) in rungs where value >= range.low && value <= range.high {
      picture.line(
        Self.left, y(value), end, y(value),
        SVG.stroke("soft", classes: "rung") + " stroke-dasharray=\"4 4\" data-value=\"\(fixed(value, 4))\"")
      labels.append((y(value), "\(order)-gram \(fixed(value, 3))\(name)", "soft"))
    }
    for (index, curve) in curves.enumerated() {
      let colour = "c\(index % SVG.palette)", dash = Self.dashes[index % Self.dashes.count]
      let dashed = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
      picture.add(
        "<polyline \(SVG.stroke(colour, classes: "line")) opacity=\"0.55\" stroke-linejoin=\"round\""
          + " points=\"\(points(curve.smoothed.filter { $0.value <= range.high }))\"/>")
      if !curve.validation.isEmpty {
        picture.add(
          "<polyline \(SVG.stroke(colour, width: "2", classes: "line"))\(dashed) stroke-linejoin=\"round\""
            + " points=\"\(points(curve.validation))\"/>")
      }
      for point in curve.validation {
        let told = "\(curve.name), step \(grouped(point.step)): \(fixed(point.value, 4))"
        picture.add(
          "<circle cx=\"\(SVG.number(x(point.step)))\" cy=\"\(SVG.number(y(point.value)))\" r=\"3\" \(SVG.fill(colour))>"
            + "<title>\(SVG.escaped(told))</title></circle>")
      }
      if let last = curve.validation.last ?? curve.smoothed.last {
        let name = curve.name.unicodeScalars.count > 18 ? String(curve.name.prefix(17)) + "…" : curve.name
        labels.append((y(last.value), "\(name) \(fixed(last.value, 3))", "c\(index % SVG.palette)"))
      }
    }
    for (place, label) in spread(labels) {
      picture.text(end + 8, place + 4, label.text, label.style, isHead: label.style != "soft")
    }
    return picture.file(
      width: Self.width, height: Self.height,
      title: "loss by step of \(curves.count) run\(curves.count == 1 ? "" : "s")")
  }

  /// The n-grams of all runs, each once, and behind one that not all have whose it is.
  private var rungs: [(order: Int, value: Double, name: String)] {
    var found: [(order: Int, value: Double, names: [String])] = []
    for curve in curves {
      for (order, value) in curve.ascent {
        if let there = found.firstIndex(where: { $0.order == order && fixed($0.value, 3) == fixed(value, 3) }) {
          found[there].names.append(curve.name)
        } else {
          found.append((order, value, [curve.name]))
        }
      }
    }
    return found.map { rung in
      let isShared = rung.names.count == curves.count
      let names = shortened(rung.names.joined(separator: ", "), columns: 9)
      return (rung.order, rung.value, isShared ? "" : " " + names)
    }
  }

  /// Labels from top to bottom, at least a line apart.
  private func spread<Label>(_ labels: [(y: Double, text: String, style: Label)]) -> [(
    Double, (y: Double, text: String, style: Label)
  )] {
    var last = -Double.infinity
    return labels.sorted { $0.y < $1.y }.map { label in
      last = max(label.y, last + 15)
      return (last, label)
    }
  }
}
