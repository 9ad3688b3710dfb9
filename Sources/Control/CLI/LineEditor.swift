// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Foundation

/// A line of input with editing, history and completion, on libedit. One at a time, on the thread that made it.
final class LineEditor {
    /// What a key press adds to the line, and what it prints below it.
    struct Help {
        var insertion = ""
        var listing: [String] = []
    }

    private let editor: OpaquePointer
    private let history: OpaquePointer
    private let prompt: UnsafeMutablePointer<CChar>
    private let historyFile: String?
    /// Called with the text left of the cursor, on TAB (`wantsAll` false) and on `?` (true).
    private let help: (_ line: String, _ wantsAll: Bool) -> Help

    /// nil when the terminal cannot be edited on.
    init?(prompt: String, historyFile: String?, help: @escaping (_ line: String, _ wantsAll: Bool) -> Help) {
        guard let editor = CMartletLinux_editorOpen("martlet") else { return nil }
        guard let history = history_init() else {
            el_end(editor)
            return nil
        }
        self.editor = editor
        self.history = history
        self.prompt = strdup(prompt)
        self.historyFile = historyFile
        self.help = help
        CMartletLinux_historySetSize(history, 1000)
        if let historyFile { CMartletLinux_historyLoad(history, historyFile) }
        CMartletLinux_editorSetDefaults(editor, history)
        CMartletLinux_editorSetContext(editor, Unmanaged.passUnretained(self).toOpaque())
        CMartletLinux_editorSetPrompt(editor) { editor in editor.flatMap { LineEditor.of($0)?.prompt } }
        CMartletLinux_editorBind(editor, "^I", "martlet-complete", "Complete the word") { editor, _ in
            editor.flatMap { LineEditor.of($0)?.assist(wantsAll: false) } ?? UInt8(CC_ERROR)
        }
        CMartletLinux_editorBind(editor, "^C", "martlet-drop", "Drop the line") { editor, _ in
            guard let editor else { return UInt8(CC_ERROR) }
            Console.write("^C\n")
            CMartletLinux_editorDrop(editor)
            return UInt8(CC_REDISPLAY)
        }
        CMartletLinux_editorBind(editor, "?", "martlet-help", "List what may stand here") { editor, _ in
            editor.flatMap { LineEditor.of($0)?.assist(wantsAll: true) } ?? UInt8(CC_ERROR)
        }
    }

    deinit {
        if let historyFile { CMartletLinux_historySave(history, historyFile) }
        history_end(history)
        el_end(editor)
        free(prompt)
    }

    /// The next line, or nil at the end: ^D on an empty one.
    func read() -> String? {
        var count: Int32 = 0
        guard let text = el_gets(editor, &count), count > 0 else { return nil }
        let line = String(cString: text).trimmingCharacters(in: .whitespacesAndNewlines)
        if !line.isEmpty { CMartletLinux_historyEnter(history, line) }
        return line
    }

    private static func of(_ editor: OpaquePointer) -> LineEditor? {
        guard let context = CMartletLinux_editorContext(editor) else { return nil }
        return Unmanaged<LineEditor>.fromOpaque(context).takeUnretainedValue()
    }

    private func assist(wantsAll: Bool) -> UInt8 {
        var start: UnsafePointer<CChar>?
        let length = CMartletLinux_editorLine(editor, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        let line = String(decoding: bytes, as: UTF8.self)
        // Inside quotes a question mark is text.
        if wantsAll, line.count(where: { $0 == "\"" }) % 2 == 1 || line.count(where: { $0 == "'" }) % 2 == 1 {
            el_insertstr(editor, "?")
            return UInt8(CC_REFRESH)
        }
        let help = help(line, wantsAll)
        if !help.insertion.isEmpty { el_insertstr(editor, help.insertion) }
        if help.listing.isEmpty { return UInt8(help.insertion.isEmpty ? CC_REFRESH_BEEP : CC_REFRESH) }
        Console.write("\n" + help.listing.map { $0 + "\n" }.joined())
        return UInt8(CC_REDISPLAY)
    }
}
