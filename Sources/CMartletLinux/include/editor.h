// SPDX-License-Identifier: Apache-2.0
// Line editing for the shell: libedit's setters are variadic functions, which Swift cannot call.
#ifndef CMARTLETLINUX_EDITOR_H
#define CMARTLETLINUX_EDITOR_H

#include <histedit.h>
#include <stddef.h>
#include <stdio.h>

typedef unsigned char (*CMartletLinux_editorKey)(EditLine *, int);

/// stdin and its kin are mutable globals, which Swift 6 does not touch.
static inline EditLine *CMartletLinux_editorOpen(const char *program) { return el_init(program, stdin, stdout, stderr); }

static inline void CMartletLinux_editorSetPrompt(EditLine *editor, char *(*prompt)(EditLine *)) {
    el_set(editor, EL_PROMPT, prompt);
}

/// Emacs keys, the history on the arrow keys, libedit's own handling of the window size while a line is read. ^C is a
/// key like others then: libedit would swallow its signal and leave the terminal without editing.
static inline void CMartletLinux_editorSetDefaults(EditLine *editor, History *past) {
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_SIGNAL, 1);
    el_set(editor, EL_SETTY, "-d", "-isig", NULL);
    el_set(editor, EL_HIST, history, past);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

static inline void CMartletLinux_editorBind(
    EditLine *editor, const char *key, const char *name, const char *help, CMartletLinux_editorKey action) {
    el_set(editor, EL_ADDFN, name, help, action);
    el_set(editor, EL_BIND, key, name, NULL);
}

static inline void CMartletLinux_editorSetContext(EditLine *editor, void *context) {
    el_set(editor, EL_CLIENTDATA, context);
}

static inline void *CMartletLinux_editorContext(EditLine *editor) {
    void *context = NULL;
    el_get(editor, EL_CLIENTDATA, &context);
    return context;
}

/// The text left of the cursor: its length, and its start through `start`.
static inline size_t CMartletLinux_editorLine(EditLine *editor, const char **start) {
    const LineInfo *line = el_line(editor);
    *start = line->buffer;
    return (size_t)(line->cursor - line->buffer);
}

/// Empties the line, wherever the cursor stands.
static inline void CMartletLinux_editorDrop(EditLine *editor) {
    const LineInfo *line = el_line(editor);
    int length = (int)(line->lastchar - line->buffer);
    el_cursor(editor, (int)(line->lastchar - line->cursor));
    el_deletestr(editor, length);
}

static inline void CMartletLinux_historySetSize(History *past, int lines) {
    HistEvent event;
    history(past, &event, H_SETSIZE, lines);
    history(past, &event, H_SETUNIQUE, 1);
}

static inline void CMartletLinux_historyEnter(History *past, const char *line) {
    HistEvent event;
    history(past, &event, H_ENTER, line);
}

static inline void CMartletLinux_historyLoad(History *past, const char *path) {
    HistEvent event;
    history(past, &event, H_LOAD, path);
}

static inline void CMartletLinux_historySave(History *past, const char *path) {
    HistEvent event;
    history(past, &event, H_SAVE, path);
}

#endif
