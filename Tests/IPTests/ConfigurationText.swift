// SPDX-License-Identifier: Apache-2.0
import Control
import Foundation
import Graph

/// What speaks against a configuration, as an operator reads it; nothing when it is in force.
@ControlPlane
func configurationErrors(_ text: String) -> [String] {
    do {
        try Router(YAMLReader.read(text: text, name: "r.yaml")).prepare()
        return []
    } catch let errors as ConfigurationErrors {
        return errors.all.map(\.description)
    } catch {
        return ["\(error)"]
    }
}

/// The path of a new file with this text; the caller removes it.
func temporaryFile(_ text: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    try Data(text.utf8).write(to: file)
    return file.path
}
