// SPDX-License-Identifier: Apache-2.0
import Control

await CommandLineTool.main(Array(CommandLine.arguments.dropFirst()))
