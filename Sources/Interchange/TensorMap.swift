internal import MiniGPTCheckpoints
internal import MiniGPTPlatform
internal import MiniGPTStorage
internal import MiniGPTTensors
internal import MiniGPTTransformer

/// The tensors of another program's model, and where their numbers are among our parameters. Everything that reads or
/// writes such a model walks this table.
struct TensorMap: Sendable {
  /// The first row is the embedding. Those whose parameter a model does not have are no part of it.
  let rows: [Row]
  var constants: [Constant] = []
  /// What names of rows and constants begin with in what we write; others may leave it out.
  var prefix = ""
  /// Tensors that may hold the embedding once more.
  var twins: [String] = []
  /// Whether a tensor says nothing; asked without the prefix.
  var isIgnored: @Sendable (String) -> Bool = { _ in false }

  struct Row: Sendable {
    /// `*` stands for the number of a block in both names.
    let theirs: String
    let ours: String
    /// Some columns of ours; nil for all.
    var part: Range<Int>?
    /// Row i of the part, in their order, is our row `rowOrder[i]`; columns likewise.
    var rowOrder: [Int]?
    var columnOrder: [Int]?
    /// Whether rows and columns are exchanged after all that.
    var isTransposed = false
  }

  /// A tensor of theirs that holds no parameter.
  struct Constant: Sendable {
    let name: String
    let shape: [Int]
    var isRequired = false
    var isWritten = true
    let value: @Sendable () -> FileMatrix
    /// Why a model with such a tensor is none of ours.
    var refusal: @Sendable (FileMatrix) -> String? = { _ in nil }
  }

  /// A row and the parameter that it is about.
  private struct Entry {
    let name: String
    let row: Row
    let parameter: Parameter

    /// Their dimensions.
    var shape: [Int] {
      let shape = parameter.shape.dropLast() + [row.part?.count ?? parameter.slot.columns]
      return row.isTransposed ? shape.reversed() : Array(shape)
    }

    func theirs(_ ours: FileMatrix) -> FileMatrix {
      let part = row.part.map { ours.columns($0) } ?? ours
      let ordered = part.rowOrder(row.rowOrder).columnOrder(row.columnOrder)
      return row.isTransposed ? ordered.transposed : ordered
    }

    /// The part of our parameter that is in their tensor.
    func ours(_ theirs: FileMatrix) -> FileMatrix {
      let rows = row.rowOrder.map(Self.inverse), columns = row.columnOrder.map(Self.inverse)
      // Ordered before it is transposed, so that pieces of rows are read at a time.
      return row.isTransposed
        ? theirs.columnOrder(rows).rowOrder(columns).transposed : theirs.columnOrder(columns).rowOrder(rows)
    }

    private static func inverse(_ order: [Int]) -> [Int] {
      var result = order
      for (index, place) in order.enumerated() { result[place] = index }
      return result
    }
  }

  /// The rows of a model, block after block.
  private func entries(_ layout: ParameterLayout) -> [Entry] {
    let parameters = Dictionary(uniqueKeysWithValues: layout.parameters.map { ($0.name, $0) })
    func entries(_ rows: ArraySlice<Row>, block: String) -> [Entry] {
      rows.compactMap { row in
        parameters[row.ours.replacing("*", with: block)].map { parameter in
          Entry(name: row.theirs.replacing("*", with: block), row: row, parameter: parameter)
        }
      }
    }
    var result: [Entry] = [], start = 0
    while start < rows.count {
      let stack = rows[start].ours.prefix { $0 != "*" }
      let isRepeated = stack.count < rows[start].ours.count
      let end = isRepeated ? rows[start...].firstIndex { !$0.ours.hasPrefix(stack + "*") } ?? rows.count : start + 1
      var block = 0, found = entries(rows[start..<end], block: "0")
      while !found.isEmpty {
        result += found
        block += 1
        found = isRepeated ? entries(rows[start..<end], block: "\(block)") : []
      }
      start = end
    }
    check(Set(result.map(\.parameter.name)).count == layout.parameters.count, "a parameter is in no row")
    return result
  }

  /// The prefix of the names in a source, which any of them may lack.
  func prefix(in source: some TensorSource) -> String {
    rows.contains { source.contains(prefix + $0.theirs.replacing("*", with: "0")) } ? prefix : ""
  }

