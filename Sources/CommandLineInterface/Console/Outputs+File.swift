internal import MiniGPT

extension Outputs {
  static let overwriting = "--overwrite replaces it, another --out leaves it alone"

  /// The one file or folder that a command writes, `--out` or what `flag` says.
  convenience init(of path: Path, reading inputs: [Path], overwrite: Bool, flag: String = "out") throws {
    self.init(reading: inputs)
    try lock(RunFiles(containing: path.withoutEndingSlash).name)
    try claim(path, replaces: overwrite, waysOn: "--overwrite replaces it, another --\(flag) leaves it alone")
  }
}
