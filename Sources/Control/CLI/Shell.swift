import ArgumentParser
struct Shell: ParsableCommand {}
struct Monitor: ParsableCommand {}