  /// What a source holds: our parameters in the order of the layout, and the embeddings that must be equal.
  func read(
    _ layout: ParameterLayout, from source: some TensorSource
  ) throws(InterchangeError) -> (weights: [FileMatrix], twins: [Twin]) {
    let prefix = prefix(in: source), entries = entries(layout)
    var known = Set<JSON.Key>(), parts: [String: [FileMatrix]] = [:], twins: [Twin] = []
    // Where the embedding is tied, files may have it under the name of the output alone.
    let embedding = prefix + entries[0].name
    let table = source.contains(embedding) ? embedding : self.twins.first { source.contains($0) } ?? embedding
    for (index, entry) in entries.enumerated() {
      let name = index == 0 ? table : prefix + entry.name
      parts[entry.parameter.name, default: []].append(entry.ours(try source.matrix(name, entry.shape)))
      known.insert(JSON.Key(name))
    }
    for name in self.twins where source.contains(name) && name != table {
      let table = try source.matrix(table, entries[0].shape)
      twins.append(Twin(name: name, table: table, other: try source.matrix(name, entries[0].shape)))
      known.insert(JSON.Key(name))
    }
    for constant in constants where constant.isRequired || source.contains(prefix + constant.name) {
      let matrix = try source.matrix(prefix + constant.name, constant.shape)
      if let refusal = constant.refusal(matrix) { throw .unsupported(source.path, refusal) }
      known.insert(JSON.Key(prefix + constant.name))
    }
    for name in source.names where !known.contains(JSON.Key(name)) {
      if !name.hasPrefix(prefix) || !isIgnored(String(name.dropFirst(prefix.count))) {
        throw .extraTensor(source.path, name)
      }
    }
    let weights = layout.parameters.compactMap { parts[$0.name].map { $0.count == 1 ? $0[0] : FileMatrix.beside($0) } }
    return (weights, twins)
  }

  /// A tensor that must be equal to the embedding.
  struct Twin: Sendable {
    let name: String
    let table: FileMatrix
    let other: FileMatrix
  }

  /// The tensors to write, from our parameters in the order of the layout.
  func tensors(_ layout: ParameterLayout, _ weights: [FileMatrix]) -> [ExportedTensor] {
    let matrices = Dictionary(uniqueKeysWithValues: zip(layout.parameters.map(\.name), weights))
    return entries(layout).compactMap { entry in
      matrices[entry.parameter.name].map {
        ExportedTensor(name: prefix + entry.name, shape: entry.shape, matrix: entry.theirs($0))
      }
    }
      + constants.filter(\.isWritten).map {
        ExportedTensor(name: prefix + $0.name, shape: $0.shape, matrix: $0.value())
      }
  }
}

extension [TensorMap.Row] {
  /// A layer norm.
  static func norm(_ theirs: String, _ ours: String, order: [Int]? = nil) -> Self {
    [
      .init(theirs: theirs + ".weight", ours: ours + ".gain", columnOrder: order),
      .init(theirs: theirs + ".bias", ours: ours + ".bias", columnOrder: order),
    ]
  }

  /// A linear layer, or a part of its outputs.
  static func linear(
    _ theirs: String, _ ours: String, part: Range<Int>? = nil, isTransposed: Bool, inputOrder: [Int]? = nil,
    outputOrder: [Int]? = nil
  ) -> Self {
    [
      .init(
        theirs: theirs + ".weight", ours: ours + ".weight", part: part, rowOrder: inputOrder, columnOrder: outputOrder,
        isTransposed: isTransposed),
      .init(theirs: theirs + ".bias", ours: ours + ".bias", part: part, columnOrder: outputOrder),
    ]
  }
}

/// The tensors of a file or folder of another program.
protocol TensorSource: Sendable {
  /// What errors about the whole name.
  var path: Path { get }
  var names: [String] { get }
  /// Of all files together.
  var byteCount: Int { get }
  func contains(_ name: String) -> Bool
  /// Returns a tensor that must be there in this shape.
  func matrix(_ name: String, _ shape: [Int]) throws(InterchangeError) -> FileMatrix
  /// Compares the bytes with checksums, where there are some.
  func verify() throws(InterchangeError)
}

/// A tensor of another format and where its numbers come from.
struct ExportedTensor {
  let name: String
  let shape: [Int]
  let matrix: FileMatrix
}
