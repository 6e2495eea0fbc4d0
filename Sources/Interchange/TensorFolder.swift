internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors

/// The tensors of a Hugging Face folder: one file, `model.safetensors`, or several that an index names.
///
/// Every file's header is checked as a whole; with an index, each tensor stands in the file that it names and in no
/// other, and the files are names in this folder, not ways out of it.
struct TensorFolder: TensorSource {
  /// What errors about the whole name: the file or the index.
  let path: Path
  private var places: [JSON.Key: (file: SafetensorsFile, tensor: SafetensorsTensor)] = [:]
  /// In the order of the files and of their data.
  private(set) var names: [String] = []
  /// Of all files together.
  private(set) var byteCount = 0

  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"
  /// An index larger than that is none.
  static let indexLimit = 64 << 20
  static let fileLimit = 4096

  init(_ folder: Path) throws(InterchangeError) {
    let single = folder.appending(Self.single), index = folder.appending(Self.index)
    if Files.exists(single) {
      path = single
      try add(single)
    } else if Files.exists(index) {
      path = index
      try addShards(folder)
    } else {
      let pickle = folder.appending("pytorch_model.bin")
      throw Files.exists(pickle)
        ? .unsupported(pickle, "weights as a pickle; save the model with safetensors")
        : .notAModel(folder, "there is no \(Self.single) and no \(Self.index) in it")
    }
  }

  private mutating func add(_ path: Path) throws(InterchangeError) {
    let file: SafetensorsFile
    do { file = try SafetensorsFile(path) } catch { throw .safetensors(error) }
    byteCount += file.byteCount
    for tensor in file.tensors {
      if let other = places.updateValue((file, tensor), forKey: JSON.Key(tensor.name)) {
        throw .contradiction(path, "tensor \(Path(tensor.name)) stands in \(other.file.path) too")
      }
      names.append(tensor.name)
    }
  }

  private mutating func addShards(_ folder: Path) throws(InterchangeError) {
    var wanted: [(name: JSON.Key, file: JSON.Key)] = []
    var files: [JSON.Key] = [], known = Set<JSON.Key>()
    do {
      let bytes = try FileReader.whole(path, limit: Self.indexLimit)
      let map = try JSONField(parsing: bytes.rawBytes, source: "\(path)").field("weight_map")
      for (key, field) in try map.members() {
        let name = try field.string()
        if !Self.isFileName(name) { throw field.outside("the name of a file in this folder", "`\(Path(name))`") }
        wanted.append((JSON.Key(key), JSON.Key(name)))
        if known.insert(JSON.Key(name)).inserted { files.append(JSON.Key(name)) }
        if files.count > Self.fileLimit { throw map.outside("at most \(Self.fileLimit) files", "more") }
      }
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as StorageError {
      throw .storage(error)
    } catch { throw .notAModel(path, "\(error)") }
    for file in files { try add(folder.appending(file.text)) }
    for (name, file) in wanted {
      guard let place = places[name] else { throw .missingTensor(folder.appending(file.text), name.text) }
      if place.file.path != folder.appending(file.text) {
        throw .contradiction(
          path, "tensor \(Path(name.text)) should be in \(Path(file.text)), but is in \(place.file.path)")
      }
    }
    if wanted.count < names.count {
      let listed = Set(wanted.map(\.name))
      if let extra = names.first(where: { !listed.contains(JSON.Key($0)) }) {
        throw .contradiction(path, "tensor \(Path(extra)) is in a file, but not in the index")
      }
    }
  }

  /// A plain name: no way into another folder, and none of the names that mean one.
  static func isFileName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return !bytes.isEmpty && bytes.count < 256 && name != "." && name != ".."
      && !bytes.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
  }

  func contains(_ name: String) -> Bool { places[JSON.Key(name)] != nil }

  /// A tensor that must be there, of these dimensions and one of the types that weights have.
  func matrix(_ name: String, _ shape: [Int]) throws(InterchangeError) -> FileMatrix {
    guard let (file, tensor) = places[JSON.Key(name)] else { throw .missingTensor(path, name) }
    guard let type = NumberFormat(tensor.type), tensor.shape == shape else {
      throw .wrongTensor(
        file.path, name, expected: "F32, F16 or BF16 \(shape)", found: "\(tensor.type.rawValue) \(tensor.shape)")
    }
    return file.matrix(tensor, type)
  }

  func verify() throws(InterchangeError) {
    do throws(SafetensorsError) { try verifyChecksums() } catch { throw .safetensors(error) }
  }

  /// Compares what was written with checksums, as minigpt does, with them.
  private func verifyChecksums() throws(SafetensorsError) {
    var seen = Set<Path>()
    for name in names {
      guard let (file, tensor) = places[JSON.Key(name)], file.hasChecksums else { continue }
      if seen.insert(file.path).inserted { try file.verifyHeader() }
      try file.verify(tensor)
    }
  }
}
